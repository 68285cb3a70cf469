"""`ArmVectorEnv`: many state environments of one task, stepping in parallel through `mujoco.batch`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import mujoco
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from mujoco.batch import Batch
from numpy.typing import NDArray

from hilt.envs.core import Core, Progress
from hilt.envs.options import EnvOptions
from hilt.envs.physics import Array, Physics
from hilt.envs.randomization import Randomization
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import Flags, Task

Observations = dict[str, Any]
Infos = dict[str, Any]


class ArmVectorEnv(VectorEnv):  # type: ignore[misc]
    """Environment i behaves like a `ArmEnv` that was reset with `seed + i`.

    Autoreset is `NEXT_STEP`: the step after the end of an episode ignores its action and returns the new
    start.
    Raises ValueError for pixels and for randomization, which are one by one: `vectorization_mode="async"`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, task: type[Task], robot: type[Robot], num_envs: int, **options: Any) -> None:
        self.options = EnvOptions.of(options)
        if self.options.obs_type != "state":
            raise ValueError(
                'obs_type="pixels" has no shared renderer: pass vectorization_mode="async" to make_vec'
            )
        if Randomization.of(self.options.randomization):
            raise ValueError(
                'randomization varies the model, which is shared: pass vectorization_mode="async" to make_vec'
            )
        self.num_envs = num_envs
        self.core = Core(task, robot, self.options)
        self.render_mode = None
        self.single_observation_space = self.core.observation_space
        self.single_action_space = self.core.controller.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._batch = Batch(self.core.model, num_envs, min(num_envs, _cpus()))
        for field in Physics.__annotations__:
            self._batch.bind(field)  # what is bound later reads zero until the next step
        self._scratch = mujoco.MjData(self.core.model)
        self._generators = [seeding.np_random(None)[0] for _ in range(num_envs)]
        self._progress = Progress.start((num_envs,))
        self._tare = np.zeros((num_envs, 0 if self.core.wrench is None else self.core.wrench.size))
        self._ended: Flags = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """`seed`: of environment 0, the others count on from there; or one each."""
        if isinstance(seed, int):
            seed = range(seed, seed + self.num_envs)
        for i, one in enumerate(seed or ()):
            if one is not None:
                self._generators[i] = seeding.np_random(one)[0]
        started = np.ones(self.num_envs, np.bool_)
        self._begin(started)
        self._ended = np.zeros(self.num_envs, np.bool_)
        return self._observe(), self._infos(self._ended, np.zeros(self.num_envs))

    def step(self, actions: NDArray[np.float32]) -> tuple[Observations, Array, Flags, Flags, Infos]:
        started, running = self._ended, ~self._ended
        values = self.core.controller.checked(actions, (self.num_envs,))
        penalty = np.where(running, self.core.penalty(self._batch, values), 0.0)
        self.core.controller.apply(self._batch, values)
        self._begin(started)
        self._advance(running)
        result = self.core.outcome(self._batch, self._progress)
        self._restart_counting(started)
        terminated, truncated = result.terminated & running, result.truncated & running
        self._ended = terminated | truncated
        infos = self._infos(result.is_success & running, penalty)
        return self._observe(), np.where(running, result.reward, 0.0), terminated, truncated, infos

    def _begin(self, which: Flags) -> None:
        """New episodes in the environments `which`."""
        if not which.any():
            return
        for i in np.flatnonzero(which):
            self._batch.state[i] = self.core.initial_state(self._generators[i], self._scratch)
        self._batch.warning[which] = 0
        self._batch.forward(which)
        if self.core.wrench is not None:
            self._tare[which] = self.core.wrench.now(self._batch)[which]
            for i in np.flatnonzero(which):
                self.core.wrench.prime(self._batch.history[i], self._tare[i])
        self._restart_counting(which)

    def _restart_counting(self, which: Flags) -> None:
        self._progress.steps = np.where(which, 0, self._progress.steps)
        self._progress.after_success = np.where(which, -1, self._progress.after_success)
        self._progress.accomplished = np.where(which, 0.0, self._progress.accomplished)

    def _advance(self, which: Flags) -> None:
        self._batch.step(which, self.core.substeps, mujoco.mjtStage.mjSTAGE_ACC.value)
        self.core.check(self._batch.qpos, self._batch.warning[..., 1])

    def _observe(self) -> Observations:
        return self.core.observation(self._batch, self._tare)

    def _infos(self, is_success: Flags, penalty: Array) -> Infos:
        every = np.ones(self.num_envs, np.bool_)
        return {
            "is_success": is_success,
            "_is_success": every,
            "discrete_penalty": penalty,
            "_discrete_penalty": every,
        }


def _cpus() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
