"""What was trained, to the hub: `policy.push_to_hub`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hilt.config.errors import ConfigError
from hilt.config.learning import PolicyBase
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.lerobot.hub import UploadError, upload
from hilt.errors import UserError
from hilt.runs.layout import MODEL, best_checkpoint
from hilt.runs.model_card import FILM, card, film_of

FOLDER = "hub"
"""Below the run: what is uploaded."""
_FIGURES = (("eval", "eval.json"), ("report", "report.json"))
_PICTURES = (("eval", "summary.png"), ("report", "precision_recall.png"))


class ModelUploadError(UserError):
    """The upload did not work; what was trained is where it was."""


def check_upload() -> None:
    """Whether an upload can be tried, before hours of training. Raises ConfigError."""
    try:
        from huggingface_hub import get_token
    except ImportError:
        raise ConfigError(
            "policy.push_to_hub", "an upload needs the extra: pip install 'hilt[hub]'"
        ) from None
    if get_token() is None:
        raise ConfigError("policy.push_to_hub", "nobody is logged in: `hf auth login`, or HF_TOKEN")


def publish(config: RunConfig, run: Path) -> str:
    """Upload what the run handed over to `policy.repo_id`; returns its address.

    `run/hub` holds what is sent: the model, its configuration, the figures, a film and a card.

    Raises:
        ModelUploadError: it did not work; the message holds the command that tries again.
    """
    assert isinstance(config.policy, PolicyBase)
    assert config.policy.repo_id is not None
    folder, repo_id = assemble(config, run), config.policy.repo_id
    try:
        return upload(folder, repo_id, "model", private=config.policy.private)
    except UploadError as error:
        raise ModelUploadError(
            f"{folder} was not uploaded ({error}); what was trained is safe. "
            f"Try again: hf upload {repo_id} {folder}"
        ) from None


def assemble(config: RunConfig, run: Path) -> Path:
    """`run/hub`, filled."""
    assert isinstance(config.policy, PolicyBase)
    folder, model = run / FOLDER, best_checkpoint(run) / MODEL
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(model / name, folder / name)
    (folder / "train_config.json").write_text(json.dumps(_portable(config), indent=2) + "\n")
    figures = None
    for inner, name in _FIGURES:
        if (run / inner / name).is_file():
            shutil.copyfile(run / inner / name, folder / name)
            figures = json.loads((folder / name).read_text())
    for inner, name in _PICTURES:
        if (run / inner / name).is_file():
            shutil.copyfile(run / inner / name, folder / name)
    film = film_of(run / "eval")
    if film is not None:
        shutil.copyfile(film, folder / FILM)
    text = card(config, config.policy.repo_id or "", figures, has_film=film is not None)
    (folder / "README.md").write_text(text)
    return folder


def _portable(config: RunConfig) -> dict[str, Any]:
    """The configuration without places on this machine, and without the wish to upload."""
    data = to_dict(config)
    data.pop("output_dir", None)
    data["policy"] = {**data["policy"], "push_to_hub": False}
    if config.dataset.repo_id is not None:
        data["dataset"] = {**data["dataset"], "root": None}
    return data
