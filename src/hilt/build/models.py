"""Saved policies and classifiers by their name in a configuration: a folder, or an id of the hub."""

from __future__ import annotations

import re
from pathlib import Path

from hilt.networks.errors import UnsupportedModelError
from hilt.networks.hub import FILES, from_hub

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_WANTED = (*FILES, "train_config.json")


def is_hub_id(name: str) -> bool:
    """Whether `name` has the form `user/name` and is nothing that lies here."""
    return _HUB_ID.fullmatch(name) is not None and not Path(name).exists()


def model_folder(name: str | Path) -> Path:
    """The folder `name`; or, of a hub id, the folder in the hub's cache into which it is downloaded.

    Raises:
        CheckpointError: the hub does not give it; one sentence says how to get it.
    """
    if not is_hub_id(str(name)):
        return Path(name)
    try:
        return from_hub(str(name), _WANTED)
    except UnsupportedModelError as error:
        from hilt.runs.checkpoints import CheckpointError  # torch

        raise CheckpointError(f"{name}: {error}") from None
