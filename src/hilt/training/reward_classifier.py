"""`hilt train` with `policy.type: reward_classifier`: from a dataset to a classifier and its report.

RUN/checkpoints/STEP/pretrained_model   the classifier; `checkpoints/last` points at it
RUN/metrics.jsonl                       losses while fitting
RUN/report/{report.json, precision_recall.png, mistakes.png}
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hilt.build.models import model_folder
from hilt.config.classifier import ClassifierConfig
from hilt.config.device import resolve_device
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.lerobot import DatasetError
from hilt.rewards.calibration import Labels, Scores, calibrate, per_class
from hilt.rewards.fitting import FitOptions, Look, fit, predict
from hilt.rewards.frames import LabelledFrames, clear_of_every_class, distinct, hold_out, load_frames
from hilt.rewards.model import RewardClassifier, load_classifier
from hilt.rewards.report import Report, judge, plot_mistakes, plot_precision_recall
from hilt.runs.checkpoints import Checkpoint, CheckpointStore
from hilt.runs.metrics import JsonLines
from hilt.session.console import Progress, say
from hilt.training.classifier_parts import build_classifier, classifier_policy, encode_once, open_frames

HELD_OUT_SHARE = 0.2
"""Episodes that say when to stop, and choose the threshold."""
REPORTED_SHARE = 0.15
"""Episodes for the report alone."""
ENOUGH_EPISODES = 20
"""From so many on, some are set aside for the report."""


def train_classifier(
    config: RunConfig,
    run: Path,
    should_stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = say,
) -> Report:
    """Fit, calibrate, save and report, in the folder `run`, what `config` describes.

    Begins with the weights of `policy.pretrained_path`, or, resuming, with those of the last checkpoint.

    Raises:
        ConfigError: `policy` is of another type.
        DatasetError: the dataset cannot be read, or has nothing to learn from.
        CheckpointError, UnsupportedModelError: weights to begin with cannot be had.
    """
    started = time.monotonic()
    policy = classifier_policy(config)
    reader = open_frames(config)
    progress = Progress(tell)
    features = list(reader.schema.observation)
    frames = load_frames(
        reader, features, policy.num_classes, policy.label_column, policy.label_delay_s, progress
    )
    is_held_out, is_reported = split(frames, np.random.default_rng(config.seed))
    is_trained_on = ~(is_held_out | is_reported)
    tell(f"{len(frames)} frames, {len(reader.episodes)} episodes from {reader.root}")
    device, warning = resolve_device(config.device_name)
    if warning:
        tell(warning)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        classifier = build_classifier(policy, frames[is_trained_on]).to(device)
    step = _begin(classifier, config, run)
    seen = encode_once(classifier, frames, progress)
    step += _fit(config, classifier, seen[is_trained_on], seen[is_held_out], run, should_stop, tell)
    _calibrate(classifier, policy, clear_of_every_class(frames[is_held_out]), seen[is_held_out])
    reported = clear_of_every_class(frames[is_reported])
    probabilities = predict(classifier, seen[is_reported].observations).softmax(-1)
    scores, labels = _scores(classifier, probabilities, reported)
    report = _report(classifier, policy, reported, probabilities, step, bool(is_held_out[is_reported].any()))
    _save(config, run, classifier, step)
    _write(report, run / "report", reported, scores, labels)
    for line in report.lines():
        tell(line)
    tell(f"took {time.monotonic() - started:.0f} s; report: {run / 'report'}")
    tell(f"classifier: {run / 'checkpoints' / 'last' / 'pretrained_model'}")
    return report


def split(frames: LabelledFrames, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """(N,) bool twice: frames that choose step and threshold, and frames that the report is about.

    The same frames where there are too few episodes to set some aside for the report.
    """
    chooses = hold_out(frames, HELD_OUT_SHARE, rng)
    if len(distinct(frames.episodes)) < ENOUGH_EPISODES:
        return chooses, chooses
    rest = torch.nonzero(~chooses).squeeze(1)
    try:
        among_rest = hold_out(frames[rest], REPORTED_SHARE, rng)
    except DatasetError:  # too few of some kind
        return chooses, chooses
    reported = torch.zeros_like(chooses)
    reported[rest[among_rest]] = True
    return chooses, reported


def _begin(classifier: RewardClassifier, config: RunConfig, run: Path) -> int:
    """Load weights to begin with, if any; the steps that they were trained for in this run."""
    policy = classifier_policy(config)
    if policy.pretrained_path is not None:
        classifier.load_state_dict(load_classifier(model_folder(policy.pretrained_path)).state_dict())
    if not config.resume or (checkpoint := CheckpointStore(run).load_last()) is None:
        return 0
    classifier.load_state_dict(checkpoint.model)
    return checkpoint.step


def _fit(
    config: RunConfig,
    classifier: RewardClassifier,
    train: LabelledFrames,
    held_out: LabelledFrames,
    run: Path,
    should_stop: Callable[[], bool],
    tell: Callable[[str], None],
) -> int:
    """Fit and log; the steps of the model that was kept."""
    metrics = JsonLines(run / "metrics.jsonl")
    started = time.monotonic()

    def on_look(look: Look) -> None:
        tell(
            f"step {look.step} of {config.steps} at most: loss {look.loss:.4f}, "
            f"on held-out episodes {look.held_out_loss:.4f}"
        )
        record = {
            "train/loss_classifier": look.loss,
            "held_out/loss_classifier": look.held_out_loss,
            "held_out/accuracy": look.held_out_accuracy,
        }
        metrics.write({"step": look.step, "time_s": round(time.monotonic() - started, 3), **record})

    held_out = clear_of_every_class(held_out)
    clear = held_out[~held_out.is_edge]
    options = _options(config, classifier_policy(config))
    steps = fit(classifier, train, clear, options, config.seed, on_look, should_stop)
    metrics.close()
    return steps


def _options(config: RunConfig, policy: ClassifierConfig) -> FitOptions:
    return FitOptions(
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=policy.learning_rate,
        weight_decay=policy.weight_decay,
        grad_clip_norm=policy.grad_clip_norm,
        use_bfloat16=policy.use_amp,
    )


def success_scores(classifier: RewardClassifier, frames: LabelledFrames) -> tuple[Scores, Labels]:
    """(probability of success, whether it was one) of each frame."""
    return _scores(classifier, predict(classifier, frames.observations).softmax(-1), frames)


def _scores(
    classifier: RewardClassifier, probabilities: Tensor, frames: LabelledFrames
) -> tuple[Scores, Labels]:
    successes = torch.tensor(classifier.spec.success_classes)
    scores = classifier.success_of(probabilities).double().numpy()
    return scores, torch.isin(frames.labels, successes).numpy()


def _calibrate(
    classifier: RewardClassifier, policy: ClassifierConfig, held_out: LabelledFrames, seen: LabelledFrames
) -> None:
    """Give the classifier its threshold, by what it says of the frames `held_out`, encoded as `seen`.

    Frames beside a change of label, on which nobody can say exactly when success began, do not count: the
    threshold would be so high that most successes were missed.
    """
    probabilities = predict(classifier, seen.observations).softmax(-1)
    scores, labels = _scores(classifier, probabilities, held_out)
    clear = ~held_out.is_edge.numpy()
    classifier.with_threshold(calibrate(scores[clear], labels[clear], policy.precision_target))


def _report(
    classifier: RewardClassifier,
    policy: ClassifierConfig,
    held_out: LabelledFrames,
    probabilities: Tensor,
    steps: int,
    chose_threshold: bool,
) -> Report:
    """How good the classifier is, at its threshold, on `held_out`."""
    scores, labels = _scores(classifier, probabilities, held_out)
    clear = ~held_out.is_edge.numpy()
    threshold = classifier.spec.threshold
    auc, on_clear, on_edge = judge(scores, held_out, labels, threshold)
    return Report(
        threshold=threshold,
        precision_target=policy.precision_target,
        auc=auc,
        clear=on_clear,
        edge=on_edge,
        classes=per_class(
            probabilities[clear].argmax(-1).numpy(), held_out.labels[clear].numpy(), policy.num_classes
        ),
        steps=steps,
        held_out_episodes=distinct(held_out.episodes),
        chose_threshold=chose_threshold,
    )


def _save(config: RunConfig, run: Path, classifier: RewardClassifier, step: int) -> None:
    checkpoint = Checkpoint(
        step=step,
        config=classifier.spec.to_json(),
        model={name: value.cpu() for name, value in classifier.state_dict().items()},
        train_config=to_dict(config),
        state={},
        counters={},
    )
    CheckpointStore(run, config.keep_checkpoints).save(checkpoint)


def _write(report: Report, folder: Path, frames: LabelledFrames, scores: Scores, labels: Labels) -> None:
    clear = ~frames.is_edge.numpy()
    report.write(folder / "report.json")
    plot_precision_recall(scores[clear], labels[clear], report.threshold, folder / "precision_recall.png")
    plot_mistakes(scores, labels, frames, report.threshold, folder / "mistakes.png")
