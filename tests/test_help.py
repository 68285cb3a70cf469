"""`hilt VERB --help` shows the verb, and every verb refuses options that it does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilt.commands.help import HELP, text_of
from hilt.commands.main import USAGE, VERBS, main


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_its_keys_and_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--help"], ["-h"], ["--seed=1", "--help"]):
        assert main([verb, *words]) == 0
        assert capsys.readouterr().out == text_of(verb)
    text = text_of(verb)
    assert text.startswith(f"usage: hilt {verb}")
    assert f"example: hilt {verb}" in text
    for key in HELP[verb].keys:
        assert f"--{key}=" in text
    assert max(map(len, text.splitlines())) <= 130
    assert f"\n  hilt {verb} " in USAGE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "info", "DIR", "--output=x"], "--output: unknown option"),
        (["data", "show", "DIR", "--outputs=x"], "--outputs: unknown option; there are --output"),
        (["doctor", "--fast"], "--fast: unknown option; there are --robot"),
        (["relabel", "--dataset=x", "--classifier=y", "--seed=1"], "--seed: unknown option"),
        (["train", "--policy.type=sac", "--online_steps=5"], '"policy.online_steps"'),
        (["train", "--policy.type=sac", "--seed=NaN"], "seed = NaN"),
    ],
)
def test_options_that_a_verb_does_not_have_are_named(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "say it once" not in line


def test_nan_in_a_file_is_answered_by_what_is_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "train.json"
    file.write_text('{"seed": NaN, "policy": {"type": "sac"}}')
    assert main(["train", "--config_path", str(file)]) == 2
    said = capsys.readouterr().err
    assert "seed = NaN" in said
    assert "say it once" not in said
