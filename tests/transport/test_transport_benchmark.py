from __future__ import annotations

import pytest

from hilt.benchmarks.transport import TARGETS, measure


@pytest.mark.slow
def test_the_figures_are_there_and_the_wire_is_lean() -> None:
    figures = measure(seconds=0.1)
    assert figures["wire_bytes_per_transition"] <= TARGETS["wire_bytes_per_transition"]
    assert figures["transitions_per_second"] > 0
    assert figures["weights_latency_ms"] > 0
    assert figures["weights_latency_ms_beside_training"] > 0
