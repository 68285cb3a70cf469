"""Checkpoints: written whole or not at all, and refused by name when damaged.

RUN/checkpoints/0004000/pretrained_model/{config.json, model.safetensors, train_config.json}
RUN/checkpoints/0004000/training_state/{state.safetensors, state.json}
RUN/checkpoints/0004000/manifest.json      checksums of the files above
RUN/checkpoints/last, best                 links to complete checkpoints, switched atomically
RUN/checkpoints/.0004000.partial           one that was never finished: nothing reads it
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from hilt.errors import UserError
from hilt.runs.layout import CHECKPOINTS, MODEL, STATE


class CheckpointError(UserError, RuntimeError):
    """A checkpoint is missing, half-written or damaged; the message names it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything needed to evaluate a policy (`model`, `config`) and to go on training it."""

    step: int
    config: dict[str, Any]
    model: dict[str, Tensor]
    train_config: dict[str, Any]
    state: dict[str, Tensor]
    counters: dict[str, Any]


def write_model(
    folder: Path, config: Mapping[str, Any], model: Mapping[str, Tensor], train_config: Mapping[str, Any]
) -> None:
    """Fill `folder` with what evaluation needs."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "config.json", config)
    _write_json(folder / "train_config.json", train_config)
    _write_tensors(folder / "model.safetensors", model)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Policy configuration and tensors of a `pretrained_model` folder.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such folder; a policy is a pretrained_model folder")
    if (folder / MODEL).is_dir():
        folder = folder / MODEL
    if (folder.parent / "manifest.json").is_file():
        _verify(folder.parent, only=folder.name)
    return _read_json(folder / "config.json"), _read_tensors(folder / "model.safetensors")


def read_counters(folder: Path) -> dict[str, Any]:
    """What training had counted by the checkpoint whose policy is in `folder`; empty for a policy alone."""
    checkpoint = folder if (folder / MODEL).is_dir() else folder.parent
    path = checkpoint / STATE / "state.json"
    return _read_json(path) if path.is_file() else {}


class CheckpointStore:
    """The checkpoints of one run; keeps the newest `keep` and the best."""

    def __init__(self, run: Path, keep: int = 3) -> None:
        self.folder = run / CHECKPOINTS
        self._keep = keep

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> Path:
        """Write `checkpoint` to a temporary folder, sync, rename, then switch `last` (and `best`).

        Raises:
            OSError: the disk is full, say; earlier checkpoints and links are as they were.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.folder / f"{checkpoint.step:07d}"
        self._write_whole(final, checkpoint)
        self._link("last", final)
        if best:
            self._link("best", final)
        self._drop_old()
        return final

    def load_last(self) -> Checkpoint | None:
        """The checkpoint that `last` names, else the newest; None when there is none yet.

        Raises:
            CheckpointError: it is damaged; others that are whole are named.
        """
        last = self.folder / "last"
        folder = last.resolve() if last.is_dir() else self._newest()
        if folder is None:
            return None
        try:
            return self.load(folder)
        except CheckpointError as error:
            raise CheckpointError(f"{error}{self._way_out(folder)}") from None

    def load(self, folder: Path) -> Checkpoint:
        """Raises CheckpointError when a file of `folder` is missing or is not what was written."""
        _verify(folder)
        counters = _read_json(folder / STATE / "state.json")
        return Checkpoint(
            step=int(counters["step"]),
            config=_read_json(folder / MODEL / "config.json"),
            model=_read_tensors(folder / MODEL / "model.safetensors"),
            train_config=_read_json(folder / MODEL / "train_config.json"),
            state=_read_tensors(folder / STATE / "state.safetensors"),
            counters=counters,
        )

    def _write_whole(self, final: Path, checkpoint: Checkpoint) -> None:
        temporary = self.folder / f".{final.name}.partial"
        replaced = self.folder / f".{final.name}.replaced.partial"
        for path in (temporary, replaced):
            shutil.rmtree(path, ignore_errors=True)
        try:
            self._write(temporary, checkpoint)
            if final.exists():
                final.rename(replaced)
            temporary.rename(final)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync(self.folder)

    def _write(self, folder: Path, checkpoint: Checkpoint) -> None:
        write_model(folder / MODEL, checkpoint.config, checkpoint.model, checkpoint.train_config)
        (folder / STATE).mkdir()
        _write_tensors(folder / STATE / "state.safetensors", checkpoint.state)
        _write_json(folder / STATE / "state.json", {**checkpoint.counters, "step": checkpoint.step})
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        _write_json(
            folder / "manifest.json", {str(path.relative_to(folder)): _checksum(path) for path in files}
        )
        for path in [*files, folder / "manifest.json", folder / MODEL, folder / STATE, folder]:
            _sync(path)

    def _link(self, name: str, target: Path) -> None:
        temporary = self.folder / f".{name}.new"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target.name)
        temporary.replace(self.folder / name)
        _sync(self.folder)

    def _drop_old(self) -> None:
        linked = {(self.folder / name).resolve() for name in ("last", "best")}
        for path in self._all()[: -self._keep]:
            if path.resolve() not in linked:
                shutil.rmtree(path)
        for path in self.folder.glob(".*.partial"):
            shutil.rmtree(path)

    def _all(self) -> list[Path]:
        """Oldest first."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((path for path in found if path.name.isdigit()), key=lambda path: int(path.name))

    def _newest(self) -> Path | None:
        return next(reversed(self._all()), None)

    def _way_out(self, damaged: Path) -> str:
        """How to go on from another checkpoint, as the end of a sentence."""
        for path in reversed(self._all()):
            if path != damaged and _is_whole(path):
                return f"; {path.name} is whole, to go on from it: ln -sfn {path.name} {self.folder / 'last'}"
        return ""


def _checksum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _verify(folder: Path, only: str = "") -> None:
    for name, checksum in _read_json(folder / "manifest.json").items():
        if not name.startswith(only):
            continue
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"{path} is missing: this checkpoint is not complete")
        if _checksum(path) != checksum:
            raise CheckpointError(f"{path} is damaged: it is not what was written")


def _is_whole(folder: Path) -> bool:
    try:
        _verify(folder)
    except CheckpointError:
        return False
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: this checkpoint is not complete") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} is damaged: it holds no JSON object")
    return data


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: this checkpoint is not complete") from None
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
