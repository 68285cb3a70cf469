"""`UserError`: what a person can mend. Commands print it as one line and exit with 2."""

from __future__ import annotations

import importlib
import traceback
from typing import Any


class UserError(Exception):
    """Bad input, a missing device, a damaged file. `str()` says what is wrong and what to do about it."""

    exit_code = 2


def import_named(reference: str) -> Any:
    """The object that "package.module:name" stands for. Raises ValueError, with where it fails, in a line."""
    module_name, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {error.name!r}") from error
    except AttributeError:
        raise ValueError(f"module {module_name!r} has no class {name!r}") from None
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        raise ValueError(f"module {module_name!r} cannot be imported: {said}") from error
