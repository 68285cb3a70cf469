"""Where the checkpoints of a run are; `hilt.runs.checkpoints` reads and writes them."""

from __future__ import annotations

from pathlib import Path

CHECKPOINTS = "checkpoints"
MODEL = "pretrained_model"
STATE = "training_state"
SPEC = "spec.json"
"""What the environment of a run is like, see `hilt.data.env_spec`."""


def best_checkpoint(run: Path) -> Path:
    """The checkpoint that the training in `run` hands over: the best of those tested alone, else the last."""
    best = run / CHECKPOINTS / "best"
    return best if best.is_dir() else best.with_name("last")
