"""A real arm and the people at its page: what they are asked, what they hold, what stops it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, Outcome
from hilt.envs.panda.real.options import WATCH_S
from hilt.rollout.rollout import Episode, Observer
from hilt.webui import Seat, Watch

HOLD = "Hold H, or the button, so that the policy may act."


class Person(Protocol):
    """What `attend` needs of a session."""

    def confirms(self, sentence: str) -> bool:
        """A person says that what `sentence` asks for is done, or may be done."""
        ...

    @property
    def drives(self) -> bool:
        """A person was in control when last asked."""
        ...


class Attendance:
    """Tells a real arm who is at its page; without a page nobody is."""

    def __init__(self, arm: Any, seat: Seat | None, session: Person) -> None:
        self._arm, self._session = arm, session
        self._watch = Watch() if seat is None else seat.requests.watch
        if seat is not None:
            self._watch.on_halt, self._watch.held = arm.stop, arm.options.hold_to_run
            arm.people.confirms = session.confirms
            arm.people.drives = lambda: session.drives
            arm.people.operator_silence = lambda: 0.0 if session.drives else self._watch.silence

    @property
    def lacking(self) -> bool:
        """A policy would act, and nobody holds. A stopped arm waits for nobody: its episode ends."""
        holds = self._watch.silence <= WATCH_S or self._session.drives
        return self._watch.held and not holds and self._arm.fault is None


def attend(env: Environment, seat: Seat | None, session: Person) -> Attendance | None:
    """Who is at the page of a real arm; None: `env` is none."""
    arm = env.gym.unwrapped
    return Attendance(arm, seat, session) if hasattr(arm, "people") else None


def watch_learner(env: Environment, connected: Callable[[], bool]) -> None:
    """Tells a real arm for how long the learner has been away."""
    people: Any = getattr(env.gym.unwrapped, "people", None)
    if people is None:
        return
    last = time.monotonic()

    def silence() -> float:
        nonlocal last
        if connected():
            last = time.monotonic()
        return time.monotonic() - last

    people.learner_silence = silence


def trouble(info: Mapping[str, Any]) -> str | None:
    """What the arm, or its safety rules, have to say of a step; None: nothing."""
    if fault := info.get("fault"):
        return f"The arm has stopped: {fault}."
    said = []
    if (way := info.get("shadow")) is not None:
        said.append("Shadow: the policy would go ({:+.1f}, {:+.1f}, {:+.1f}) cm.".format(*100 * way))
    if broken := info.get("safety"):
        said.append(f"Safety: {', '.join(broken)}.")
    return " ".join(said) or None


class SafetyMonitor(Observer):
    """Counts the safety rules that an episode has broken."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        self._counts.update(map(str, outcome.info.get("safety", ())))
        if fault := outcome.info.get("fault"):
            self._counts[f"fault {fault}"] += 1

    def take(self) -> dict[str, float]:
        """`Safety RULE` -> steps that have broken it since the last time."""
        counts, self._counts = self._counts, Counter()
        return {f"Safety {rule}": float(count) for rule, count in counts.items()}
