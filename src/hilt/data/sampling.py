"""`MixedSampler`: batches from the online and the demonstration buffer, as n-step returns or as chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hilt.data.batch import Batch, ObservationBatch
from hilt.data.replay_buffer import ReplayBuffer, Slots

_REDRAWS = 10

Augmentation = Callable[[Tensor], Tensor]
"""Images uint8 (B, C, H, W) to images of the same shape."""


@dataclass(frozen=True, slots=True)
class _Share:
    """What one buffer contributes to a batch: B' starts and the n steps from each."""

    buffer: ReplayBuffer
    slots: Slots
    """(n, B'), the last step repeated where the episode ended."""
    happened: NDArray[np.bool_]
    """(n, B')"""
    is_demonstration: bool

    def discounted(self, values: NDArray[np.float32], discount: float) -> NDArray[np.float32]:
        """Sum over the steps that happened of discount^i value_i, (B',)."""
        weights = discount ** np.arange(len(self.slots))[:, None] * self.happened
        return np.asarray((weights * values[self.slots]).sum(axis=0), np.float32)

    def bootstrap(self, discount: float) -> NDArray[np.float32]:
        """discount^k, 0 after a true terminal, (B',)."""
        goes_on = ~self.buffer.terminated[self.slots[-1]]
        return np.asarray(discount ** self.happened.sum(axis=0) * goes_on, np.float32)

    def demonstrated(self) -> NDArray[np.bool_]:
        """Steps (n, B') that were demonstrated: what merely followed an intervention was not."""
        return np.asarray(self.is_demonstration & self.buffer.is_start[self.slots])

    def chunk(self, neutral_action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions (B', n, A), neutral where the episode was over."""
        actions = np.where(self.happened[..., None], self.buffer.action[self.slots], neutral_action)
        return actions.transpose(1, 0, 2)


class MixedSampler:
    """Draws batches of exactly round(batch_size * online_ratio) online samples, then demonstrations.

    With one of the two buffers empty or absent, all samples come from the other. Returns and chunks stop
    where their episode ends, at a truncation as at a terminal.

    `augment` is applied to every image feature, of the observations and of the next ones separately, on
    `device`. What is drawn depends on `generator` alone, whose `bit_generator.state` is plain JSON.
    """

    def __init__(
        self,
        online: ReplayBuffer,
        demonstrations: ReplayBuffer | None,
        batch_size: int,
        *,
        generator: np.random.Generator,
        online_ratio: float = 0.5,
        device: torch.device | str = "cpu",
        augment: Augmentation | None = None,
    ) -> None:
        if not 0 <= online_ratio <= 1:
            raise ValueError(f"online_ratio {online_ratio}: a share between 0 and 1")
        if demonstrations is not None and demonstrations.features != online.features:
            raise ValueError(
                f"demonstrations hold {sorted(demonstrations.features.items())}, "
                f"online data {sorted(online.features.items())}: both buffers need the same features"
            )
        self.online = online
        self.demonstrations = demonstrations
        self.batch_size = batch_size
        self.online_ratio = online_ratio
        self.generator = generator
        self.device = torch.device(device)
        self.augment = augment

    def sample(self, discount: float, n_step: int = 1) -> Batch:
        """n-step returns; `action` is (B, A), `valid` (B, 1) ones."""
        shares = self._shares(n_step)
        actions = [share.buffer.action[share.slots[0]] for share in shares]
        valid = [np.ones((len(part), 1), np.float32) for part in actions]
        return self._batch(shares, discount, actions, valid, whole=False)

    def sample_chunks(self, discount: float, chunk_size: int, neutral_action: NDArray[np.float32]) -> Batch:
        """Chunks of `chunk_size` = h actions, (B, h, A), padded with `neutral_action` (A,) after the end.

        One batch serves both presets of ACFQL. `valid` (B, h) is the reference's valid_i: 1 up to and
        including the step that ended the episode. Where valid_{h-1} = 1, `bootstrap` is its gamma^h * mask
        and `next_observation` its s_{t+h}; elsewhere it gives the critic's loss no weight, while hilt's
        preset trains on the k < h steps that there are.
        """
        shares = self._shares(chunk_size, whole=True)
        actions = [share.chunk(neutral_action) for share in shares]
        return self._batch(shares, discount, actions, [share.happened.T for share in shares], whole=True)

    def _shares(self, n: int, *, whole: bool = False) -> list[_Share]:
        """Draws the starts and follows each for n steps."""
        shares = []
        for buffer, count, is_demonstration in self._counts():
            slots, happened = buffer.follow(buffer.draw(count, self.generator), n)
            if whole:
                self._redraw_cut(buffer, slots, happened)
            shares.append(_Share(buffer, slots, happened, is_demonstration))
        return shares

    def _redraw_cut(self, buffer: ReplayBuffer, slots: Slots, happened: NDArray[np.bool_]) -> None:
        """Others in place of chunks that stop before their episode does: because the rest is
        still to come, or was forgotten. Padding would say that the rest did not matter.

        Where next to all are of that kind, some stay.
        """
        for _ in range(_REDRAWS):
            cut = ~happened[-1] & ~buffer.ended[slots[-1]]
            if not cut.any():
                return
            fresh = buffer.draw(int(np.count_nonzero(cut)), self.generator)
            slots[:, cut], happened[:, cut] = buffer.follow(fresh, len(slots))

    def _counts(self) -> list[tuple[ReplayBuffer, int, bool]]:
        """(buffer, how many samples of it, whether they are demonstrations)."""
        if self.demonstrations is None or len(self.demonstrations) == 0:
            return [(self.online, self.batch_size, False)]
        n_online = round(self.batch_size * self.online_ratio) if len(self.online) else 0
        counts = [(self.online, n_online, False), (self.demonstrations, self.batch_size - n_online, True)]
        return [count for count in counts if count[1]]

    def _batch(
        self,
        shares: list[_Share],
        discount: float,
        actions: list[NDArray[np.float32]],
        valid: list[NDArray[Any]],
        *,
        whole: bool,
    ) -> Batch:
        starts = [share.slots[0] for share in shares]
        ends = [share.buffer.next_slot[share.slots[-1]] for share in shares]
        rewards = [share.discounted(share.buffer.reward, discount) for share in shares]
        penalties = [share.discounted(share.buffer.discrete_penalty, discount) for share in shares]

        def flags(parts: list[NDArray[np.bool_]]) -> Tensor:
            """Of each step, (B, n), or of the first ones, (B,)."""
            return self._tensor([part.T if whole else part[0] for part in parts])

        return Batch(
            observation=self._observation(shares, starts),
            action=self._tensor(actions),
            reward=self._tensor(rewards),
            bootstrap=self._tensor([share.bootstrap(discount) for share in shares]),
            next_observation=self._observation(shares, ends),
            discrete_penalty=self._tensor(penalties),
            is_intervention=flags([share.buffer.is_intervention[share.slots] for share in shares]),
            is_demonstration=flags([share.demonstrated() for share in shares]),
            valid=self._tensor([np.asarray(part, np.float32) for part in valid]),
            success=self._tensor([share.buffer.success[share.slots[0]] for share in shares]),
        )

    def _tensor(self, parts: list[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(self.device, non_blocking=True)

    def _observation(self, shares: list[_Share], slots: list[Slots]) -> ObservationBatch:
        return {name: self._feature(name, shares, slots) for name in self.online.features}

    def _feature(self, name: str, shares: list[_Share], slots: list[Slots]) -> Tensor:
        """One feature gathered straight into its place in the batch: images are too large to copy twice."""
        feature = self.online.features[name]
        # Page-locked memory is recycled by torch only after the copy to the device has ended.
        gathered = torch.empty(
            (sum(map(len, slots)), *feature.shape),
            dtype=getattr(torch, feature.dtype),
            pin_memory=self.device.type == "cuda",
        )
        rows, row = gathered.numpy(), 0
        for share, chosen in zip(shares, slots, strict=True):
            out = rows[row : row + len(chosen)]
            share.buffer.frames[name].take(chosen, axis=0, out=out, mode="clip")  # "raise" would copy twice
            row += len(chosen)
        tensor = gathered.to(self.device, non_blocking=True)
        return self.augment(tensor) if self.augment and feature.is_image else tensor
