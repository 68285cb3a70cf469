"""lerobot-doctor finds no errors in what hilt records.

HILT_LEROBOT_DOCTOR names the program, in an environment in which `lerobot-doctor` is installed. Without it
these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hilt.commands.record import record

DOCTOR = os.environ.get("HILT_LEROBOT_DOCTOR", "")
pytestmark = pytest.mark.skipif(not DOCTOR, reason="HILT_LEROBOT_DOCTOR names no lerobot-doctor")


@pytest.mark.parametrize(
    "words",
    [
        ("env.obs_type=pixels", "env.image_size=64"),
        ("env.obs_type=pixels", "env.image_size=64", "dataset.image_format=png"),
        ("env.task=PegInsertion-v0", "env.force_torque=true", "env.action_mode=ee_delta_pose"),
        ("env.number_of_steps_after_success=5",),
    ],
    ids=lambda words: words[0],
)
def test_no_errors(tmp_path: Path, words: tuple[str, ...]) -> None:
    root = tmp_path / "set"
    options = ("operator=scripted", "ui.enable=false", "dataset.num_episodes_to_record=3")
    record(None, f"dataset.root={root}", *options, *words)
    checked = subprocess.run(
        [DOCTOR, "check", str(root), "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(checked.stdout)["overall_severity"] in ("PASS", "WARN")
