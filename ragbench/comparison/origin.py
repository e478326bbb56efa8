"""The origin of a difference: items newly found or lost, or the same items in another order.

Every query belongs to one class, which depends on the relevant items that each system has within the cut-off of the
metric. The contribution of a class is the sum of its differences divided by the number of all queries. The
contributions sum exactly to the mean difference. If every document counts once, so it is in the contributions.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse
from ragbench.metrics.ranked import look_through
from ragbench.stats.clusters import cluster_index
from ragbench.stats.paired_tests import TIE

ClassName = Literal["found", "lost", "more", "fewer", "higher", "lower", "same", "missed"]
CLASSES: tuple[ClassName, ...] = ("found", "lost", "more", "fewer", "higher", "lower", "same", "missed")
FOUND_OTHERWISE: tuple[ClassName, ...] = ("found", "lost", "more", "fewer")
"""Classes where one system finds more than the other. The remaining classes differ only in ranking."""


class Part(NamedTuple):
    """One class of queries.

    Attributes:
        name: ``found`` if only the candidate has a relevant item within the cut-off; ``lost`` if only the baseline has;
            ``more`` or ``fewer`` if both have some, and the candidate has more or fewer; ``higher`` or ``lower`` if
            both have equally many, and the value is higher or lower; ``same`` if both have equally many and the same
            value; ``missed`` if neither has any.
        queries: number of queries.
        adds: contribution to the mean difference.
    """

    name: ClassName
    queries: int
    adds: float


@brief
@dataclass(frozen=True)
class Origin:
    """The origin of the mean difference of a pair.

    Attributes:
        baseline, candidate: names of the two systems.
        metric: name of the metric.
        cut: the cut-off of the metric; None for the whole ranking.
        parts: every class, in the order of `CLASSES`.
        finding: contribution of the classes in `FOUND_OTHERWISE` together.
        ranking: contribution of the other classes.
        baseline_items, candidate_items: relevant items within the cut-off, over all queries.
        baseline_relevant, candidate_relevant: relevant items in all, which depend on the chunking.
        never: queries with relevant items of which neither system retrieves any, at any depth.
        depth: length of the longest ranking.
    """

    baseline: str
    candidate: str
    metric: str
    cut: int | None
    parts: tuple[Part, ...]
    finding: float
    ranking: float
    baseline_items: int
    candidate_items: int
    baseline_relevant: int
    candidate_relevant: int
    never: int
    depth: int


def contributions(pair: Pair, metric: str, average: str = "queries") -> npt.NDArray[np.float64]:
    """(q,) What each query adds to the mean difference over queries or documents; NaN without a value of both.

    Raises:
        InputError: the metric is missing, or infinite for a query.
    """
    before, after = pair.values(metric)
    difference = after - before
    rows = np.flatnonzero(~np.isnan(difference))
    if not len(rows):
        return difference
    weights = np.full(len(rows), 1 / len(rows))
    if average == "documents":
        units = cluster_index([pair.queries.units[row] for row in rows.tolist()])
        sizes = np.bincount(units)
        weights = 1 / sizes[units] / len(sizes)
    difference[rows] *= weights
    if pair.baseline.scores.geometric(metric):
        # A sum of logarithms, in the unit of the difference of geometric means that it leads to.
        whole, level = difference[rows].sum(), np.exp(weights @ before[rows])
        difference *= level * np.expm1(whole) / whole if whole else level
    return difference


def origin(pair: Pair, metric: str, average: str = "queries") -> Origin | None:
    """Find the origin of the difference. The result is None if rankings or labels are missing, or the metric does not
    score rankings.

    Args:
        pair: the two systems.
        metric: printed name of the metric.
        average: unit of the means, ``queries`` or ``documents``.
    """
    if any(run.run is None or run.judgements is None for run in (pair.baseline, pair.candidate)):
        return None
    try:
        parsed = parse(metric)
    except SettingError:
        return None
    cut, level = getattr(parsed, "k", None), getattr(parsed, "level", 1)
    before, after = pair.values(metric)
    rows = np.flatnonzero(~np.isnan(after - before))
    if not len(rows):
        return None
    mine, other = _Found.of(pair.baseline, rows, cut, level), _Found.of(pair.candidate, rows, cut, level)
    adds = contributions(pair, metric, average)[rows]
    parts = _parts(mine, other, (after - before)[rows], adds)
    finding = sum(part.adds for part in parts if part.name in FOUND_OTHERWISE)
    return Origin(
        pair.baseline.name,
        pair.candidate.name,
        metric,
        cut,
        parts,
        finding,
        float(adds.sum()) - finding,
        int(mine.within.sum()),
        int(other.within.sum()),
        int(mine.total.sum()),
        int(other.total.sum()),
        int(((mine.anywhere == 0) & (other.anywhere == 0) & (mine.total + other.total > 0)).sum()),
        max(mine.depth, other.depth),
    )


class _Found(NamedTuple):
    """(n,) Relevant items per query: within the cut-off, anywhere in the ranking, and in all."""

    within: npt.NDArray[np.int64]
    anywhere: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    depth: int

    @classmethod
    def of(cls, run: ScoredRun, rows: npt.NDArray[np.int64], cut: int | None, level: int) -> "_Found":
        assert run.run is not None
        assert run.judgements is not None
        relevant = look_through(run.run, run.judgements, ties=False).relevant(level)
        at = {id_: i for i, id_ in enumerate(run.judgements.query_ids)}
        order = np.array([at[run.queries.ids[row]] for row in rows.tolist()], dtype=np.int64)
        depth = int(run.run.lengths.max(initial=0))
        anywhere = relevant.found(max(depth, 1))
        within = anywhere if cut is None else relevant.found(cut)
        return cls(within[order], anywhere[order], relevant.total[order], depth)


def _parts(
    mine: _Found, other: _Found, difference: npt.NDArray[np.float64], adds: npt.NDArray[np.float64]
) -> tuple[Part, ...]:
    """Classify the queries by the share of relevant items, because another chunking has another number of them."""
    one, two = mine.within * np.maximum(other.total, 1), other.within * np.maximum(mine.total, 1)
    alike, some = one == two, (mine.within > 0) & (other.within > 0)
    inside: dict[ClassName, npt.NDArray[np.bool_]] = {
        "found": (one == 0) & (two > 0),
        "lost": (one > 0) & (two == 0),
        "more": some & (two > one),
        "fewer": some & (two < one),
        "higher": some & alike & (difference >= TIE),
        "lower": some & alike & (difference <= -TIE),
        "same": some & alike & (np.abs(difference) < TIE),
        "missed": (one == 0) & (two == 0),
    }
    return tuple(Part(name, int(inside[name].sum()), float(adds[inside[name]].sum())) for name in CLASSES)
