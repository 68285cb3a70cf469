"""The grid of a sweep."""

from __future__ import annotations

import pytest

from hilt.config.errors import ConfigError
from hilt.config.grid import configurations, points, split_grid, values_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", ["1", "2"]),
        ("1e-3", ["1e-3"]),
        ("sac, acfql", ["sac", "acfql"]),
        ("[256,256],[64,64]", ["[256,256]", "[64,64]"]),
        ('{"a": 1, "b": [1, 2]},null', ['{"a": 1, "b": [1, 2]}', "null"]),
        ('"a,b","c"', ['"a,b"', '"c"']),
    ],
)
def test_values_stand_between_commas_outside_brackets(text: str, values: list[str]) -> None:
    assert list(values_of(text)) == values


def test_every_value_meets_every_other_and_every_seed() -> None:
    grid, others = split_grid(["batch_size=32", "grid.policy.utd_ratio=1,2", "grid.policy.discount=0.9,0.99"])
    assert others == ["batch_size=32"]
    names = [point.name for point in points(grid, [7, 8])]
    assert len(names) == len(set(names)) == 8
    assert names[0] == "policy.utd_ratio=1_policy.discount=0.9_seed=7"
    assert [name[-1] for name in names] == [*"77778888"]
    found = configurations({"policy": {"type": "sac"}, "seed": 7}, others, grid, 2)
    assert list(found) == names
    last = found[names[-1]]
    assert (last.seed, last.batch_size, last.policy and last.policy.utd_ratio) == (8, 32, 2)  # type: ignore[union-attr]


def test_seeds_count_from_the_one_on_the_command_line() -> None:
    for said in ("seed=40", "--seed=40"):
        found = configurations({"policy": {"type": "sac"}, "seed": 7}, [said], {}, 3)
        assert [config.seed for config in found.values()] == [40, 41, 42]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["grid.policy.utd_ratio=1,"], "--grid.policy.utd_ratio=1,: a value is missing"),
        (["grid.=1"], "a value is missing"),
        (["grid.policy.utd_ratio=1,1"], "two of its trainings are"),
        (["grid.seed=1,2"], "say --seeds=N"),
        (["grid.policy.utd_ration=1,2"], 'the closest is "policy.utd_ratio"'),
        (["grid.policy.utd_ratio=1,fast"], "must be a valid integer"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        configurations({"policy": {"type": "sac"}}, *reversed(split_grid(overrides)), 1)
    assert "\n" not in str(error.value)
