"""The controls that pages share: who sits at them, what they do, and what happens when they fall silent."""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from hilt.operators.actions import Motion, zero_motion
from hilt.operators.base import Event
from hilt.operators.hand import HandPose
from hilt.operators.latch import Latch

SILENCE_S = 0.3
"""Silence [s] after which the one who holds the controls counts as lost."""
HOLD_STILL_S = 1.0
"""How long the robot then holds still before the policy has control again, or the episode pauses [s]."""


class Phase(enum.Enum):
    """Who moves the robot, as far as the pages are concerned."""

    FREE = "free"
    DRIVING = "driving"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds at this moment: axes `[7]`, the clutch, and a hand in space if there is one."""

    motion: Motion
    clutch: bool
    hand: HandPose | None = None

    @property
    def active(self) -> bool:
        return self.clutch or bool(self.motion.any())


@dataclass(frozen=True, slots=True)
class Reading:
    """One control step of the pages."""

    phase: Phase
    motion: Motion
    event: Event | None = None
    hands: tuple[HandPose | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Seating:
    """Who sits at the controls (a page's number), who asks for them, and since when input waits."""

    driver: int | None
    asking: int | None
    phase: Phase
    wait_ms: float | None
    """Median time from the arrival of an input to the control step that executed it."""


class Controls:
    """One driver at a time. Pages speak from the server's thread, the rollout reads from its own.

    The first page that does something takes the seat when it is free. A driver that is lost (gone, hidden, or
    silent for `SILENCE_S`) while in control leaves the robot still for `HOLD_STILL_S`; then the seat is
    free, and `on_lost` is called. Nothing here ever waits.
    """

    def __init__(
        self, on_lost: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.on_lost = on_lost
        self.sole = False
        """The driver is in control throughout: there is no policy to share with."""
        self.drives = False
        """They move a robot: an operator reads them. Else pages only watch."""
        self.has_rotation, self.has_gripper = False, True
        self._clock = clock
        self._lock = threading.Lock()
        self._latch = Latch()
        self._driver: int | None = None
        self._asking: int | None = None
        self._silent_from = 0.0
        self._arrived: float | None = None
        self._phase = Phase.FREE
        self._hands: deque[HandPose | None] = deque(maxlen=256)
        self._waits: deque[float] = deque(maxlen=20)

    # What the pages say

    def hear(self, page: int, held: Held) -> bool:
        """The page holds this now. False: someone else is at the controls."""
        with self._lock:
            if not self._seat(page, takes=held.active):
                return False
            if self._latch.hold(held.motion, held.clutch):
                self._note_arrival()
            self._hands.append(held.hand if held.clutch else None)
            return True

    def toggle(self, page: int) -> bool:
        """The page takes control, or gives it back. False: someone else is at the controls."""
        return self._press(page, self._latch.toggle)

    def declare(self, page: int, event: Event) -> bool:
        """The page declares `event`. False: someone else is at the controls."""
        return self._press(page, lambda: self._latch.declare(event))

    def take_seat(self, page: int) -> bool:
        """The page sits down if nobody else does. False: someone else is at the controls."""
        return self._press(page, lambda: None)

    def ask(self, page: int) -> None:
        """The page would like the seat: it has it at once when it is free, else the driver is asked."""
        with self._lock:
            if not self._seat(page, takes=True) and self._asking is None:
                self._asking = page

    def answer(self, page: int, yes: bool) -> None:
        """The driver hands the seat over to the page that asked, or does not."""
        with self._lock:
            if page == self._driver and self._asking is not None:
                asking, self._asking = self._asking, None
                if yes:
                    self._sit_down(asking)

    def leave(self, page: int) -> None:
        """The page gets up of its own will: the policy has control at once."""
        with self._lock:
            if page == self._driver:
                self._get_up()

    def lose(self, page: int) -> None:
        """The page is gone or hidden."""
        with self._lock:
            if page == self._asking:
                self._asking = None
            if page == self._driver:
                self._silent_from = min(self._silent_from, self._clock())

    # What the rollout reads

    def read(self) -> Reading:
        """What the driver did since the last control step."""
        with self._lock:
            lost_for = self._clock() - self._silent_from
            lost = self._driver is not None and lost_for > 0
            reading = self._read_lost(lost_for) if lost else self._read_driver()
            given_up = lost and reading.phase is Phase.FREE and self._phase is not Phase.FREE
            self._phase = reading.phase
        if given_up:
            self.on_lost()
        return reading

    def reset(self) -> None:
        """Presses made before now count for nothing; keys and sticks that are held stay held."""
        with self._lock:
            self._latch.reset()
            self._hands.clear()
            self._hands.append(None)
            self._arrived = None

    def drop_pending(self) -> None:
        """Taps, events and hand motion since the last control step count for nothing: the run was paused."""
        with self._lock:
            self._latch.read()
            self._hands.clear()
            self._hands.append(None)
            self._arrived = None

    @property
    def seated(self) -> bool:
        """A person sits at the controls, in control or not."""
        return self._driver is not None

    @property
    def seating(self) -> Seating:
        with self._lock:
            wait_ms = 1000 * median(self._waits) if self._waits else None
            return Seating(self._driver, self._asking, self._phase, wait_ms)

    # All below: with the lock held

    def _press(self, page: int, act: Callable[[], None]) -> bool:
        with self._lock:
            if not self._seat(page, takes=True):
                return False
            act()
            self._note_arrival()
            return True

    def _seat(self, page: int, takes: bool) -> bool:
        """`page` is heard; True if it is, or now becomes, the driver."""
        is_left = self._clock() - self._silent_from > HOLD_STILL_S  # and nobody reads who would notice
        if takes and (self._driver is None or is_left):
            self._sit_down(page)
        if page != self._driver:
            return False
        self._silent_from = self._clock() + SILENCE_S
        return True

    def _sit_down(self, page: int) -> None:
        self._get_up()
        self._driver = page
        self._asking = None if self._asking == page else self._asking
        self._silent_from = self._clock() + SILENCE_S

    def _get_up(self) -> None:
        """The seat is free, and nothing of its last driver remains."""
        self._driver, self._arrived = None, None
        self._latch.let_go()
        self._hands.append(None)

    def _note_arrival(self) -> None:
        if self._arrived is None:
            self._arrived = self._clock()

    def _read_driver(self) -> Reading:
        grip = self._latch.read()
        if self._arrived is not None:
            self._waits.append(self._clock() - self._arrived)
            self._arrived = None
        hands = tuple(self._hands)
        self._hands.clear()
        driving = grip.in_control or (self.sole and self._driver is not None)
        phase = Phase.DRIVING if driving else Phase.FREE
        return Reading(phase, grip.motion, grip.event, hands)

    def _read_lost(self, lost_for: float) -> Reading:
        if self._phase is not Phase.FREE and lost_for < HOLD_STILL_S:
            return Reading(Phase.HOLDING, zero_motion(), hands=(None,))
        self._get_up()
        if self._asking is not None:
            self._sit_down(self._asking)
        return Reading(Phase.FREE, zero_motion())
