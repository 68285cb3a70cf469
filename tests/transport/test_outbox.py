"""What an actor keeps while its learner is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilt.data.transition import Feature, Schema
from hilt.transport.outbox import Outbox
from hilt.transport.spool import Spool
from tests.transport.transport_tools import SCHEMA, episode, ids


def small_spool(folder: Path, schema: Schema = SCHEMA, **options: int) -> Spool:
    return Spool(folder, schema, **{"segment_bytes": 2_000, **options})


def sent_by(outbox: Outbox, count: int, batch: int = 7) -> list[tuple[int, int]]:
    """The next `count` transitions, acknowledged as they go."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        first, transitions = outbox.after(outbox.acknowledged, min(batch, count - len(found)))
        assert first == outbox.acknowledged + 1
        assert transitions
        found += ids(transitions)
        outbox.acknowledge(first + len(transitions) - 1)
    return found


def test_order_survives_the_way_through_the_disk(spool: Path) -> None:
    outbox = Outbox(10, small_spool(spool))
    transitions = [*episode(1, 50), *episode(2, 50)]
    for transition in transitions[:60]:
        outbox.put(transition)
    assert outbox.is_full
    assert len(outbox) == 60
    found = sent_by(outbox, 35)
    for transition in transitions[60:]:
        outbox.put(transition)
    found += sent_by(outbox, 65)
    assert found == ids(transitions)
    assert len(outbox) == 0
    assert not outbox.is_full
    assert list(spool.iterdir()) == []


def test_what_was_sent_but_not_acknowledged_is_sent_again(spool: Path) -> None:
    outbox = Outbox(10, small_spool(spool))
    for transition in episode(1, 30):
        outbox.put(transition)
    first, transitions = outbox.after(0, 10)
    assert (first, ids(transitions)) == (1, ids(episode(1, 10)))
    assert outbox.after(10, 10) == (11, [])  # memory is full: nothing is read from disk
    outbox.acknowledge(4)
    first, transitions = outbox.after(4, 3)
    assert (first, ids(transitions)) == (5, ids(episode(1, 7, start=4)))
    outbox.acknowledge(1)
    assert outbox.acknowledged == 4


def test_the_next_process_sends_what_was_left(spool: Path) -> None:
    transitions = [*episode(1, 50), *episode(2, 10)]
    first = Outbox(10, small_spool(spool))
    for transition in transitions:
        first.put(transition)
    found = sent_by(first, 23)
    first.close()
    second = Outbox(10, small_spool(spool))
    second.put(episode(3, 1)[0])
    found += sent_by(second, 38)
    assert found == [*ids(transitions), (3, 0)]
    assert list(spool.iterdir()) == []


def test_a_process_that_was_killed_leaves_its_disk_behind(spool: Path) -> None:
    killed = Outbox(10, small_spool(spool))
    for transition in episode(1, 50):
        killed.put(transition)
    found = sent_by(Outbox(10, small_spool(spool)), 40)
    assert found == ids(episode(1, 50, start=10))


def test_a_torn_segment_is_read_up_to_the_damage(spool: Path) -> None:
    killed = Outbox(1, small_spool(spool))
    for transition in episode(1, 30):
        killed.put(transition)
    torn = sorted(spool.iterdir())[0]
    torn.write_bytes(torn.read_bytes()[:-5])
    heir = Outbox(100, small_spool(spool))
    found = []
    while batch := heir.after(heir.acknowledged, 100)[1]:
        found += ids(batch)
        heir.acknowledge(heir.acknowledged + len(batch))
    expected = ids(episode(1, 30, start=1))
    assert found == [name for name in expected if name in found]
    assert 0 < len(expected) - len(found) < 10


def test_transitions_of_another_schema_are_set_aside(spool: Path) -> None:
    other = Schema({"observation.state": Feature((3,))}, Feature((4,)))
    old = Outbox(1, small_spool(spool, other))
    for transition in episode(1, 3, schema=other):
        old.put(transition)
    outbox = Outbox(10, small_spool(spool))
    assert outbox.after(0, 10)[1] == []
    outbox.put(episode(2, 1)[0])
    assert sent_by(outbox, 1) == [(2, 0)]
    assert [path.suffix for path in spool.iterdir()] == [".other"]


@pytest.mark.parametrize("with_disk", [False, True])
def test_nothing_grows_without_bound(spool: Path, with_disk: bool) -> None:
    outbox = Outbox(10, small_spool(spool, max_bytes=20_000) if with_disk else None)
    for transition in episode(1, 500):
        outbox.put(transition)
    kept = len(outbox)
    assert kept + outbox.dropped == 500
    assert outbox.dropped > 100
    assert outbox.trouble
    assert sent_by(outbox, kept) == ids(episode(1, kept))
    if with_disk:
        assert kept > 10


def test_a_disk_that_refuses_costs_transitions_but_raises_nothing(spool: Path) -> None:
    outbox = Outbox(10, small_spool(spool))
    spool.rmdir()
    for transition in episode(1, 15):
        outbox.put(transition)
    assert (len(outbox), outbox.dropped) == (10, 5)
    assert str(spool) in outbox.trouble
    outbox.close()
