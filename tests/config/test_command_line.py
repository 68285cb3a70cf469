"""Options are accepted in every way that the field's commands accept them."""

from __future__ import annotations

import pytest

from hilt.config import ConfigError, load_config, parse_command_line


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], (None, [])),
        (["--config_path", "a.json"], ("a.json", [])),
        (["--config_path=a.json", "--resume=true"], ("a.json", ["resume=true"])),
        (["--config-path=a.json", "--num-actors", "2"], ("a.json", ["num_actors=2"])),
        (["--resume", "--policy.type", "sac"], (None, ["resume=true", "policy.type=sac"])),
        (["--policy.type=sac", "--resume"], (None, ["policy.type=sac", "resume=true"])),
        (["--a.b=c=d", "--e", "-0.02"], (None, ["a.b=c=d", "e=-0.02"])),
        (["--no-ui", "--host", "0.0.0.0"], (None, ["ui.enable=false", "ui.host=0.0.0.0"])),
        (["--job_name="], (None, ["job_name="])),
    ],
)
def test_options(argv: list[str], expected: tuple[str | None, list[str]]) -> None:
    assert parse_command_line(argv) == expected


@pytest.mark.parametrize("argv", [["train.json"], ["--resume", "--config_path"], ["--"], ["-x"]])
def test_what_is_no_option_is_an_error(argv: list[str]) -> None:
    with pytest.raises(ConfigError, match="command line"):
        parse_command_line(argv)


def test_both_spellings_load_the_same() -> None:
    _, joined = parse_command_line(["--env.fps=20", "--operator=scripted", "--no-ui"])
    _, apart = parse_command_line(["--env.fps", "20", "--operator", "scripted", "--no-ui"])
    assert load_config({}, joined) == load_config({}, apart)
