"""The parts of the score and their weights."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.answers.wattbot.score.sheet import Sheet
from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.ledger import Ledger
from ragbench.core.scored import ScoredRun
from ragbench.core.shown import Shown

WEIGHTS = {"value": 0.75, "reference": 0.15, "na": 0.10}
METRICS = ("wattbot", *WEIGHTS)
"""The weighted score, then its parts."""
TOLERANCE = 1e-3
"""Largest error of a number relative to the truth; absolute if the truth is 0."""
PLAIN = r"\A *[+-]?[0-9]+(?:\.[0-9]+)? *\z"
"""Numbers that are parsed as columns."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@brief
@dataclass(frozen=True, eq=False)
class Scored(Shown):
    """A scored submission.

    Attributes:
        truth, predictions: the compared sheets.
        truth_rows: (n,) row of the truth.
        prediction_rows: (n,) row of the predictions; -1 for a missing one.
        parts: (n, 4) columns as `METRICS`.
        ledger: rows without a prediction, and caveats on the score.
    """

    truth: Sheet
    predictions: Sheet
    truth_rows: Rows
    prediction_rows: Rows
    parts: Floats
    ledger: Ledger = field(default_factory=Ledger)

    def __len__(self) -> int:
        return len(self.truth_rows)

    @property
    def ids(self) -> list[str]:
        """(n,) ids of the truth."""
        return taken(self.truth.ids, self.truth_rows)

    @property
    def scored(self) -> ScoredRun:
        """The submission as input of a comparison, with the metrics of `METRICS`."""
        from ragbench.answers.wattbot.score.summary import scored_run

        return scored_run(self)


def taken(column: Any, rows: Rows) -> list[str]:
    """The cells of these rows; empty for row -1 or a missing column."""
    if column is None:
        return [""] * len(rows)
    import pyarrow as pa

    found: list[str] = column.take(pa.array(rows, mask=rows < 0)).fill_null("").to_pylist()
    return found


def weighted(value: Floats, reference: Floats, na: Floats) -> Floats:
    """(n, 4) the weighted sum, followed by the parts."""
    # The order of these sums is the lesson's, so that its figures are reproduced to the last bit.
    total = WEIGHTS["value"] * value + WEIGHTS["reference"] * reference + WEIGHTS["na"] * na
    return np.column_stack((total, value, reference, na))


def close(truth: Floats, predicted: Floats) -> Bools:
    """(n,) whether a number is within `TOLERANCE` of the truth; False for NaN and for an infinite truth."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(predicted - truth)
        found: Bools = np.where(truth == 0, error <= TOLERANCE, error / np.maximum(np.abs(truth), 1e-12) <= TOLERANCE)
    return found


def joint_codes(one: Any, other: Any) -> tuple[Rows, Rows, Any]:
    """Code two columns of strings over their distinct strings. Returns the codes and the strings, a pyarrow array."""
    coded = joined(one, other).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: len(one)], codes[len(one) :], coded.dictionary


def joined(one: Any, other: Any) -> Any:
    """Two columns of strings, one below the other."""
    import pyarrow as pa

    return pa.concat_arrays([one, other])


def plain_numbers(written: Any) -> tuple[Floats, Bools]:
    """Parse strings of digits and a point, with or without spaces around them. Returns the numbers (NaN for others) and
    which strings they are.
    """
    import pyarrow.compute as pc

    plain = pc.match_substring_regex(written, PLAIN).to_numpy(zero_copy_only=False)
    numbers = np.full(len(written), np.nan)
    # Arrow accepts neither spaces nor a leading plus sign.
    digits = pc.ascii_trim(written.filter(plain), characters=" +")
    numbers[plain] = digits.cast("float64").to_numpy(zero_copy_only=False)
    return numbers, plain


def need_rows(n: int, truth: Sheet, predictions: Sheet) -> None:
    """Refuse to take a mean of nothing.

    Raises:
        InputError: n is 0.
    """
    if not n:
        raise InputError(f"{predictions.name}: no id of {truth.name} is in it; are these answers to other questions?")
