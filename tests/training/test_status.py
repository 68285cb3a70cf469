"""What a person sees of a run must not end it."""

from __future__ import annotations

import subprocess
import sys

from hilt.training.status import Count, Status

SAYS = """
import os
from hilt.training.status import Status, StatusView
with StatusView() as view:
    view.say("a line")
    view.show(Status("online"))
    view.say("another")
os._exit(7)
"""


def test_a_full_disk_behind_standard_error_ends_nothing() -> None:
    with open("/dev/full", "wb") as full:
        assert subprocess.run([sys.executable, "-c", SAYS], stderr=full).returncode == 7


def test_a_phase_counts_up_to_its_end() -> None:
    imitating = Status("offline", count=Count(214, 1000, "updates"), updates=214, updates_per_s=26.4)
    assert imitating.line() == "offline: 214 of 1000 updates | 0:00 | 214 updates (26/s), over 10 s"
    waiting = Status("warm-up", "transitions from the actors", Count(34, 100, "steps"))
    assert waiting.line() == "warm-up: 34 of 100 steps, waiting for transitions from the actors"
    testing = Status("online", test=Count(12, 300, "episodes"), env_steps=9, steps_per_s=0.5, left_s=60.2)
    assert "at most 1:01 left | testing the policy alone: 12 of 300 episodes at most | " in testing.line()
    assert testing.line().endswith(" | 9 steps (0.5/s), over 10 s")
