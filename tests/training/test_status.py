"""What a person sees of a run must not end it."""

from __future__ import annotations

import subprocess
import sys

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
