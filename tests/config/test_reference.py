"""`docs/configuration.md` says what the models say."""

from __future__ import annotations

from pathlib import Path

from hilt.config.fields import Refused, effect
from hilt.config.reference import START, honoured, tables
from hilt.config.run import RunConfig

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_document_holds_the_tables_of_the_models() -> None:
    _, _, written = DOCUMENT.read_text().partition(START)
    assert written.strip() == tables().strip(), "python -m hilt.config.reference docs/configuration.md"


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in tables().splitlines() if line.startswith("| `")]
    assert len(rows) > 150
    assert [row for row in rows if row.rstrip(" |").endswith(("text", "integer", "number", "object"))] == []


def test_what_is_refused_is_not_a_default() -> None:
    config = RunConfig()
    for section in (config, config.env, config.env.processor.gripper, config.dataset):
        for key, field in type(section).model_fields.items():
            mark = effect(field)
            assert not isinstance(mark, Refused) or getattr(section, key) in mark.harmless, key


def test_the_classes_of_keys_are_known_to_the_code() -> None:
    keys = set(honoured())
    assert {("policy", "utd_ratio"), ("env", "processor", "reset", "control_time_s"), ("seed",)} <= keys
    assert keys.isdisjoint({("num_workers",), ("env", "name"), ("policy", "concurrency", "actor")})
