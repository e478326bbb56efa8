"""How many runs of each query are worth their cost, beside more queries."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.brief import brief
from ragbench.core.scored import ScoredRun
from ragbench.stats.power import RunEffects
from ragbench.stats.repeats import RunErrors, best_repeats, both_errors, components, run_errors

RUNS = (1, 2, 3, 5, 10)
"""What a plan shows."""
TRIED = (*RUNS, 4, 6, 8, 15, 20, 30)
"""Numbers of runs of which a plan takes the cheapest."""


@dataclass(frozen=True)
class RunVariance:
    """How the difference of two systems varies from run to run, as a pilot with repeats measures it.

    Attributes:
        baseline_runs, candidate_runs: number of runs of each system; 1 for a system that ran once.
        within: variance of one query's difference from run to run, if each system runs once.
        shared: variance of the mean difference by effects that all queries of a run share, if each system runs once.
        of_mean: what ``within`` adds to the variance of a query's difference of means over these runs.
        shared_of_mean: the same for ``shared`` and the mean difference.
        squares, explained: mean squares of the mean difference between runs, and their part that single queries
            explain.
        df: degrees of freedom of the mean squares.
    """

    baseline_runs: int
    candidate_runs: int
    within: float
    shared: float
    of_mean: float
    shared_of_mean: float
    squares: float
    explained: float
    df: float

    @property
    def runs(self) -> float:
        """Number of runs of the systems that ran several times, averaged over their variation."""
        several = [count for count in (self.baseline_runs, self.candidate_runs) if count > 1]
        return self.within / self.of_mean if self.of_mean > 0 else sum(several) / len(several)

    def shared_at(self, confidence: float) -> float:
        """Upper confidence bound of ``shared_of_mean``, from the chi-squared distribution of the mean squares."""
        from scipy.special import gammaincinv

        return max(0.0, self.squares * self.df / 2 / float(gammaincinv(self.df / 2, 1 - confidence)) - self.explained)

    def effects(self, runs: float, shared_of_mean: float) -> RunEffects | None:
        """How the difference varies with another number of runs; None if whole runs share nothing.

        Args:
            runs: runs of each system that ran several times, above 1.
            shared_of_mean: what the pilot's runs share, estimated or bounded.
        """
        if shared_of_mean <= 0:
            return None
        fewest = min(count for count in (self.baseline_runs, self.candidate_runs) if count > 1)
        return RunEffects(shared_of_mean * self.runs / runs, self.within / runs, self.df * (runs - 1) / (fewest - 1))


@dataclass(frozen=True)
class RepeatRow:
    """What a number of runs gives for the same cost.

    Attributes:
        runs: runs of each query.
        queries: number of queries.
        error: standard error of the mean difference.
        needed: queries that the wanted difference needs with so many runs; None if no number is enough, if whole runs
            may vary and so few runs cannot show it, or if the plan has no difference.
        cost: cost of these queries and of their runs, in runs of one query.
    """

    runs: int
    queries: int
    error: float
    needed: int | None = None
    cost: float | None = None


@brief
@dataclass(frozen=True)
class RepeatPlan:
    """The number of runs that is worth its cost.

    Attributes:
        between: variance of the differences between queries, times their design effect, without that of runs.
        within: variance of one query's difference from run to run.
        shared: variance between runs that all queries share; 0 if it was not measured.
        query_cost: cost of one more query with its labels, in runs of one query.
        best: number of runs with which the wanted difference costs least; if there is none, or no number of runs is
            enough for it, the number with the smallest standard error for the cost of the present queries.
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
    errors = list[RunErrors]()
    for system in (pair.baseline, pair.candidate):
        found = _components(system, metric, rows)
        runs = 1 if found is None else found[0]
        counts.append(runs)
        if found is not None:
            within, shared = within + found[1], shared + found[2]
            of_mean, shared_of_mean = of_mean + found[1] / runs, shared_of_mean + found[2] / runs
            errors.append(found[3])
    if not errors:
        return None
    both = errors[0] if len(errors) == 1 else both_errors(*errors)
    return RunVariance(
        counts[0], counts[1], within, shared, of_mean, shared_of_mean,
        float(both.squares[0]), float(both.within[0]), float(both.df[0]),
    )  # fmt: skip


def _components(
    system: ScoredRun, metric: str, rows: npt.NDArray[np.int64]
) -> tuple[int, float, float, RunErrors] | None:
    """Number of runs, variance within queries (with the judge's) and shared variance of one run, and their errors."""
    repeats = system.scores.repeats
    if repeats is None or len(repeats) < 2:
        return None
    values = repeats[:, :, rows, system.scores.metrics.index(metric)]
    if (~np.isnan(values)).all(axis=(0, 1)).sum() < 2:
        return None
    # Documents do not matter for these parts.
    clusters = np.arange(len(rows))
    found, errors = components(values, clusters), run_errors(values[:, :, :, None], clusters)
    return found.runs, (found.run_query or 0.0) + (found.judge or 0.0) / found.judgements, found.run or 0.0, errors


def plan_repeats(
    between: float, within: float, shared: float, *, query_cost: float, queries: int | None, runs: float,
    needed: Callable[[int], int | None] | None = None,
) -> RepeatPlan:  # fmt: skip
    """Find the number of runs that is worth its cost.

    It is that with which the wanted difference costs least; without such a difference,
    `ragbench.stats.repeats.best_repeats` gives it.

    Args:
        between: variance of the differences between queries, times their design effect, without that of runs.
        within: variance of one query's difference from run to run.
        shared: variance between runs that all queries share.
        query_cost: cost of one more query with its labels, in runs of one query.
        queries: present number of queries; None if unknown.
        runs: present number of runs of each query.
        needed: queries that the wanted difference needs with a number of runs; None if there is no such difference.
    """
    budget = 0.0 if queries is None else queries * (query_cost + runs)
    exact = best_repeats(between, within, shared, query_cost=query_cost, budget=budget)

    def row(count: int) -> RepeatRow:
        n = max(1, floor(budget / (query_cost + count) + 1e-9))
        enough = None if needed is None else needed(count)
        price = None if enough is None else enough * (query_cost + count)
        return RepeatRow(count, n, sqrt((between + within / count) / n + shared / count), enough, price)

    def cost(count: int) -> float:
        return (between + within / count) * (query_cost + count) + budget * shared / count

    most = max(RUNS) if exact == float("inf") else exact
    best = min({max(1, floor(most)), floor(most) + 1}, key=cost)
    rows = {count: row(count) for count in sorted({*TRIED, best})}
    priced = {count: one.cost for count, one in rows.items() if one.cost is not None}
    if priced:
        best = min(priced, key=lambda count: priced[count])
    shown = [rows[count] for count in sorted({*RUNS, best})] if queries is not None else []
    return RepeatPlan(between, within, shared, query_cost, best, tuple(shown))
