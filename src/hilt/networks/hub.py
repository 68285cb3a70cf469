"""Where the files of a pretrained model are: a folder, the hub's cache, or the hub. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hilt.networks.errors import UnsupportedModelError

FILES = ("config.json", "model.safetensors")
WAY_OUT = "use --policy.vision_encoder_name=null, a small convolution trained from scratch"


def find_model(name: str) -> Path:
    """The folder that holds `FILES` of the folder, or of the hub id, `name`. Downloads where it must.

    Raises:
        UnsupportedModelError: it is absent or incomplete; one sentence says how to get it.
    """
    try:
        folder = Path(name) if Path(name).is_dir() else from_hub(name)
        missing = [file for file in FILES if not (folder / file).is_file()]
        if missing:
            raise UnsupportedModelError(f"{' and '.join(missing)} missing in it")
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"vision encoder {name!r}: {error}; {WAY_OUT}") from error
    return folder


def from_hub(name: str, files: Sequence[str] = FILES) -> Path:
    """The folder in the hub's cache with `files` of the model `name`, downloaded where it must.

    Raises:
        UnsupportedModelError: it cannot be had; the message is a reason that reads on after the name.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, HTTPError, RepositoryNotFoundError
    except ImportError as error:
        if (cached := _in_cache(name)) is not None:
            return cached
        raise UnsupportedModelError(
            "no such folder, and a hub id needs the extra `pip install 'hilt[hub]'`"
        ) from error
    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    except HFValidationError as error:
        raise UnsupportedModelError("no such folder, and not a hub id") from error
    except RepositoryNotFoundError as error:
        raise UnsupportedModelError(
            "no such folder, and no such model on the hub, or it is private: log in with `hf auth login`"
        ) from error
    except (HTTPError, OSError) as error:
        raise UnsupportedModelError(
            "no such folder, not in the hub's cache, and the hub does not give it (offline?): on a machine "
            f"with a network, `hf download {name} --local-dir DIR`, and name DIR"
        ) from error


def _in_cache(name: str) -> Path | None:
    """The newest snapshot of `name` in the hub's cache, found without the hub's own package."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    model = cache / f"models--{name.replace('/', '--')}"
    reference = model / "refs" / "main"
    if not reference.is_file():
        return None
    snapshot = model / "snapshots" / reference.read_text().strip()
    return snapshot if snapshot.is_dir() else None
