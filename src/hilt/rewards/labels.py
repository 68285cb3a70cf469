"""The classes that the labels of a dataset name: what a classifier is to tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.lerobot.layout import REWARD

Classes = NDArray[np.int64]
"""(N,) of one episode."""

_MOST_LISTED = 10


def read_labels(reader: DatasetReader, num_classes: int, column: str = REWARD) -> list[Classes]:
    """The class of every frame, episode by episode. Reads no pictures.

    Labels are whole numbers, every one of 0 to `num_classes` - 1. Two classes may also be told by a reward:
    above 0.5 is success (1), where it is a fraction somewhere or takes two values at most.

    Raises:
        DatasetError: there is no such column, or its labels are not these classes.
    """
    values = [reader.column(episode, column).astype(np.float64) for episode in reader.episodes]
    found = np.unique(np.concatenate(values))
    if num_classes == 2 and column == REWARD and (len(found) <= 2 or not _are_whole(found)):
        labels = [(each > 0.5).astype(np.int64) for each in values]
        _check_both(reader, labels)
        return labels
    if not _are_whole(found) or len(found) != num_classes or found[0] != 0 or found[-1] != num_classes - 1:
        raise DatasetError(_mismatch(reader, found, num_classes, column))
    return [each.astype(np.int64) for each in values]


def _are_whole(values: NDArray[np.float64]) -> bool:
    return bool((values == values.round()).all())


def _check_both(reader: DatasetReader, labels: list[Classes]) -> None:
    found = np.unique(np.concatenate(labels)).tolist()
    if len(found) == 2:
        return
    what, missing = ("successful", "failed") if found == [1] else ("failed", "successful")
    count = sum(len(each) for each in labels)
    raise DatasetError(
        f"{reader.root} holds only {what} frames ({count} of them), none that is {missing}: "
        "a classifier needs both (record with env.number_of_steps_after_success for more successes)"
    )


def _mismatch(reader: DatasetReader, found: NDArray[np.float64], num_classes: int, column: str) -> str:
    labels = ", ".join(f"{label:g}" for label in found[:_MOST_LISTED])
    more = f", ... ({len(found)} different ones)" if len(found) > _MOST_LISTED else ""
    classes = ", ".join(map(str, range(num_classes)))
    count = len(found)
    if count > 1 and (found == np.arange(count)).all():
        way_out = f"set policy.num_classes to {count}, or policy.label_column to the column that is meant"
    else:
        way_out = "labels are whole numbers from 0, without gaps; policy.label_column names their column"
    return (
        f"{reader.root}: {column!r} holds the labels {labels}{more}, "
        f"policy.num_classes = {num_classes} means the classes {classes}: {way_out}"
    )
