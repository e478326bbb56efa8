"""Rules on a number of queries, which is counted in this run, and what so many queries show of others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ragbench.comparison.gate.bounds import share_bounds
from ragbench.comparison.gate.result import SHOWN_SHARE, Decided, weigh
from ragbench.comparison.gate.rules import MetricRule
from ragbench.stats.clusters import cluster_index
from ragbench.stats.paired_tests import TIE

COUNTED = "queries"
"""Unit of a count."""


def counted(values: npt.NDArray[np.float64], rule: MetricRule) -> npt.NDArray[np.float64]:
    """(n,) 1 for values that the rule counts, 0 for others, and NaN where there is no value."""
    found = values < rule.below - TIE if rule.below is not None else values > (rule.above or 0.0) + TIE
    return np.where(np.isnan(values), np.nan, found)


def count_words(rule: MetricRule) -> str:
    """``above 0``: which values the rule counts."""
    return f"below {rule.below:g}" if rule.below is not None else f"above {rule.above or 0:g}"


def cases_for(events: int, share: float, error: float) -> int:
    """Return how many independent queries show that at most this share counts, if ``events`` of them do.

    Args:
        events: number of queries that count.
        share: the share, in (0, 1).
        error: probability that the true share is larger.

    Source: Clopper and Pearson 1934.

    Examples:
        >>> cases_for(0, 0.01, 0.05), cases_for(1, 0.01, 0.05)
        (299, 473)
    """
    from scipy.special import bdtr

    low, high = events, 2 * events + 1
    while bdtr(events, high, share) > error:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bdtr(events, middle, share) > error else (low, middle)
    return high


def decide_count(
    counts: npt.NDArray[np.float64],
    lost: npt.NDArray[np.bool_],
    units: Sequence[str],
    name: str,
    most: int,
    error: float,
    *,
    metric: str = "",
    slice: str = "",
    kind: str = "count",
) -> Decided:
    """Decide a ceiling for a number of queries by the number in this run.

    Args:
        counts: (n,) 1 for queries that count, 0 for others, NaN for those without a value.
        lost: (n,) queries that should have a value, and have none. They may all count.
        units: (n,) resampling unit of each query.
        name: name of the rule.
        most: the number that is accepted.
        error: probability that the upper bound of the share, which is reported, is too low.
        metric: name of the metric.
        slice: name of the slice.
        kind: kind of the rule.
    """
    kept = ~np.isnan(counts)
    values = counts[kept]
    clusters = cluster_index([units[row] for row in np.flatnonzero(kept).tolist()])
    found, missing = int(values.sum()), int(lost.sum())
    bounds = share_bounds(values, clusters, below=error, above=error)
    outcome, room = weigh(found, found, most, at_least=False)
    decided = Decided(
        name=name,
        kind=kind,
        outcome=outcome,
        value=float(found),
        low=None,
        high=None,
        bound=float(most),
        at_least=False,
        unit=COUNTED,
        metric=metric,
        slice=slice,
        n=len(values),
        clusters=bounds.clusters,
        candidate=float(found),
        room=room,
        method="counted",
        reason=f"{found} of {len(values)} queries, counted in this run",
        high_error=None if bounds.high is None else error,
        share_high=bounds.high,
        cases=cases_for(most, SHOWN_SHARE, error),
    )
    if not len(values):
        return replace(
            decided, outcome="inconclusive", value=None, room=None, reason="no query has a value", unmeasured=True
        )
    if outcome == "pass" and found + missing > most:
        reason = f"{decided.reason}, but {missing} queries have no value, and may count"
        return replace(decided, outcome="inconclusive", room=None, reason=reason, unmeasured=True)
    return decided
