"""How far the learner may run ahead of the data, and the actors ahead of the learner."""

from __future__ import annotations

from hilt.training.pacing import Every, Pace, Rate


def test_updates_are_bounded_by_experience() -> None:
    pace = Pace(max_updates_per_env_step=2, warm_up_steps=100)
    assert not pace.may_update(99, 0)
    updates = 0
    for env_steps in range(100, 500, 7):
        while pace.may_update(env_steps, updates):
            updates += 1
        assert updates == 2 * env_steps


def test_without_bounds_nothing_but_the_warm_up_holds_anybody() -> None:
    pace = Pace(None, 100)
    assert not pace.may_update(0, 0)
    assert pace.may_update(100, 10**9)
    assert not pace.actors_hold(10**9, 0)


def test_simulated_actors_wait_for_a_learner_that_they_are_far_ahead_of() -> None:
    pace = Pace(None, 100, max_env_steps_per_update=8)
    assert not pace.actors_hold(99, 0)
    held = next(steps for steps in range(10**6) if pace.actors_hold(steps, 1000))
    assert 8000 <= held <= 8000 + 100 + 200


def test_neither_waits_for_the_other_for_ever() -> None:
    """Whatever the two bounds are, updates or steps can always go on."""
    for ratio, steps_ratio, warm_up in [(4, 8, 100), (0.1, 1, 0), (1, 1, 500), (0.5, 0.5, 10)]:
        pace = Pace(ratio, warm_up, steps_ratio)
        for env_steps in range(0, 3000, 50):
            for updates in range(0, 3000, 50):
                assert pace.may_update(env_steps, updates) or not pace.actors_hold(env_steps, updates)


def test_due_restarts_the_wait() -> None:
    assert Every(0.0).due()
    every = Every(1000.0)
    assert not every.due()


def test_a_rate_is_that_of_its_window() -> None:
    """What comes in lumps has a rate at every moment between them, too."""
    now = 100.0
    rate = Rate(10.0, lambda: now)
    assert rate.per_second(500) == 0  # a run that goes on has counted before
    seen = []
    for tick in range(1, 81):
        now = 100.0 + tick / 2
        seen.append(rate.per_second(500 + 50 * (tick // 10)))
    assert seen[9] == 10
    assert all(8 <= value <= 12 for value in seen[20:])
    now += 10.0
    assert rate.per_second(900) == 0
