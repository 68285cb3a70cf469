"""The process of an emulated arm, for tests; where there can be none, they are skipped with a sentence."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from pathlib import Path

import pytest

from hilt.envs.panda.real.driver import ArmUnreachableError, Franka, Motion

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("HILT_FRANKA_SIM", ROOT / ".venv-franka/bin/python"))
NETWORK = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}"
ADDRESSES = (f"{NETWORK}.{number}" for number in itertools.count(1))
MOTION = Motion(speed=0.5, acceleration=3.0, stiffness=750.0, force_limit=30.0)


def require_emulation() -> None:
    """Skips the module where the driver or the emulated arm is missing."""
    pytest.importorskip("franka", reason="franka-rs is not installed: pip install 'hilt[franka]'")
    if not PYTHON.exists():
        pytest.skip("franka-sim is not installed: make franka, or HILT_FRANKA_SIM", allow_module_level=True)


class Emulated:
    """The process of an emulated arm."""

    def __init__(self) -> None:
        self.address = next(ADDRESSES)
        self.start()

    def start(self) -> None:
        script = Path(__file__).with_name("emulated_arm.py")
        self.process = subprocess.Popen(
            [PYTHON, script, self.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def connect(self) -> Franka:
        until = time.monotonic() + 60
        while True:
            try:
                return Franka(self.address, MOTION, realtime="ignore")
            except ArmUnreachableError:
                assert self.process.poll() is None
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
