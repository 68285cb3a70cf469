"""The classifier in the environment: it gives the reward, ends the episode, and its mistakes are counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from torch import Tensor

from hilt.data.transition import Observation
from hilt.envs.feature_env import Judgement, Outcome
from hilt.processors.observation import select, to_batch
from hilt.processors.pictures import fitted
from hilt.rewards.model import RewardClassifier


class ClassifierReward:
    """Gives `success_reward` when the last `debounce` frames of the episode all look like success.

    A classifier of several classes may say what a frame of each is worth, in units of `success_reward`: that
    of a class that is no success is rewarded when the last `debounce` frames all look like it.
    `threshold` None means the calibrated one. With `terminate`, success ends the episode.
    """

    def __init__(
        self,
        classifier: RewardClassifier,
        *,
        threshold: float | None = None,
        success_reward: float = 1.0,
        debounce: int = 2,
        terminate: bool = True,
    ) -> None:
        self._classifier = classifier.eval()
        self._device = next(classifier.parameters()).device
        self.threshold = classifier.spec.threshold if threshold is None else threshold
        self._success_reward, self._debounce, self._terminate = success_reward, debounce, terminate
        self._worths = classifier.spec.worths
        self._in_a_row, self._kind = 0, -1

    @property
    def features(self) -> list[str]:
        """What it looks at: an observation must hold these."""
        return self._classifier.spec.features

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Those features, and the shapes at which it looks at them."""
        spec = self._classifier.spec
        return {**spec.images, **spec.vectors}

    def reset(self) -> None:
        """A new episode begins."""
        self._in_a_row, self._kind = 0, -1

    def probability(self, observation: Observation) -> float:
        """Of success, for one observation. Raises UserError as `class_probabilities`."""
        return float(self._classifier.success_of(self.class_probabilities(observation)))

    def class_probabilities(self, observation: Observation) -> Tensor:
        """(1, num_classes) for one observation.

        Raises:
            UserError: a picture or vector does not fit what it was trained on.
        """
        features = select(observation, self.features)
        for name, shape in self.shapes.items():
            features[name] = fitted(name, features[name], shape, "the reward classifier")
        return self._classifier.probabilities(to_batch(features, self._device))

    def __call__(self, observation: Observation) -> Judgement:
        """Judge one observation; to be called once per control step, in order."""
        started = time.perf_counter()
        probabilities = self.class_probabilities(observation)
        probability = float(self._classifier.success_of(probabilities))
        label = self._label(probabilities, probability >= self.threshold)
        settled = self._in_a_row >= self._debounce
        success = settled and label in self._classifier.spec.success_classes
        return Judgement(
            reward=self._success_reward * self._worths[label] if settled else 0.0,
            success=success,
            terminate=success and self._terminate,
            probability=probability,
            milliseconds=1e3 * (time.perf_counter() - started),
        )

    def reason(self, judged: Judgement) -> str:
        """Why the frame that was judged last, as `judged`, got its reward, in words."""
        if judged.probability >= self.threshold:
            said = f"above the threshold of {self.threshold:.3f}"
        else:
            said = f"below the threshold of {self.threshold:.3f}"
        if self._in_a_row < self._debounce:
            return f"{said}, but it takes {self._debounce} such frames in a row: debounce"
        return said

    def _label(self, probabilities: Tensor, looks_successful: bool) -> int:
        """The likeliest class among those that are success, or among the others; counts frames in a row.

        All classes that are success count as one there.
        """
        successes = self._classifier.spec.success_classes
        labels = [n for n in range(len(self._worths)) if (n in successes) == looks_successful]
        label = max(labels, key=lambda n: float(probabilities[0, n]))
        kind = successes[0] if looks_successful else label
        self._in_a_row = self._in_a_row + 1 if kind == self._kind else 1
        self._kind = kind
        return label


@dataclass(slots=True)
class ClassifierMonitor:
    """Compares the classifier's word with the environment's own, step by step."""

    steps: int = 0
    false_positives: int = 0
    """Steps rewarded as success that were none."""
    false_negatives: int = 0
    """Steps of success that were not rewarded."""
    milliseconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one step; nothing when no classifier judged it."""
        judged = outcome.info.get("reward_classifier")
        if not isinstance(judged, Judgement):
            return
        self.steps += 1
        if outcome.ground_truth is not None:
            self.false_positives += judged.success and not outcome.ground_truth
            self.false_negatives += outcome.ground_truth and not judged.success
        self.milliseconds.append(judged.milliseconds)

    def take(self) -> dict[str, float]:
        """Figures since the last call, for the metrics; empty when nothing was judged."""
        if not self.steps:
            return {}
        figures = {
            "Classifier false positives": float(self.false_positives),
            "Classifier false negatives": float(self.false_negatives),
            "Classifier time [ms]": sum(self.milliseconds) / self.steps,
        }
        self.steps = self.false_positives = self.false_negatives = 0
        self.milliseconds.clear()
        return figures
