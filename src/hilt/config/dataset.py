"""`dataset`: what is recorded, replayed, or learned from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from hilt.config.fields import NoEffect, NonNegativeInt, PositiveInt, Refused, Section


class DatasetConfig(Section):
    repo_id: str | None = None
    """Name on the hub, and of the folder where `root` is null: what is needed of it and not there is
    downloaded."""
    root: str | None = None
    """Folder; null: `$HF_LEROBOT_HOME` or `~/.cache/huggingface/lerobot`, then `repo_id`."""
    task: str | None = None
    """Sentence that describes the task; null: the task's name."""
    num_episodes_to_record: PositiveInt = 5
    """Episodes that `record` records."""
    replay_episode: NonNegativeInt | None = None
    """Episode that `replay` replays."""
    episodes: list[NonNegativeInt] | None = None
    """Episodes that training uses; null: all."""
    push_to_hub: bool = False
    """Upload the recorded dataset."""
    private: bool | None = None
    """Upload it as private."""
    tags: list[str] | None = None
    """Hub tags of the upload."""
    gripper_convention: Literal["auto", "hilt", "gym_hil"] = "auto"
    """How the recorded gripper is to be read: gym_hil says 2 for close and 0..255 for its opening."""
    image_format: Literal["video", "png"] = "video"
    """How pictures are recorded; png loses nothing."""
    use_imagenet_stats: Annotated[bool, NoEffect("pictures are normalised as the encoder expects")] = True
    """Statistics by which pictures are normalised."""
    revision: str | None = None
    """Revision on the hub; null: v3.0, the version that hilt reads."""
    video_backend: Annotated[str | None, NoEffect("videos are decoded by PyAV")] = None
    """Decoder."""
    image_transforms: Annotated[Any, NoEffect("pictures are augmented by policy.shift_pixels")] = None
    """Augmentation."""
    streaming: Annotated[bool, Refused("download the dataset first: `hf download`", (False,))] = False
    """Read the dataset from the hub while training."""

    @property
    def directory(self) -> Path | None:
        """Where the dataset is; None when the configuration names none."""
        if self.root is not None:
            return Path(self.root)
        return None if self.repo_id is None else hub_cache() / self.repo_id


def hub_cache() -> Path:
    """Where the ecosystem keeps local datasets."""
    if home := os.environ.get("HF_LEROBOT_HOME"):
        return Path(home).expanduser()
    cache = os.environ.get("HF_HOME")
    return (Path(cache).expanduser() if cache else Path.home() / ".cache" / "huggingface") / "lerobot"
