from __future__ import annotations

import resource
import sys

import pytest
import torch

from hilt.algorithms.registry import make_algorithm
from hilt.algorithms.sac.config import SACConfig
from tests.algorithms.toy import make_batch, make_spec


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_updates_reuse_the_memory_that_they_freed() -> None:
    spec = make_spec()
    algorithm = make_algorithm(SACConfig(pretrain_updates=0), spec)
    batch = make_batch(spec, torch.Generator().manual_seed(0), size=256)

    def faults(updates: int) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(updates):
            algorithm.update(lambda: batch)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults(20)
    assert faults(20) < 20 * 100, "an update faults in megabytes of fresh pages"
