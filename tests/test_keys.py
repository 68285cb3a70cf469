"""No key that nothing reads: every honoured key's name occurs somewhere outside of the configuration."""

from __future__ import annotations

import re
from pathlib import Path

from hilt.config.reference import honoured

SOURCE = Path(__file__).parents[1] / "src" / "hilt"

READ_IN_CONFIG = {
    ("env", "processor", "control_mode"): "RunConfig.operator_name, which everybody asks",
    ("job_name",): "RunConfig.name, which everybody asks",
    ("env", "features"): "EnvConfig.cameras, action_size and what is inferred",
    ("policy", "preset"): "the defaults of the other keys",
    ("policy", "clip_targets"): "LearningPolicy.bounded_targets",
    ("policy", "only_successful_online_step_before_learning"): "ACFQLConfig.warms_up_by_success",
    ("policy", "output_features"): "must agree with env.features",
}


def test_every_honoured_key_is_read() -> None:
    files = (
        file
        for file in SOURCE.rglob("*.py")
        if SOURCE / "config" not in file.parents and file.name != "config.py"
    )
    words = set(re.findall(r"\w+", "\n".join(file.read_text(encoding="utf-8") for file in files)))
    unread = [path for path in honoured() if path[-1] not in words and path not in READ_IN_CONFIG]
    assert sorted({".".join(path) for path in unread}) == []


def test_what_the_configuration_reads_itself_is_a_key() -> None:
    assert set(honoured()) >= READ_IN_CONFIG.keys()
