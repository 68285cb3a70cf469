"""Uploading to the Hugging Face hub, when asked to: a dataset, or a folder of any kind."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hilt.data.lerobot.layout import VERSION, DatasetError

_CARD = "README.md"
_ATTEMPTS, _PAUSE_S = 3, 1.0


class UploadError(Exception):
    """An upload did not work; the message is the reason."""


def push_to_hub(root: Path, repo_id: str, *, private: bool | None = None, tags: Sequence[str] = ()) -> str:
    """Upload the dataset in `root`; returns its address.

    Raises:
        DatasetError: it did not work. The data are where they were; the message holds the command that tries
            again.
    """
    _write_card(root, tags)
    try:
        return upload(root, repo_id, "dataset", private=private, tag=VERSION)
    except UploadError as error:
        command = f"hf upload {repo_id} {root} --repo-type dataset"
        raise DatasetError(
            f"{root} was not uploaded ({error}); the data are safe. Try again: {command}"
        ) from None


def upload(
    folder: Path,
    repo_id: str,
    kind: Literal["dataset", "model"],
    *,
    private: bool | None = None,
    tag: str | None = None,
) -> str:
    """Upload what is in `folder` to a repository, which is created where there is none; returns its address.

    A connection that breaks costs an attempt of a few.

    Raises:
        UploadError: it did not work.
    """
    try:
        from huggingface_hub import HfApi, errors
    except ImportError:
        raise UploadError("install the extra: pip install 'hilt[hub]'") from None
    answers = (errors.HfHubHTTPError, ValueError, errors.LocalTokenNotFoundError, errors.OfflineModeIsEnabled)
    for attempt in range(_ATTEMPTS):
        try:
            return _upload(HfApi(), folder, repo_id, kind, private, tag)
        except (errors.HTTPError, OSError, ValueError) as error:
            if isinstance(error, answers) or attempt == _ATTEMPTS - 1:
                raise UploadError(_reason(error)) from None
        time.sleep(_PAUSE_S)
    raise AssertionError("unreachable")


def _upload(hub: Any, folder: Path, repo_id: str, kind: str, private: bool | None, tag: str | None) -> str:
    address = hub.create_repo(repo_id, repo_type=kind, private=private, exist_ok=True)
    hub.upload_folder(
        repo_id=repo_id, folder_path=folder, repo_type=kind, ignore_patterns=["**/.*.part", ".*/**"]
    )
    if tag is not None:
        hub.create_tag(repo_id, tag=tag, repo_type=kind, exist_ok=True)
    return str(address)


def _reason(error: Exception) -> str:
    """Its first line, which may be empty in the hub's own errors."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _write_card(root: Path, tags: Sequence[str]) -> None:
    """The hub finds datasets of this format by their tag."""
    path = root / _CARD
    if not path.exists():
        header = json.dumps({"tags": ["LeRobot", "hilt", *tags], "task_categories": ["robotics"]})
        path.write_text(f"---\n{header}\n---\n\nRecorded with hilt. Format: LeRobotDataset {VERSION}.\n")
