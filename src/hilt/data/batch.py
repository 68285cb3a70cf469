"""`Batch`: what the replay buffer hands to an algorithm. Actions are in environment units."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

ObservationBatch = dict[str, Tensor]
"""Feature name -> float32 (B, D) or uint8 (B, C, H, W)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B samples of n consecutive steps (n-step returns) or of chunks of h steps.

    With k <= n the number of steps that the sample really spans (an episode may end before n):

    * `reward` is the sum over i < k of discount^i r_{t+i}, `discrete_penalty` the same sum of the gripper
      penalties;
    * `bootstrap` is discount^k, and 0 after a true terminal: a target is reward + bootstrap * Q(next);
    * `next_observation` is the observation after step k, of the same episode, truncated or not.
    """

    observation: ObservationBatch
    action: Tensor
    """(B, A), or (B, h, A) for chunks; steps after the end of the episode are padded."""
    reward: Tensor
    """(B,)"""
    bootstrap: Tensor
    """(B,)"""
    next_observation: ObservationBatch
    discrete_penalty: Tensor
    """(B,)"""
    is_intervention: Tensor
    """bool: the operator chose the first action, (B,), or each action of the chunk, (B, h)."""
    is_demonstration: Tensor
    """bool: the first step, (B,), or each step of the chunk, (B, h), was demonstrated or is an intervention.
    Of samples from the demonstration buffer alone; the policy's steps after an intervention are none."""
    valid: Tensor
    """(B, h) float32: 1 for the steps of the chunk that happened, 0 for padding; (B, 1) without chunks."""
    success: Tensor
    """(B,) bool: the episode that the sample belongs to ended in success."""
