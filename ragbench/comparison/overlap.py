"""How much the rankings of two systems differ, whatever is relevant: rank-biased overlap."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.evaluations import Estimate, estimate
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.metrics.ranked import look_through
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import mean_interval

PATIENCE = 0.9
"""The first ten ranks have 86% of the weight."""
TOP = 10


@brief
@dataclass(frozen=True)
class Overlap:
    """Rank-biased overlap (RBO) of two systems' rankings. It needs no labels.

    Attributes:
        baseline, candidate: names of the two systems.
        p: how likely a reader goes on to the next rank.
        rbo: mean over the queries with its 95% interval: 1 if all rankings are the same, 0 if no item is in both.
        top: length of the tops that are compared exactly.
        same_top: queries with the same items in the same order in the top.
        queries: number of queries.
    """

    baseline: str
    candidate: str
    p: float
    rbo: Estimate
    top: int
    same_top: int
    queries: int


def overlap(pair: Pair, *, p: float = PATIENCE, top: int = TOP, seed: int = 0) -> Overlap | None:
    """Measure how alike the rankings of a pair are.

    The result is None if a system has no rankings, or if they rank chunks that were cut in different ways.
    """
    one, other = pair.baseline.run, pair.candidate.run
    if one is None or other is None or not len(pair.queries) or _cut_differently(pair):
        return None
    ids = pair.queries.ids
    one, other = one.select(ids), other.select(ids)
    values = rank_biased_overlap(one, other, p)
    clusters = cluster_index(pair.queries.units)
    low, high, _ = mean_interval(values[:, None], clusters, generator(seed, "overlap"), levels=True)
    mean = estimate(float(values.mean()), float(low[0]), float(high[0]), len(ids))
    same = int(_same_top(one, other, top).sum())
    return Overlap(pair.baseline.name, pair.candidate.name, p, mean, top, same, len(ids))


def rank_biased_overlap(one: Run, other: Run, p: float) -> npt.NDArray[np.float64]:
    """(q,) Extrapolated rank-biased overlap of two rankings of each query.

    RBO is (1 - p) * sum over depths d of p^(d - 1) * (items in both tops of length d) / d. Below the end of the lists
    their agreement is assumed to stay as it is there, also for lists of different lengths. Items with equal scores are
    in the order of the run. Two empty rankings are the same (1).

    Args:
        one: the rankings of a system.
        other: those of another system, with the same queries in the same order.
        p: between 0 and 1; 1 / (1 - p) ranks are read on average.

    Source: Webber, Moffat and Zobel, "A similarity measure for indefinite rankings", TOIS 28(4), 2010, equation 32.
    """
    query, mine, theirs = common_items(one, other)
    depth = np.maximum(mine, theirs)
    short, long = np.minimum(one.lengths, other.lengths), np.maximum(one.lengths, other.lengths)
    d = np.arange(1, int(long.max(initial=0)) + 1)
    power = np.concatenate(([0.0], np.cumsum(np.power(p, d))))
    harmonic = np.concatenate(([0.0], np.cumsum(np.power(p, d) / d)))

    def count(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.bincount(query[rows], minlength=len(one)).astype(np.float64)

    in_short, in_all = count(depth <= short.take(query)), count(np.ones(len(query), dtype=bool))
    seen = np.bincount(query, weights=harmonic[long.take(query)] - harmonic[depth - 1], minlength=len(one))
    some_short, some_long = np.maximum(short, 1), np.maximum(long, 1)
    unseen = in_short * ((power[long] - power[short]) / some_short - (harmonic[long] - harmonic[short]))
    tail = ((in_all - in_short) / some_long + in_short / some_short) * np.power(p, long)
    value = (1 - p) / p * (seen + unseen) + tail
    return np.where(long == 0, 1.0, np.clip(value, 0.0, 1.0))


def common_items(one: Run, other: Run) -> tuple[npt.NDArray[np.int64], ...]:
    """Find the items that both runs retrieve: the query of each, its ranks in the first run, and those in the other.

    The runs have the same queries in the same order.
    """
    as_labels = Judgements(other.query_ids, other.offsets, other.items, other.ranks.astype(np.int32), other.item_ids)
    found = look_through(one, as_labels, ties=False)
    return found.query, found.rank, found.label.astype(np.int64)


def _same_top(one: Run, other: Run, top: int) -> npt.NDArray[np.bool_]:
    """(q,) Whether the two rankings of a query have the same top."""
    query, mine, theirs = common_items(one, other)
    same = np.bincount(query[(mine == theirs) & (mine <= top)], minlength=len(one))
    alike: npt.NDArray[np.bool_] = (same == np.minimum(one.lengths, top)) & (same == np.minimum(other.lengths, top))
    return alike


def _cut_differently(pair: Pair) -> bool:
    """Whether the same text has other ids in the two systems, because chunks are ranked and were cut in two ways."""
    prints = [_chunks(run) for run in (pair.baseline, pair.candidate)]
    units = {run.run.unit for run in (pair.baseline, pair.candidate) if run.run is not None}
    return "chunk" in units and None not in prints and prints[0] != prints[1]


def _chunks(run: ScoredRun) -> object:
    chunks = run.manifest.get("chunks")
    return chunks.get("fingerprint") if isinstance(chunks, dict) else None
