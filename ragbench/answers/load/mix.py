"""Which question is asked next: in the order of the file, or drawn by weights and by shares of types."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ragbench.answers.answering import Question
from ragbench.core.errors import InputError, SettingError
from ragbench.core.options import named, pairs

TYPE = "type"
DRAWN_AT_ONCE = 1_000


def parse_mix(text: str) -> dict[str, float]:
    """Parse ``question=.5,keyword=.3``.

    Raises:
        SettingError: a part has another form, or is no number.
    """
    found = {}
    for name, value in pairs(named("mix"), text, "TYPE=SHARE").items():
        try:
            found[name] = float(value)
        except ValueError:
            raise SettingError(f"{name}={value} is not a number; write {name}=.5", option="mix") from None
    return found


def endless(
    questions: Sequence[Question], mix: Mapping[str, float] | None, weights: str | None, draw: np.random.Generator
) -> Iterator[Question]:
    """The questions, without an end: in their order, or drawn at random if there is a mix or weights.

    Args:
        questions: at least one.
        mix: share by type of question. Types that it does not name are not asked.
        weights: column that says how often each question is asked, compared with others (of its type, with a mix).
        draw: generator.

    Raises:
        SettingError: a share cannot be used, or no question has a type of the mix.
        InputError: a weight is missing or cannot be used.
    """
    if not mix and not weights:
        return itertools.cycle(questions)
    chances = _weights(questions, weights) if weights else np.ones(len(questions))
    if mix:
        chances = _mixed(questions, chances, mix)
    return _drawn(questions, chances / chances.sum(), draw)


def _drawn(
    questions: Sequence[Question], chances: npt.NDArray[np.float64], draw: np.random.Generator
) -> Iterator[Question]:
    while True:
        for at in draw.choice(len(questions), DRAWN_AT_ONCE, p=chances).tolist():
            yield questions[at]


def _weights(questions: Sequence[Question], column: str) -> npt.NDArray[np.float64]:
    found = np.zeros(len(questions))
    for at, question in enumerate(questions):
        value = question.metadata.get(column)
        try:
            weight = float(str(value)) if value is not None else math.nan
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight >= 0):
            wrong = "has no value" if value is None else f"has {value!r:.40}"
            raise InputError(
                f"question {question.id!r} {wrong} in the column {column!r} of {named('weights')}; it must be a number "
                "of 0 or more"
            )
        found[at] = weight
    if not found.sum():
        raise InputError(f"the column {column!r} of {named('weights')} is 0 for every question")
    return found


def _mixed(
    questions: Sequence[Question], weights: npt.NDArray[np.float64], mix: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    types = np.array([str(question.metadata.get(TYPE, "")) for question in questions])
    there = sorted({str(one) for one in types if one})
    chances = np.zeros(len(questions))
    for name, share in mix.items():
        if not (math.isfinite(share) and share >= 0):
            raise SettingError(f"{name} is {share:g}; a share must be a number of 0 or more", option="mix")
        total = weights[types == name].sum()
        if not total and share:
            have = f"the types are {', '.join(there)}" if there else "they have no column 'type'"
            raise SettingError(f"names the type {name!r}, which no question has; {have}", option="mix")
        if share:
            chances[types == name] = share * weights[types == name] / total
    if not chances.sum():
        raise SettingError("gives every type the share 0", option="mix")
    return chances
