"""How many runs of each query are worth their cost, beside more queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.scored import ScoredRun
from ragbench.stats.repeats import best_repeats, components

RUNS = (1, 2, 3, 5, 10)


@dataclass(frozen=True)
class RunVariance:
    """How the difference of two systems varies from run to run, as a pilot with repeats measures it.

    Attributes:
        baseline_runs, candidate_runs: number of runs of each system; 1 for a system that ran once.
        within: variance of one query's difference from run to run, if each system runs once.
        shared: variance of the mean difference by effects that all queries of a run share, if each system runs once.
        of_mean: what ``within`` adds to the variance of a query's difference of means over these runs.
        shared_of_mean: the same for ``shared`` and the mean difference.
    """

    baseline_runs: int
    candidate_runs: int
    within: float
    shared: float
    of_mean: float
    shared_of_mean: float


@dataclass(frozen=True)
class RepeatRow:
    """What a number of runs gives for the same cost.

    Attributes:
        runs: runs of each query.
        queries: number of queries.
        error: standard error of the mean difference.
    """

    runs: int
    queries: int
    error: float


@dataclass(frozen=True)
class RepeatPlan:
    """The number of runs that is worth its cost.

    Attributes:
        between: variance of the differences between queries, times their design effect, without that of runs.
        within: variance of one query's difference from run to run.
        shared: variance between runs that all queries share; 0 if it was not measured.
        query_cost: cost of one more query with its labels, in runs of one query.
        best: number of runs with the smallest standard error for the cost.
        rows: what numbers of runs give for the cost of the present queries; empty without a number of queries.
    """

    between: float
    within: float
    shared: float
    query_cost: float
    best: int
    rows: tuple[RepeatRow, ...]


def run_variance(pair: Pair, metric: str, rows: npt.NDArray[np.int64]) -> RunVariance | None:
    """Measure how the difference varies from run to run; None if both systems ran once.

    Args:
        pair: the two systems.
        metric: printed name of the metric.
        rows: rows of the queries that count.
    """
    counts, within, shared, of_mean, shared_of_mean = list[int](), 0.0, 0.0, 0.0, 0.0
    for system in (pair.baseline, pair.candidate):
        found = _components(system, metric, rows)
        runs = 1 if found is None else found[0]
        counts.append(runs)
        if found is not None:
            within, shared = within + found[1], shared + found[2]
            of_mean, shared_of_mean = of_mean + found[1] / runs, shared_of_mean + found[2] / runs
    if counts == [1, 1]:
        return None
    return RunVariance(counts[0], counts[1], within, shared, of_mean, shared_of_mean)


def _components(system: ScoredRun, metric: str, rows: npt.NDArray[np.int64]) -> tuple[int, float, float] | None:
    """Number of runs, variance within queries (with the judge's) and shared variance of one run."""
    repeats = system.scores.repeats
    if repeats is None or len(repeats) < 2:
        return None
    values = repeats[:, :, rows, system.scores.metrics.index(metric)]
    if (~np.isnan(values)).all(axis=(0, 1)).sum() < 2:
        return None
    # Documents do not matter for these parts.
    found = components(values, np.arange(len(rows)))
    return found.runs, (found.run_query or 0.0) + (found.judge or 0.0) / found.judgements, found.run or 0.0


def plan_repeats(
    between: float, within: float, shared: float, *, query_cost: float, queries: int | None, runs: float
) -> RepeatPlan:
    """Find the number of runs that is worth its cost (`ragbench.stats.repeats.best_repeats`).

    Args:
        between: variance of the differences between queries, times their design effect, without that of runs.
        within: variance of one query's difference from run to run.
        shared: variance between runs that all queries share.
        query_cost: cost of one more query with its labels, in runs of one query.
        queries: present number of queries; None if unknown.
        runs: present number of runs of each query.
    """
    budget = 0.0 if queries is None else queries * (query_cost + runs)
    exact = best_repeats(between, within, shared, query_cost=query_cost, budget=budget)

    def row(count: int) -> RepeatRow:
        n = max(1, floor(budget / (query_cost + count) + 1e-9))
        return RepeatRow(count, n, sqrt((between + within / count) / n + shared / count))

    def cost(count: int) -> float:
        return (between + within / count) * (query_cost + count) + budget * shared / count

    most = max(RUNS) if exact == float("inf") else exact
    best = min({max(1, floor(most)), floor(most) + 1}, key=cost)
    counts: Sequence[int] = sorted({*RUNS, best}) if queries is not None else ()
    return RepeatPlan(between, within, shared, query_cost, best, tuple(row(count) for count in counts))
