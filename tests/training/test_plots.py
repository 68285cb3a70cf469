"""Pictures of a run: what is marked in them, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from hilt.rollout.video import moving_part
from hilt.runs.plots import loss_figure, progress_figure

RECORDS: list[dict[str, Any]] = [
    {"step": 0, "time_s": 0.0, "Phase": "offline"},
    {"step": 0, "time_s": 4.0, "train/loss_bc": 1.0, "train/updates": 100},
    {"step": 0, "time_s": 5.0, "Phase": "warm-up"},
    {"step": 90, "time_s": 6.0, "Phase": "online"},
    {
        "step": 100,
        "time_s": 7.0,
        "Success rate without help": 0.5,
        "Intervention rate": 0.2,
        "Episode takeovers": 1,
    },
    {
        "step": 200,
        "time_s": 9.0,
        "Success rate without help": 0.8,
        "Intervention rate": 0.0,
        "Episode takeovers": 0,
    },
    {"step": 200, "time_s": 9.5, "Validation success rate": 0.7, "Validation passed": 0.0},
    {"step": 300, "time_s": 12.0, "Validation success rate": 0.99, "Validation passed": 1.0},
    {"step": 300, "time_s": 12.1, "train/loss_bc": 0.5, "train/updates": 300},
    {"step": 300, "time_s": 12.2, "Ended by": "target reached"},
]


def test_progress_marks_phases_takeovers_tests_and_the_end() -> None:
    figure = progress_figure(RECORDS)
    success, help_ = figure.axes[:2]
    drawn = {line.get_label(): line for line in (*success.lines, *help_.lines)}
    assert list(drawn["alone, a test"].get_xdata()) == [9.5]
    assert list(drawn["alone, a test that passed"].get_xdata()) == [12.0]
    assert list(drawn["episode with a takeover"].get_xdata()) == [7.0]
    assert [text.get_text().strip() for text in success.texts] == ["target reached"]
    shaded = {patch.get_label(): patch.get_x() for patch in success.patches}
    assert shaded == {"imitation": 0.0, "warm-up": 5.0}


def test_no_legend_lies_over_a_curve() -> None:
    figure = progress_figure(RECORDS)
    figure.canvas.draw()
    for axis in figure.axes[:2]:
        legend = axis.get_legend()
        assert legend is not None
        assert legend.get_window_extent().x0 >= axis.get_window_extent().x1


def test_a_loss_is_named_and_says_what_a_good_one_looks_like() -> None:
    (axis,) = loss_figure(RECORDS).axes
    assert axis.get_title().strip() == "imitation"
    assert "falls" in axis.texts[0].get_text()


def test_a_summary_is_cropped_to_what_moves() -> None:
    still = np.zeros((100, 200, 3), np.uint8)
    moved = still.copy()
    moved[40:50, 20:60] = 200
    rows, columns = moving_part([still, moved])
    assert (rows, columns) == (slice(36, 54), slice(12, 68))
    assert moving_part([still, still]) == (slice(100), slice(200))
