"""The card of a trained model on the hub: its figures, a film, and the commands to use it and to train it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hilt.config.classifier import ClassifierConfig
from hilt.config.run import RunConfig

FILM = "film.mp4"
_Row = tuple[str, str]


def card(config: RunConfig, repo_id: str, figures: Mapping[str, Any] | None, *, has_film: bool) -> str:
    """`README.md`. `figures` are those of `eval.json`, or of a classifier's `report.json`; None: none are."""
    is_classifier = isinstance(config.policy, ClassifierConfig)
    kind = "reward classifier" if is_classifier else "policy"
    of = "" if is_classifier else f" for `{config.env.task}`"
    rows = [] if figures is None else (_report if is_classifier else _evaluation)(figures)
    parts = [
        f"---\n{json.dumps(_header(config), indent=2)}\n---",
        f"# {repo_id}",
        f"A {kind}{of}, trained with hilt (`policy.type: {config.policy.type if config.policy else ''}`).",
        _table(rows),
        _film(repo_id) if has_film else "",
        "## Use",
        _commands(repo_id, is_classifier=is_classifier),
        "## Training",
        "```bash\nhilt train --config_path model/train_config.json\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _header(config: RunConfig) -> dict[str, Any]:
    policy = config.policy
    tags = ["hilt", "robotics", "reinforcement-learning", *(getattr(policy, "tags", None) or ())]
    header: dict[str, Any] = {"library_name": "hilt", "pipeline_tag": "robotics", "tags": tags}
    if (licence := getattr(policy, "license", None)) is not None:
        header["license"] = licence
    if config.dataset.repo_id is not None:
        header["datasets"] = [config.dataset.repo_id]
    return header


def _evaluation(figures: Mapping[str, Any]) -> list[_Row]:
    low, high = figures["wilson95"]
    rows = [
        (
            "success rate",
            f"{figures['success_rate']:.1%} of {figures['n_episodes']} episodes, alone "
            f"(95 % interval {low:.1%} to {high:.1%})",
        ),
        ("judge of success", str(figures["judge"])),
        ("mean episode length", f"{figures['mean_episode_length']:.1f} steps"),
    ]
    if figures.get("mean_cycle_time_s") is not None:
        rows.append(("mean cycle time", f"{figures['mean_cycle_time_s']:.1f} s"))
    if (teacher := figures.get("teacher")) is not None and teacher["cycle_ratio"] is not None:
        rows.append(("its teacher, simulated", f"{teacher['success_rate']:.1%} of the same episodes"))
        rows.append(("cycle time, by the teacher's", f"{teacher['cycle_ratio']:.2f}"))
    if figures.get("human_seconds") is not None:
        cost = f"{figures['human_seconds']:.0f} s at the controls, {figures['human_takeovers']} takeovers"
        rows.append(("human time in training", cost))
    return rows


def _report(figures: Mapping[str, Any]) -> list[_Row]:
    clear = figures["clear"]
    rows = [
        ("threshold", f"{figures['threshold']:.3f}"),
        ("precision", f"{clear['precision']:.1%}"),
        ("recall", f"{clear['recall']:.1%}"),
        ("accuracy", f"{clear['accuracy']:.1%} of {clear['n']} held-out frames"),
        ("AUC", f"{figures['auc']:.4f}"),
    ]
    classes = figures["classes"]
    if len(classes) > 2:
        told = "precision {precision:.1%}, recall {recall:.1%} on {n} frames"
        rows += [(f"class {each['label']}", told.format(**each)) for each in classes]
    return rows


def _table(rows: Sequence[_Row]) -> str:
    if not rows:
        return "It was not evaluated."
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _film(repo_id: str) -> str:
    return f'<video controls src="https://huggingface.co/{repo_id}/resolve/main/{FILM}"></video>'


def _commands(repo_id: str, *, is_classifier: bool) -> str:
    download = f"hf download {repo_id} --local-dir model"
    if is_classifier:
        use = f"hilt train ... --env.processor.reward_classifier.pretrained_path={repo_id}"
        return f"```bash\n{download}\n{use}\n```"
    evaluate = f"hilt eval --config_path model/train_config.json --policy.pretrained_path={repo_id}"
    python = f'import hilt\n\npolicy = hilt.load_policy("{repo_id}")\naction = policy(observation)'
    return f"```bash\n{download}\n{evaluate}\n```\n\n```python\n{python}\n```"


def film_of(folder: Path) -> Path | None:
    """A film to show in the folder of an evaluation: a success where there is one."""
    films = sorted(folder.glob("episode_*.mp4"))
    return next((film for film in films if "success" in film.name), films[0] if films else None)
