"""A device that is not there becomes the CPU, with one warning."""

from __future__ import annotations

import pytest

from hilt.config import resolve_device


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == ("cpu", None)


@pytest.mark.parametrize("name", ["cuda:99", "cuda:100"])
def test_a_missing_device_is_said_once(name: str) -> None:
    device, warning = resolve_device(name)
    assert device == "cpu"
    assert warning is not None
    assert name in warning


def test_auto_needs_no_warning() -> None:
    assert resolve_device("auto")[1] is None
