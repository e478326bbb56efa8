"""Gains: what a relevance label is worth to a user.

``linear`` is the label itself, ``exp`` is 2^label - 1, and a list such as ``0,1,3,7`` gives the gains of the labels 0,
1, 2, ... A label of 0 and below gains nothing.
"""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, did_you_mean

Floats = npt.NDArray[np.float64]

Gain = Literal["linear", "exp"] | tuple[float, ...]
GAINS = ("linear", "exp")
_LARGEST_EXPONENT = 1023


def gain_fault(gain: object) -> str:
    """Say what is wrong with a gain; empty if nothing is."""
    if not isinstance(gain, tuple):
        return "" if gain in GAINS else f"is no gain{did_you_mean(str(gain), GAINS)}, or the gain of each label: 0,1,3"
    numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in gain)
    if not numbers or len(gain) < 2 or gain[0] != 0 or list(gain) != sorted(gain) or not gain[-1] > 0:
        return "must be numbers for the labels 0, 1, ... that begin with 0 and never fall, as in 0,1,3"
    return ""


def gain_of_labels(gain: Gain, largest: int) -> Floats:
    """(largest + 1,) Gain of the labels 0 to ``largest``. A table is faster than a power for each row.

    Raises:
        InputError: a label has no gain.
    """
    if gain == "linear":
        return np.arange(largest + 1, dtype=np.float64)
    if gain == "exp":
        if largest > _LARGEST_EXPONENT:
            raise InputError(f"a label of {largest} has no exponential gain 2^label - 1: use gain=linear")
        power: Floats = np.exp2(np.arange(largest + 1)) - 1
        return power
    if largest >= len(gain):
        raise InputError(
            f"a label of {largest} has no gain: gain={written(gain)} ends at label {len(gain) - 1}. Add its gain"
        )
    return np.array(gain[: largest + 1], dtype=np.float64)


def written(gain: tuple[float, ...]) -> str:
    """Return the written form of a list of gains: ``0,1,3.5``."""
    return ",".join(str(int(value)) if value == int(value) else repr(float(value)) for value in gain)


def shares(gain: Gain, max_label: int | None, labels: npt.NDArray[np.int32], *, spare: float) -> Floats:
    """Return gains of the labels 0, 1, ... as shares: gain / (gain of the highest label + ``spare``).

    Args:
        gain: the gain.
        max_label: the highest label of the scale; None for the highest label in ``labels``, or the end of a list.
        labels: all labels of the judgements.
        spare: what is added to the highest gain.

    Raises:
        InputError: a label is above ``max_label``, or has no gain.
    """
    found = max(int(labels.max(initial=1)), 1)
    top = max_label or (found if isinstance(gain, str) else max(found, len(gain) - 1))
    if found > top:
        raise InputError(f"a label of {found} is above max_label={top}: give the highest label of the scale")
    table = gain_of_labels(gain, top)
    share: Floats = table / (table[-1] + spare)
    return share
