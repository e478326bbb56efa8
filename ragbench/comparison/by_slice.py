"""The means of systems in each slice of the queries, and the largest difference between two slices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.comparison.slices import Slice, slices
from ragbench.core.context import generator
from ragbench.core.evaluations import Estimate, SliceScores
from ragbench.core.scored import ScoredRun
from ragbench.stats.clusters import cluster_index
from ragbench.stats.gaps import GroupGaps, group_gaps
from ragbench.stats.intervals import estimates

FEWEST_QUERIES, FEWEST_CLUSTERS = 10, 5
"""Queries with a value, and independent units among them, that a slice needs to be compared with others."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class SliceMeans:
    """One slice.

    Attributes:
        label: its value.
        queries: number of queries.
        means: mean with interval by system.
    """

    label: str
    queries: int
    means: dict[str, Estimate]


@dataclass(frozen=True)
class SliceGap:
    """The largest difference between the means of two slices of one system.

    Attributes:
        system: name of the system.
        highest, lowest: labels of the two slices.
        gap: difference of their means.
        low, high: ends of the interval of the largest true difference: it is below each end with a chance of 2.5%, and
            above likewise, over all pairs of slices.
        slices: number of slices that are compared.
    """

    system: str
    highest: str
    lowest: str
    gap: float
    low: float
    high: float
    slices: int


def slice_means(
    systems: Sequence[ScoredRun], by: str, metric: str, *, seed: int = 0, resamples: int = 10_000
) -> tuple[SliceMeans, ...]:
    """Compute the mean of each system in each slice, with a 95% interval.

    Args:
        systems: systems on the same queries.
        by: name of the column.
        metric: metric that all of them have.
        seed: seed of the bootstrap.
        resamples: number of resamples.

    Raises:
        InputError: the column does not exist, or no query has a value in it.
    """
    found = []
    for part in slices(systems[0].queries, by):
        units = cluster_index([systems[0].queries.units[row] for row in part.rows.tolist()])
        means = {
            one.name: estimates(
                one.scores.select(part.rows, [metric]), units, generator(seed, "bootstrap"), resamples,
                by_document=one.average == "documents",
            )[metric]
            for one in systems
        }  # fmt: skip
        found.append(SliceMeans(part.label, len(part.rows), means))
    return tuple(found)


def scores_by(scored: ScoredRun, columns: Sequence[str], *, seed: int, resamples: int) -> tuple[SliceScores, ...]:
    """Compute the mean of every metric of one system in each slice of each column, with a 95% interval.

    The arguments and errors are those of `slice_means`.
    """
    found = []
    for by in dict.fromkeys(columns):
        means = {
            metric: slice_means([scored], by, metric, seed=seed, resamples=resamples)
            for metric in scored.scores.metrics
        }
        for parts in zip(*means.values(), strict=True):
            metrics = {metric: part.means[scored.name] for metric, part in zip(means, parts, strict=True)}
            found.append(SliceScores(by, parts[0].label, parts[0].queries, metrics))
    return tuple(found)


def gap_of(
    system: ScoredRun, parts: Sequence[Slice], metric: str, fewest: int = FEWEST_QUERIES
) -> tuple[GroupGaps, list[Slice]] | None:
    """Compare the means of the slices that have enough queries; None if fewer than two have.

    Args:
        system: the system.
        parts: its slices.
        metric: printed name of the metric.
        fewest: queries with a value that a slice needs.

    Returns:
        The differences, and the slices that are compared.
    """
    column = system.scores.column(metric)
    kept, values, groups, rows = list[Slice](), list[npt.NDArray[np.float64]](), list[int](), list[int]()
    for part in parts:
        own = [row for row in part.rows.tolist() if not np.isnan(column[row])]
        if len(own) < fewest or len({system.queries.units[row] for row in own}) < FEWEST_CLUSTERS:
            continue
        values.append(column[own])
        groups += [len(kept)] * len(own)
        rows += own
        kept.append(part)
    if len(kept) < 2:
        return None
    clusters = cluster_index([system.queries.units[row] for row in rows])
    return group_gaps(np.concatenate(values), np.array(groups), clusters), kept


def slice_gap(system: ScoredRun, by: str, metric: str) -> SliceGap | None:
    """Find the largest difference between two slices; None if fewer than two have enough queries."""
    found = gap_of(system, slices(system.queries, by), metric)
    if found is None:
        return None
    gaps, kept = found
    first, second = gaps.pairs[gaps.largest]
    tail = (1 - CONFIDENCE) / 2
    return SliceGap(
        system.name,
        kept[first].label,
        kept[second].label,
        float(gaps.gaps[gaps.largest]),
        gaps.lower(tail),
        gaps.upper(tail),
        len(kept),
    )
