"""`hilt VERB --help`: what the verb does, its most used keys with their defaults, and an example."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH = 100
_CONNECTION = (
    "policy.actor_learner_config.learner_host",
    "policy.actor_learner_config.learner_port",
    "policy.actor_learner_config.token",
)


@dataclass(frozen=True, slots=True)
class Help:
    """What a person who asks about a verb is told."""

    usage: str
    about: str
    example: str
    keys: Sequence[str] = ()
    """Keys of the configuration."""
    options: Sequence[tuple[str, str]] = ()
    """Options that are no keys."""


_CONFIG = ("--config_path FILE", "a JSON configuration, or a folder that holds one; without: the defaults")
_NO_UI = ("--no-ui", "without the operator's page")
_SHADOW = ("--shadow", "a real arm: the policy is shown and recorded, and commands nothing")

HELP = {
    "demo": Help(
        "hilt demo [--KEY=VALUE ...]",
        "The whole road from nothing: demonstrations by a simulated human, training with its help, an "
        "evaluation, a video. Needs no configuration, GPU, display, network or account.",
        "hilt demo --seed=7",
        ("seed", "output_dir", "target_success_rate", "eval.n_episodes"),
        (_NO_UI,),
    ),
    "teleop": Help(
        "hilt teleop [--config_path FILE] [--KEY=VALUE ...]",
        "The environment runs in real time and an operator drives; nothing is recorded.",
        "hilt teleop --config_path configs/env.json --operator=browser",
        ("env.task", "env.obs_type", "operator", "ui.port", "ui.open_browser"),
        (_CONFIG, _NO_UI, _SHADOW),
    ),
    "record": Help(
        "hilt record [--config_path FILE] --dataset.root=DIR [--KEY=VALUE ...]",
        "Episodes into a LeRobotDataset v3.0, driven by an operator, or by a policy that an operator "
        "corrects. Every finished episode survives whatever happens next.",
        "hilt record --config_path configs/record.json --operator=browser --dataset.root=data/cubes",
        (
            *(
                "dataset.root",
                "dataset.num_episodes_to_record",
                "dataset.repo_id",
                "env.task",
                "env.obs_type",
            ),
            *("operator", "env.number_of_steps_after_success", "resume", "policy.pretrained_path"),
        ),
        (_CONFIG, _NO_UI, _SHADOW),
    ),
    "replay": Help(
        "hilt replay [--config_path FILE] --dataset.root=DIR --dataset.replay_episode=N",
        "A recorded episode, from its state and by its actions, in the simulator, as a video.",
        "hilt replay --config_path configs/record.json --dataset.root=data/cubes --dataset.replay_episode=0",
        ("dataset.root", "dataset.replay_episode", "output_dir"),
        (_CONFIG, _NO_UI),
    ),
    "train": Help(
        "hilt train --config_path FILE [--KEY=VALUE ...]",
        "Learner and actors on this machine, started together, until the policy passes its test; then an "
        "evaluation. A policy of type reward_classifier is trained on its dataset instead.",
        "hilt train --config_path configs/train_sac_state.json --operator=browser",
        (
            *("output_dir", "resume", "seed", "operator", "demonstrations.num_episodes"),
            *("dataset.root", "dataset.repo_id"),
            *("target_success_rate", "time_limit_s", "num_actors", "batch_size", "policy.online_steps"),
            *("policy.utd_ratio", "eval.n_episodes", "wandb.enable"),
        ),
        (_CONFIG, _NO_UI),
    ),
    "learner": Help(
        "hilt learner --config_path FILE [--KEY=VALUE ...]",
        "The learner alone. Actors join it, in any order, from any machine that may.",
        "hilt learner --config_path configs/train_sac_state.json --output_dir=outputs/run",
        ("output_dir", "resume", "seed", *_CONNECTION),
        (_CONFIG,),
    ),
    "actor": Help(
        "hilt actor --config_path FILE [--KEY=VALUE ...]",
        "An actor alone. It waits for its learner, and keeps what the learner does not have yet.",
        "hilt actor --config_path configs/train_sac_state.json --operator=keyboard",
        ("operator", "output_dir", *_CONNECTION),
        (_CONFIG, _NO_UI),
    ),
    "eval": Help(
        "hilt eval --config_path FILE --policy.pretrained_path=DIR [--KEY=VALUE ...]",
        "How often a saved policy succeeds alone on new episodes, with its interval, cycle time and videos.",
        "hilt eval --config_path configs/train_sac_state.json "
        "--policy.pretrained_path=outputs/run/checkpoints/best",
        (
            "policy.pretrained_path",
            "eval.n_episodes",
            "eval.seed",
            "eval.videos",
            "eval.video_s",
            "eval.workers",
            "output_dir",
        ),
        (_CONFIG, _NO_UI),
    ),
    "sweep": Help(
        "hilt sweep --config_path FILE [--seeds=N] [--grid.KEY=VALUE,VALUE ...] [--KEY=VALUE ...]",
        "A training for each seed and each combination of the values of the grid, as many at a time as cores "
        "and memory allow, each in a folder of its own; then the table and the page of `hilt compare`. The "
        "same command goes on where it was stopped, or is longer now; trainings that die go on.",
        "hilt sweep --config_path configs/train_sac_state.json --seeds=5 --grid.policy.utd_ratio=1,2",
        ("seed", "operator", "time_limit_s", "eval.n_episodes"),
        (
            _CONFIG,
            ("--seeds=N", "seeds of each setting, counted from `seed` on; 3"),
            ("--grid.KEY=A,B", "values of a key, each with each value of the others"),
            ("--jobs=N", "trainings at a time; without: what cores and memory allow"),
            (
                "--cluster=ADDRESS",
                "train on the nodes of a Ray cluster (auto: the one that this machine belongs to); "
                "--output_dir is then on storage that all nodes share (docs/cluster.md)",
            ),
            ("--output_dir=DIR", "folder of the sweep; without: outputs/sweep/NAME"),
        ),
    ),
    "compare": Help(
        "hilt compare RUN RUN ... [--output FILE]",
        "Runs side by side, those that differ in their seed alone as one: success, cycle time, clock, steps "
        "and a person's seconds as a table, with intervals over the seeds, and their curves on one page.",
        "hilt compare outputs/train/2026-01-31",
        options=(
            ("RUN", "the folder of a run; a folder of runs stands for all in it"),
            ("--output FILE", "the page; without: comparison.html in the folder, or in outputs for several"),
        ),
    ),
    "relabel": Help(
        "hilt relabel --dataset DIR --classifier DIR [--output DIR] [--config_path FILE]",
        "A dataset again, with the rewards of a classifier, frame by frame.",
        "hilt relabel --dataset data/cubes --classifier outputs/classifier/checkpoints/last",
        options=(
            ("--dataset DIR", "the dataset, or its hub id; it stays as it is"),
            ("--classifier DIR", "a trained reward classifier, or its hub id"),
            ("--output DIR", "the new dataset; without: DATASET_relabelled"),
            (
                "--config_path FILE",
                "whose env.processor.image_preprocessing makes the pictures that the classifier is shown, or "
                "--env.processor.image_preprocessing.KEY=VALUE; without: what it was trained with",
            ),
        ),
    ),
    "data": Help(
        "hilt data info DIR | show DIR [--output FILE] | view DIR [--classifier DIR] [--ui.port N]",
        "What is in a dataset (a folder, or a hub id): a table of its episodes, a picture of them, or a page "
        "to play, compare, label, cut, split and delete them; what was changed is a new dataset.",
        "hilt data view data/cubes",
        options=(
            ("--output FILE", "show: the picture; without: DIR.png"),
            ("--classifier DIR", "view: a reward classifier, whose word is drawn along the time"),
            ("--ui.port N", "view: where the page is; 0, any that is free"),
        ),
    ),
    "gamepad": Help(
        "hilt gamepad [FILE]",
        "The axes and buttons of a pad as they move; asks for each control and writes a mapping.",
        "hilt gamepad my_pad.json",
    ),
    "cameras": Help(
        "hilt cameras [--config_path FILE] [--output DIR]",
        "The cameras of a real arm: how fast and how late they are, and pictures of what they see and of "
        "what is cut out of it. Without a configuration, the devices of this machine.",
        "hilt cameras --config_path arm.json",
        options=(_CONFIG, ("--output DIR", "where the pictures go; without: cameras")),
    ),
    "doctor": Help(
        "hilt doctor [--robot --config_path FILE]",
        "What this machine can do: OpenGL, GPU, devices, ports, speed; and what to do about the rest. Of a "
        "real arm: whether it answers, the line to it, gripper, cameras. The arm is held where it is.",
        "hilt doctor --robot --config_path arm.json",
        options=(("--robot", "the arm of the configuration"), _CONFIG),
    ),
    "bench": Help(
        "hilt bench [NAME ...] [--peer] [--json] [--seconds S]",
        "The figures of the documentation, measured here: env, learner, acfql, transport, actors, seat, "
        "data, packages.",
        "hilt bench env learner --peer",
        options=(
            ("--peer", "beside gym-hil and LeRobot, where they are installed"),
            ("--json", "as JSON"),
            ("--seconds S", "how long each figure is measured; 5"),
        ),
    ),
    "run": Help(
        "hilt run --config_path FILE [--KEY=VALUE ...]",
        "What the file's `mode` says: record, replay, or null to drive the robot.",
        "hilt run --config_path env.json",
        ("mode",),
        (_CONFIG, _NO_UI),
    ),
}
"""Verb -> what is said about it."""


def text_of(verb: str) -> str:
    """The help of `verb`, ready to print."""
    help_ = HELP[verb]
    rows = [*help_.options, *(_key(key) for key in help_.keys)]
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"usage: {help_.usage}", "", *textwrap.wrap(help_.about, _WIDTH), ""]
    for name, meaning in rows:
        first, *more = textwrap.wrap(meaning, max(40, _WIDTH - width - 4))
        lines += [f"  {name:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in more)]
    lines += [""] * bool(rows) + [f"example: {help_.example}"]
    if help_.keys:
        lines += ["", "Every key of the configuration can be set as --a.b.c=value: docs/configuration.md."]
    return "\n".join(lines) + "\n"


def _key(path: str) -> tuple[str, str]:
    """`--a.b.c=default` and its meaning."""
    from hilt.config.registry import config_class
    from hilt.config.run import RunConfig

    section: object = RunConfig()
    *parents, name = path.split(".")
    for parent in parents:
        section = config_class("sac")() if parent == "policy" else getattr(section, parent)
    field = type(section).model_fields[name]  # type: ignore[attr-defined]  # a section of the configuration
    return f"--{path}={json.dumps(getattr(section, name))}", " ".join((field.description or "").split())
