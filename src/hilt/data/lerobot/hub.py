"""Uploading a dataset to the Hugging Face hub, when asked to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hilt.data.lerobot.layout import VERSION, DatasetError

_CARD = "README.md"


def push_to_hub(root: Path, repo_id: str, *, private: bool | None = None, tags: Sequence[str] = ()) -> str:
    """Upload the dataset in `root`; returns its address.

    Raises:
        DatasetError: it did not work. The data are where they were; the message holds the command that tries
            again.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HTTPError
    except ModuleNotFoundError:
        raise DatasetError(_again(root, repo_id, "install the extra: pip install 'hilt[hub]'")) from None
    _write_card(root, tags)
    try:
        hub = HfApi()
        address = hub.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repo_id, folder_path=root, repo_type="dataset", ignore_patterns=["**/.*.part"]
        )
        hub.create_tag(repo_id, tag=VERSION, repo_type="dataset", exist_ok=True)
    except (HTTPError, OSError, ValueError) as error:
        raise DatasetError(_again(root, repo_id, str(error))) from None
    return str(address)


def _again(root: Path, repo_id: str, reason: str) -> str:
    command = f"hf upload {repo_id} {root} --repo-type dataset"
    return f"{root} was not uploaded ({reason}); the data are safe. Try again: {command}"


def _write_card(root: Path, tags: Sequence[str]) -> None:
    """The hub finds datasets of this format by their tag."""
    path = root / _CARD
    if not path.exists():
        header = json.dumps({"tags": ["LeRobot", "hilt", *tags], "task_categories": ["robotics"]})
        path.write_text(f"---\n{header}\n---\n\nRecorded with hilt. Format: LeRobotDataset {VERSION}.\n")
