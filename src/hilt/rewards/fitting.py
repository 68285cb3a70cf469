"""Fitting a classifier to labelled frames, with early stopping on held-out episodes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hilt.data.batch import ObservationBatch
from hilt.networks.averaging import follow_
from hilt.rewards.frames import BalancedSampler, LabelledFrames, distinct
from hilt.rewards.model import RewardClassifier

_CHUNK = 512


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to fit."""

    steps: int = 5000
    """Optimisation steps at most."""
    batch_size: int = 128
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    grad_clip_norm: float = 1.0
    check_every: int = 50
    """Optimisation steps between two looks at the held-out frames."""
    patience: int = 6
    """Looks without a loss lower by `improvement` after which it stops."""
    improvement: float = 0.03
    """Relative."""
    enough: float = 0.002
    """Held-out loss at which it stops: what is left to gain is confidence, not skill."""
    averaging: float = 0.98
    """Decay of the running average of the weights, which is what is kept: single steps are noisy."""
    use_bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the held-out frames."""

    step: int
    loss: float
    held_out_loss: float
    held_out_accuracy: float


@torch.inference_mode()
def predict(classifier: RewardClassifier, observations: ObservationBatch) -> Tensor:
    """Logits (N, num_classes), on the CPU."""
    classifier.eval()
    device = next(classifier.parameters()).device
    count = len(next(iter(observations.values())))
    parts = []
    for start in range(0, count, _CHUNK):
        batch = {name: value[start : start + _CHUNK].to(device) for name, value in observations.items()}
        parts.append(classifier(batch).cpu())
    return torch.cat(parts)


def balanced_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in which every class counts the same, however frequent."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    return torch.stack([losses[labels == label].mean() for label in distinct(labels)]).mean()


class Fitter:
    """Optimises a classifier; the batches, shifts and dropout depend on `seed` alone.

    `average` is the same classifier with the running average of the weights.
    """

    def __init__(
        self, classifier: RewardClassifier, frames: LabelledFrames, options: FitOptions, seed: int
    ) -> None:
        self._classifier, self._frames, self._options = classifier, frames, options
        self._device = next(classifier.parameters()).device
        self._sampler = BalancedSampler(frames.labels, np.random.default_rng(seed))
        self._generator = torch.Generator(self._device).manual_seed(seed)
        trainable = [weight for weight in classifier.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(
            trainable, lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self.average = copy.deepcopy(classifier).eval()
        self._steps = 0

    def step(self) -> float:
        """One optimisation step; its loss."""
        index = self._sampler.draw(self._options.batch_size)
        batch = self._frames[index]
        observations = {name: value.to(self._device) for name, value in batch.observations.items()}
        noise = self._classifier.encoder.draw_noise(len(batch), self._generator)
        self._classifier.train()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._options.use_bfloat16):
            logits = self._classifier(observations, noise)
        loss = F.cross_entropy(logits.float(), batch.labels.to(self._device))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._classifier.parameters(), self._options.grad_clip_norm)
        self._optimizer.step()
        self._average()
        return float(loss.detach())

    def _average(self) -> None:
        """Young averages forget faster, so that the random beginning does not linger."""
        self._steps += 1
        follow_(self.average, self._classifier, max(1 - self._options.averaging, 1 / self._steps))


def fit(
    classifier: RewardClassifier,
    train: LabelledFrames,
    held_out: LabelledFrames,
    options: FitOptions,
    seed: int,
    on_look: Callable[[Look], None] = lambda look: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Fit `classifier` to `train` and leave it as it was best on `held_out`; the step of the best.

    "Best" is the lowest class-balanced loss. It ends when that is low enough, or no longer falls.
    """
    fitter = Fitter(classifier, train, options, seed)
    best, best_step, best_state = float("inf"), 0, {}
    progress, progress_step = float("inf"), 0
    losses: list[float] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for step in range(1, options.steps + 1):
            losses.append(fitter.step())
            if step % options.check_every and step < options.steps and not should_stop():
                continue
            look = _look(fitter.average, held_out, step, float(np.mean(losses)))
            on_look(look)
            losses.clear()
            if look.held_out_loss < best:
                best, best_step = look.held_out_loss, step
                best_state = {name: value.clone() for name, value in fitter.average.state_dict().items()}
            if best < progress * (1 - options.improvement):
                progress, progress_step = best, step
            stuck = step - progress_step >= options.patience * options.check_every
            if stuck or best < options.enough or should_stop():
                break
    classifier.load_state_dict(best_state)
    classifier.eval()
    return best_step


def _look(classifier: RewardClassifier, held_out: LabelledFrames, step: int, loss: float) -> Look:
    logits = predict(classifier, held_out.observations)
    accuracy = float((logits.argmax(-1) == held_out.labels).float().mean())
    return Look(step, loss, float(balanced_loss(logits, held_out.labels)), accuracy)
