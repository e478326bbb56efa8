"""What a golden set would say of systems if its queries had the mix of the live ones.

Each live query is represented by the golden queries nearest to it, so a golden query weighs as many live queries as it
represents. A live query without a near golden query is represented by none, and the result says nothing about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate, estimate
from ragbench.core.ledger import first_ten
from ragbench.core.scored import ScoredRun
from ragbench.stats.clusters import cluster_index
from ragbench.stats.distributions import t_quantile

NEIGHBOURS = 5
"""Golden queries that represent a live query, at most."""
FEWEST = 30.0
"""Least effective number of golden queries."""
Floats = npt.NDArray[np.float64]


@brief
@dataclass(frozen=True)
class Reweighted:
    """A system on the golden set with the mix of the live queries.

    Attributes:
        system: name of the system.
        metric: name of the metric.
        golden: mean of the golden set as it is.
        live: mean with the weights; its interval includes the draw of the live queries.
        difference: the same for the difference to the first system; None for the first.
    """

    system: str
    metric: str
    golden: float
    live: Estimate
    difference: Estimate | None


@brief
@dataclass(frozen=True)
class Weights:
    """How well the golden set can represent the live queries.

    Attributes:
        covered: share of the live searches with a near golden query.
        effective: effective number of golden queries, (sum of the weights)^2 / sum of the squared weights.
        queries: number of golden queries with a score.
        refused: why there is no reweighted mean; empty if there is one.
        heaviest: ids of the golden queries with the largest weights, and the share of all weight of each.
        systems: the systems, if the weights were not refused.
    """

    covered: float
    effective: float
    queries: int
    refused: str
    heaviest: tuple[tuple[str, float], ...]
    systems: tuple[Reweighted, ...] = ()


def reweigh(
    systems: Sequence[ScoredRun],
    metric: str,
    golden: npt.NDArray[np.float32],
    live: npt.NDArray[np.float32],
    live_text: npt.NDArray[np.int64],
    live_session: npt.NDArray[np.int64],
    near: float,
) -> Weights:
    """Estimate what systems would score on golden queries that are mixed as live ones.

    Args:
        systems: systems that were evaluated on the same golden queries.
        metric: their metric.
        golden: (q, d) vectors of the golden queries, of unit length.
        live: (t, d) vectors of the distinct live texts.
        live_text: (n,) text of each live search.
        live_session: (n,) its session.
        near: least cosine of a golden query that represents a live one.

    Raises:
        InputError: a system has no such metric, or no query has a score.

    Source: weighting by nearest neighbours, Loog 2012 (IEEE MLSP). The variance adds that of a weighted mean over
        clusters of golden queries and that of the means that represent the live queries over sessions.
    """
    first = systems[0]
    for system in systems:
        if metric not in system.scores.metrics:
            raise InputError(f"{system.name} has no scores by {metric}; it has {first_ten(system.scores.metrics)}")
        if list(system.queries.ids) != list(first.queries.ids):
            raise InputError(f"{system.name} and {first.name} were not evaluated on the same queries")
    values = np.stack([one.scores.values[:, one.scores.metrics.index(metric)] for one in systems], axis=1)
    scored = ~np.isnan(values).any(axis=1)
    if not scored.any():
        raise InputError(f"no query has a score by {metric}")
    values, vectors = values[scored], golden[scored]
    represents = _represents(vectors, live, near)
    has = np.asarray(represents.sum(axis=1)).ravel() > 0
    known = has[live_text]
    weights = np.asarray(represents[live_text[known]].sum(axis=0), dtype=np.float64).ravel()
    covered = float(known.mean())
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0
    ids = np.array(first.queries.ids, dtype=object)[scored]
    order = np.argsort(-weights, kind="stable")[:NEIGHBOURS]
    heaviest = tuple((str(ids[row]), float(weights[row] / weights.sum())) for row in order.tolist() if weights[row] > 0)
    refused = ""
    if effective < FEWEST:
        refused = f"{effective:.0f} effective queries are too few; at least {FEWEST:.0f} are needed"
        return Weights(covered, effective, len(values), refused, heaviest)
    units = cluster_index([first.queries.units[row] for row in np.flatnonzero(scored).tolist()])
    of_search = represents[live_text[known]]
    sessions = np.unique(live_session[known], return_inverse=True)[1]
    found = []
    for at, system in enumerate(systems):
        own = _mean(values[:, at], weights, units, of_search, sessions)
        against = _mean(values[:, at] - values[:, 0], weights, units, of_search, sessions) if at else None
        found.append(Reweighted(system.name, metric, float(values[:, at].mean()), own, against))
    return Weights(covered, effective, len(values), refused, heaviest, tuple(found))


def _represents(golden: npt.NDArray[np.float32], live: npt.NDArray[np.float32], near: float) -> Any:
    """(t, q) Weight of each golden query for each live text, as a sparse matrix; rows add up to 1 or 0."""
    from scipy.sparse import csr_matrix

    k = min(NEIGHBOURS, len(golden))
    rows, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(live), 512):
        cosines = live[start : start + 512].astype(np.float64) @ golden.T.astype(np.float64)
        best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        text, place = np.nonzero(np.take_along_axis(cosines, best, axis=1) >= near)
        rows.append(text + start)
        columns.append(best[text, place])
    row, column = np.concatenate(rows), np.concatenate(columns)
    each = 1 / np.bincount(row, minlength=len(live))[row] if len(row) else np.empty(0)
    return csr_matrix((each, (row, column)), shape=(len(live), len(golden)))


def _mean(
    values: Floats, weights: Floats, units: npt.NDArray[np.int64], of_search: Any, sessions: npt.NDArray[np.int64]
) -> Estimate:
    """The weighted mean, with the variance of both samples."""
    share = weights / weights.sum()
    mean = float(share @ values)
    golden, df = _squared_error(share * (values - mean), share, units)
    predicted = np.asarray(of_search @ values).ravel()
    live, _ = _squared_error((predicted - mean) / len(predicted), np.full(len(predicted), 1 / len(predicted)), sessions)
    reach = float(t_quantile(0.975, np.array([max(df, 1.0)]))[0]) * float(np.sqrt(golden + live))
    return estimate(mean, mean - reach, mean + reach, len(values))


def _squared_error(terms: Floats, shares: Floats, clusters: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Squared error of a weighted mean over clusters, and its degrees of freedom."""
    sums, weight = np.bincount(clusters, weights=terms), np.bincount(clusters, weights=shares)
    inner = np.clip(1 - weight, 1e-9, None)
    return float((sums**2 / inner).sum()), float(1 / (weight**2).sum() - 1)
