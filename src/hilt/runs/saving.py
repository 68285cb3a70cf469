"""Checkpoints written beside training, which pauses only for the copy of the tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from hilt.runs.checkpoints import Checkpoint, CheckpointStore


class Saver:
    """One checkpoint at a time, in a thread of its own. A full disk is said and survived.

    `train_config` is the run's configuration, which every checkpoint carries.
    """

    def __init__(
        self, store: CheckpointStore, train_config: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        self._store, self.train_config, self._tell = store, train_config, tell
        self._thread: threading.Thread | None = None

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> None:
        """Begin to write `checkpoint`, whose tensors nobody may change, once the one before is written."""
        self.wait()
        self._thread = threading.Thread(target=self._write, args=(checkpoint, best), name="hilt-save")
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is being written."""
        if self._thread is not None:
            self._thread.join()

    def _write(self, checkpoint: Checkpoint, best: bool) -> None:
        try:
            self._store.save(checkpoint, best=best)
        except OSError as error:
            self._tell(f"no checkpoint at update {checkpoint.step}, the one before stands: {error}")
