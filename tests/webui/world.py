"""A run with a real simulation, the real step and a real seat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.transition import STATE, Controller, Transition
from hilt.envs import make
from hilt.envs.feature_env import Environment, Outcome
from hilt.operators.browser import BrowserOperator
from hilt.rollout.rollout import Clock, Episode, HoldStill, Observer, Policy, Rollout
from hilt.webui import Seat, Telemetry, View
from tests.waiting import until

FPS = 10.0


class World(Observer):
    """Episodes of picking a cube, in a thread, until it is closed."""

    def __init__(
        self,
        policy: Callable[[Environment], Policy] = HoldStill,
        seat: Mapping[str, Any] = {},
        operator: Mapping[str, Any] = {},
        **env: Any,
    ) -> None:
        self.env = Environment(make("PickCube", control_time_s=600.0, **{"render_mode": None, **env}))
        self.seat = Seat(**seat)
        self.operator = BrowserOperator(
            self.seat,
            fps=FPS,
            action_low=self.env.action_low,
            action_high=self.env.action_high,
            **operator,
        )
        self.transitions: list[Transition] = []
        self.episodes: list[Episode] = []
        self.figures: dict[str, Any] = {}
        self.hint = np.zeros(4, np.float32)
        self.rollout = Rollout(self.env, policy(self.env), self.operator, self.transitions.append, [self])
        self._clock = Clock(FPS)  # the policy, too, is watched in real time
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.settle(1)

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        assert self.env.expert is not None
        self.hint = self.env.expert.action()
        over = transition.done
        telemetry = Telemetry(
            phase="training",
            controller="operator" if transition.is_intervention else "policy",
            episode=len(self.episodes) + 1,
            step=transition.step,
            time_s=transition.step / FPS,
            outcome=("success" if transition.is_success else "timeout") if over else None,
            **self.figures,
        )
        images = {
            name.removeprefix("observation.images."): image.transpose(1, 2, 0)
            for name, image in outcome.observation.items()
            if image.ndim == 3
        }
        self.seat.show(View(telemetry, images, self.env.render() if images and self.seat.watching else None))
        while self.seat.requests.paused and not self._stop.is_set():
            time.sleep(0.01)
        self._clock.wait()

    def _run(self) -> None:
        while not self._stop.is_set():
            number = len(self.episodes)
            self.episodes.append(self.rollout.run_episode(number, number, self._stop.is_set))
        self.env.close()

    @property
    def tcp(self) -> NDArray[np.float64]:
        """Position of the gripper [m]."""
        return self.transitions[-1].next_observation[STATE][15:18].astype(np.float64)

    @property
    def in_control(self) -> bool:
        return self.transitions[-1].controller is Controller.OPERATOR

    wait = staticmethod(until)

    def settle(self, steps: int = 8) -> None:
        """Until so many more control steps are done."""
        goal = len(self.transitions) + steps
        self.wait(lambda: len(self.transitions) >= goal)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.seat.close()


MakeWorld = Callable[..., World]
"""Makes a `World`, with its options."""
