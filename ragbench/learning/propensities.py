"""The probability that a user looks at each position of a page: position bias.

A click needs a look: P(click) = P(look at the position) x P(attractive for the query). The first factor, the
propensity, is estimated from pages in random order, or by expectation maximisation where there are too few of them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.learning.interactions import Interactions, pairs_of

Method = Literal["auto", "randomised", "em", "none"]
FEWEST_RANDOM_CLICKS = 100
"""Clicks on pages in random order that ``auto`` needs to use them alone."""
ROUNDS, TOLERANCE = 500, 1e-6
LEAST = 0.01
"""Smallest propensity; a position that nobody clicked would otherwise give a division by zero."""
DEEPEST = 100
"""Deeper positions count as this one."""
BINS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 25, 50])
"""Upper ends of the bins of usual positions."""
SAMPLES = 1000
"""Bootstrap samples of sessions."""


@brief
@dataclass(frozen=True, eq=False)
class Propensities:
    """Position bias of a log.

    Attributes:
        values: float64 (k,), the probability of a look at positions 1 to k, relative to the first.
        low, high: float64 (k,), 95% interval over sessions; NaN if the method gives none.
        method: ``randomised``, ``em`` or ``none``.
        impressions, clicks: int64 (k,), results at each position that the estimate used, and clicks on them.
    """

    values: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    method: str
    impressions: npt.NDArray[np.int64]
    clicks: npt.NDArray[np.int64]

    def of(self, found: Interactions) -> npt.NDArray[np.float64]:
        """(n,) The propensity of each row."""
        own: npt.NDArray[np.float64] = self.values[np.minimum(found.position, len(self.values)) - 1]
        return own


def propensities(found: Interactions, method: Method = "auto", *, rng: np.random.Generator) -> Propensities:
    """Estimate the position bias of a log.

    Args:
        found: what users saw and did.
        method: ``randomised`` compares the positions of pages in random order; ``em`` is regression expectation
            maximisation (see `by_em`); ``auto`` takes the first if these pages have 100 clicks or more, else the
            second; ``none`` assumes that users look at every position.
        rng: draws the sessions of the bootstrap.

    Raises:
        InputError: ``randomised``, and no page is marked as random or none of them was clicked.
    """
    deepest = min(int(found.position.max()), DEEPEST)
    if method == "none":
        ones, nan = np.ones(deepest), np.full(deepest, np.nan)
        return Propensities(ones, nan, nan, method, *_counted(found, np.ones(len(found), dtype=bool), deepest))
    random_clicks = int(found.clicked[found.randomised].sum())
    if method == "randomised" and random_clicks == 0:
        raise InputError(
            "no page in random order was clicked. Name the column that marks these pages with --columns "
            "randomised=NAME, or estimate the position bias with --propensity em"
        )
    if method == "randomised" or (method == "auto" and random_clicks >= FEWEST_RANDOM_CLICKS):
        return by_randomisation(found, deepest, rng)
    return by_em(found, deepest)


def by_randomisation(found: Interactions, deepest: int, rng: np.random.Generator) -> Propensities:
    """The click rate of each position of pages in random order, over that of the first position.

    On such pages every position has the same documents on average, so only the position explains the difference
    (Joachims et al. 2017). The interval is the percentile interval of 1,000 bootstrap samples of sessions.
    """
    rows = found.randomised
    impressions, clicks = _counted(found, rows, deepest)
    names, session = np.unique(found.session[rows], return_inverse=True)
    place = np.minimum(found.position[rows], deepest) - 1
    cell = session * deepest + place
    shape = (len(names), deepest)
    seen = np.bincount(cell, minlength=len(names) * deepest).reshape(shape).astype(float)
    hit = np.bincount(cell, weights=found.clicked[rows], minlength=len(names) * deepest).reshape(shape)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=SAMPLES).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = (drawn @ hit) / (drawn @ seen)
        low, high = np.nanpercentile(rates / rates[:, :1], [2.5, 97.5], axis=0)
        values = clicks / impressions
        values = values / values[0]
    return Propensities(_filled(values), low, high, "randomised", impressions, clicks)


def by_em(found: Interactions, deepest: int) -> Propensities:
    """Regression expectation maximisation of Wang et al. 2018 ("Position bias estimation for unbiased learning to rank
    in personal search").

    Each round guesses, for every result without a click, whether the user did not look or was not attracted; then it
    counts looks by position, and fits a logistic regression of attraction. The regression sees the usual (median)
    position of a document for its query, so that a better document is not taken for a better position. What remains is
    the change when the same document stands elsewhere: without it, bias and relevance cannot be separated
    (`share_moved`).
    """
    place = np.minimum(found.position, deepest)
    _, _, pair = pairs_of(found)
    design = _usual_places(pair, place)
    cells, cell = np.unique(pair * (deepest + 1) + place, return_inverse=True)
    seen, hit = np.bincount(cell).astype(float), np.bincount(cell, weights=found.clicked)
    of_pair, of_place = cells // (deepest + 1), cells % (deepest + 1) - 1
    per_pair = _sums(of_pair, seen, int(of_pair.max()) + 1)
    per_place = np.bincount(of_place, weights=seen, minlength=deepest)
    looks = 1 / np.arange(1, deepest + 1)
    weights = np.zeros(design.shape[1])
    weights[0] = -1.5
    attraction = np.full(len(per_pair), 0.2)
    for _ in range(ROUNDS):
        look, attracted = looks[of_place], attraction[of_pair]
        rest = (seen - hit) / np.maximum(1 - look * attracted, 1e-9)
        looked = hit + rest * look * (1 - attracted)
        relevant = _sums(of_pair, hit + rest * (1 - look) * attracted, len(attraction))
        with np.errstate(invalid="ignore"):
            updated = np.nan_to_num(np.bincount(of_place, weights=looked, minlength=deepest) / per_place)
        weights = _logistic(design, relevant, per_pair, weights)
        attraction = _sigmoid(design @ weights)
        change, looks = float(np.abs(updated - looks).max()), updated
        if change < TOLERANCE:
            break
    nan = np.full(deepest, np.nan)
    return Propensities(
        _filled(np.where(per_place > 0, looks / max(looks[0], LEAST), np.nan)), nan, nan, "em",
        *_counted(found, np.ones(len(found), dtype=bool), deepest),
    )  # fmt: skip


def share_moved(found: Interactions) -> float:
    """The share of results whose document also stood at another position for the same query."""
    _, _, pair = pairs_of(found)
    low = np.full(int(pair.max()) + 1, np.iinfo(np.int64).max)
    high = np.zeros_like(low)
    np.minimum.at(low, pair, found.position)
    np.maximum.at(high, pair, found.position)
    return float((low < high)[pair].mean())


def _usual_places(pair: npt.NDArray[np.int64], place: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(p, m) An intercept, and the bin of the median position of each pair."""
    order = np.lexsort((place, pair))
    count = np.bincount(pair)
    median = place[order][np.cumsum(count) - count + (count - 1) // 2]
    bins = np.searchsorted(BINS, median)
    design = np.zeros((len(count), len(BINS) + 2))
    design[:, 0] = 1
    design[np.arange(len(count)), bins + 1] = 1
    return design[:, design.any(axis=0)]


def _logistic(
    design: npt.NDArray[np.float64],
    successes: npt.NDArray[np.float64],
    trials: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Two Newton steps of a logistic regression with a small ridge on everything but the intercept."""
    ridge = np.eye(design.shape[1])
    ridge[0, 0] = 1e-6
    for _ in range(2):
        fitted = _sigmoid(design @ weights)
        variance = trials * fitted * (1 - fitted) + 1e-9
        hessian = (design * variance[:, None]).T @ design + ridge
        weights = weights + np.linalg.solve(hessian, design.T @ (successes - trials * fitted) - ridge @ weights)
    return weights


def _sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result


def _sums(group: npt.NDArray[np.int64], values: npt.NDArray[np.float64], groups: int) -> npt.NDArray[np.float64]:
    """(groups,) The sum of the values of each group."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def _counted(
    found: Interactions, rows: npt.NDArray[np.bool_], deepest: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    place = np.minimum(found.position[rows], deepest) - 1
    clicks = np.bincount(place, weights=found.clicked[rows], minlength=deepest)
    return np.bincount(place, minlength=deepest), clicks.astype(np.int64)


def _filled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values; a position that was never shown takes that of the position above it."""
    known = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    return np.maximum(np.nan_to_num(values[known], nan=1.0), LEAST)
