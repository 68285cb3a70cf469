"""The defaults that are documented are those that the algorithms run with."""

from __future__ import annotations

import pytest

from hilt.algorithms.acfql.config import ACFQLConfig as ACFQLSettings
from hilt.algorithms.sac.config import SACConfig as SACSettings
from hilt.config import ACFQLConfig, SACConfig, to_dict


@pytest.mark.parametrize(
    ("preset", "settings"), [("hilt", SACSettings.hilt()), ("reference", SACSettings.reference())]
)
def test_sac_runs_with_the_documented_defaults(preset: str, settings: SACSettings) -> None:
    assert SACSettings.from_keys(to_dict(SACConfig.model_validate({"preset": preset}))) == settings


@pytest.mark.parametrize(
    ("preset", "settings"), [("hilt", ACFQLSettings.hilt()), ("reference", ACFQLSettings.reference())]
)
def test_acfql_runs_with_the_documented_defaults(preset: str, settings: ACFQLSettings) -> None:
    assert ACFQLSettings.from_keys(to_dict(ACFQLConfig.model_validate({"preset": preset}))) == settings
