"""The learner leaves a core to every actor that needs one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from hilt.training.threads import UpdateThreads


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("left", "used"), [(0, 4), (1, 3), (3, 1), (4, 1), (64, 1)])
def test_threads_beside_actors(four_threads: None, left: int, used: int) -> None:
    threads = UpdateThreads()
    threads.leave(left)
    assert torch.get_num_threads() == used
    threads.leave(0)
    assert torch.get_num_threads() == 4
