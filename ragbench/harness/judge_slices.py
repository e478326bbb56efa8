"""The parts that labelled answers are cut into: by metadata, by length, and by how people agree."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.answers.calibrate.labels import LabelSet
from ragbench.core.errors import SettingError, did_you_mean

MOST_VALUES = 20
Part = tuple[str, str, npt.NDArray[np.bool_]]


def parts_of(labels: LabelSet, names: Sequence[str]) -> list[Part]:
    """What to cut by, the name of the part, and (n,) which answers are in it.

    Args:
        labels: the answers.
        names: keys of their metadata; those that the labels suggest, if none is given.

    Raises:
        SettingError: a key that no answer has, or one with more than 20 values.
    """
    known = {key for one in labels for key in one.item.metadata}
    found: list[Part] = []
    for name in names or [name for name in labels.slices if name in known]:
        if name not in known:
            raise SettingError(f"--slice: the labels have no {name!r}{did_you_mean(name, known)}")
        found += _by_value(labels, name)
    found += _by_length("answer", np.array([len(one.item.answer.split()) for one in labels]))
    shown = [sum(len(source.text.split()) for source in one.item.sources) for one in labels]
    found += _by_length("sources", np.array(shown))
    return found + _by_votes(labels)


def _by_value(labels: LabelSet, name: str) -> list[Part]:
    values = [str(one.item.metadata.get(name, "(none)")) for one in labels]
    distinct = sorted(set(values))
    if len(distinct) > MOST_VALUES:
        raise SettingError(f"--slice: {name!r} has {len(distinct)} values; at most {MOST_VALUES} make a table")
    array = np.array(values)
    return [(name, value, array == value) for value in distinct]


def _by_length(what: str, words: npt.NDArray[np.int64]) -> list[Part]:
    """Three parts of nearly the same size; fewer where many are of one length, none where all are."""
    low, high = (int(cut) for cut in np.quantile(words, [1 / 3, 2 / 3], method="lower"))
    parts = [
        (f"{what} length", f"up to {low:,} words", words <= low),
        (f"{what} length", f"{low + 1:,} to {high:,} words", (words > low) & (words <= high)),
        (f"{what} length", f"over {high:,} words", words > high),
    ]
    parts = [part for part in parts if part[2].any()]
    return parts if len(parts) > 1 else []


def _by_votes(labels: LabelSet) -> list[Part]:
    several = np.array([len(one.votes) > 1 for one in labels])
    agreed = np.isin(labels.shares, (0.0, 1.0))
    parts = [("people", "all agree", several & agreed), ("people", "split", several & ~agreed)]
    return parts if all(part[2].any() for part in parts) else []
