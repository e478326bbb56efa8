"""Repeated runs: the part of an error that comes from run to run, and where the variance of a score comes from.

A system that answers differently each time varies in two ways. Each query varies on its own, and a clustered error of
the means over runs includes that. And all queries of a run vary together, because an index was rebuilt, a model was
updated or a seed was drawn. A clustered error is blind to that: the same shift of every query looks like a better
system. Only several runs show it, with few degrees of freedom.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.scores import Components, Scores
from ragbench.stats.clusters import CONSTANT, ClusteredMeans, cluster_averages, cluster_totals

Array = npt.NDArray[np.float64]
FEWEST_RUNS = 3
"""With two runs, the variance between them has one degree of freedom, and intervals cover too little."""


POWER = 1.25
"""Exponent of the parts in the degrees of freedom of `with_runs`, between Cochran's 1 and Satterthwaite's 2."""


class RunErrors(NamedTuple):
    """The part of the squared errors of means over several runs that comes from run to run, (m,) each.

    Attributes:
        shared: variance of the mean by effects that all queries of a run share, at least 0.
        within: variance of the mean by effects within single queries, which the clustered error contains.
        squares: mean squares between runs; their expectation is ``shared + within``.
        df: degrees of freedom of the mean squares.
    """

    shared: Array
    within: Array
    squares: Array
    df: Array


def run_errors(repeats: Array, clusters: npt.NDArray[np.int64]) -> RunErrors:
    """Split the squared error of a mean over r runs into a part that runs share and a part of single queries.

    With the mean y_i of all queries in run i, the mean squares are ``sum of (y_i - y)^2 / (r - 1) / r``. Residuals are
    what remains of the value of a query in a run without the means of both. Their clustered variance (CR2) is the part
    within queries, and the rest, at least 0, is the part that runs share. Queries without a value in some run take no
    part.

    Args:
        repeats: (r, j, q, m) values of r runs, each judged j times; NaN where undefined.
        clusters: (q,) cluster of each query.

    Returns:
        Zeros for one run, which does not show how runs vary, and for columns that are the same in every run.

    Source: Searle, Casella and McCulloch 1992, chapter 4; Cameron, Gelbach and Miller 2011 for errors that are
    clustered in two ways.

    Examples:
        All queries of the second run are better by .1.

        >>> runs = np.array([[0.2, 0.4, 0.9, 0.5], [0.3, 0.5, 1.0, 0.6]])[:, None, :, None]
        >>> found = run_errors(runs, np.arange(4))
        >>> found.shared.round(5), found.within.round(5)
        (array([0.0025]), array([0.]))
    """
    runs, _, queries, columns = repeats.shape
    none = np.zeros(columns)
    if runs < 2 or queries < 2:
        return RunErrors(none, none, none, np.full(columns, float(max(runs - 1, 1))))
    with np.errstate(invalid="ignore"):
        values = repeats.mean(axis=1)
    complete = ~np.isnan(values).any(axis=0)
    n = complete.sum(axis=0)
    values = np.where(complete, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = values.sum(axis=1) / n
        squares = np.nan_to_num(means.var(axis=0, ddof=1)) / runs
        residuals = values - values.mean(axis=0) - (means - means.mean(axis=0))[:, None]
        residuals = np.where(complete, residuals, np.nan)
        by_query = np.moveaxis(residuals, 1, 0).reshape(queries, runs * columns)
        sums, counts = cluster_totals(by_query, clusters)
        shares = counts / counts.sum(axis=0)
        scaled = np.where(shares < 1, sums**2 / (1 - shares), 0.0).sum(axis=0).reshape(runs, columns)
        within = np.nan_to_num(scaled.sum(axis=0) / n**2 / (runs - 1) / runs)
    rounding = (CONSTANT * np.abs(values).max(axis=(0, 1))) ** 2
    squares[squares <= rounding] = 0.0
    within[within <= rounding] = 0.0
    return RunErrors(np.maximum(squares - within, 0.0), within, squares, np.full(columns, runs - 1.0))


def repeats_by_cluster(repeats: Array, clusters: npt.NDArray[np.int64]) -> Array:
    """(r, j, c, m) Means of the defined values of each cluster, in every run and judgement.

    Args:
        repeats: (r, j, q, m) values of r runs, each judged j times; NaN where undefined.
        clusters: (q,) cluster of each query.
    """
    runs, judgements, queries, columns = repeats.shape
    by_query = np.moveaxis(repeats, 2, 0).reshape(queries, -1)
    averages = cluster_averages(by_query, clusters).reshape(-1, runs, judgements, columns)
    return np.moveaxis(averages, 0, 2)


def both_errors(first: RunErrors, second: RunErrors) -> RunErrors:
    """Add the parts of two systems, for the error of their difference. The runs of the two are independent."""
    squares = first.squares + second.squares
    with np.errstate(invalid="ignore", divide="ignore"):
        df = squares**2 / (first.squares**2 / first.df + second.squares**2 / second.df)
    fewest = np.minimum(first.df, second.df)
    return RunErrors(
        first.shared + second.shared, first.within + second.within, squares, np.where(squares > 0, df, fewest)
    )


def added(first: RunErrors | None, second: RunErrors | None) -> RunErrors | None:
    """Add the parts of two systems, of which one or both may have run once."""
    if first is None or second is None:
        return second if first is None else first
    return both_errors(first, second)


def stacked(columns: Sequence[RunErrors | None]) -> RunErrors | None:
    """Put one-column errors beside each other, zeros where there are none; None if there are none at all."""
    if all(one is None for one in columns):
        return None
    none = RunErrors(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))
    parts = [none if one is None else one for one in columns]
    return RunErrors(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def with_runs(found: ClusteredMeans, runs: RunErrors) -> ClusteredMeans:
    """Add the part that runs share to clustered errors.

    The squared error is ``se^2 + shared``. With ``part = shared + min(1, 2 / df_runs) within``, its degrees of freedom
    are

    ``df = (se^2 + shared)^1.25 / ((se^2)^1.25 / df_clusters + part^1.25 / df_runs)``

    Satterthwaite's formula has the exponent 2 and no part within queries. It covers .90 with three runs of one system.
    The exponent 1, an average of reciprocals with all of ``within``, covers up to .987. This formula covers .93 to .98
    with three runs and .94 to .97 with five or more (`benchmarks/repeats.py`). A column whose runs share nothing keeps
    its error and degrees of freedom.

    Args:
        found: means over queries, each the mean over the runs.
        runs: the parts of the errors that come from run to run, as `run_errors` or `both_errors` give them.

    Source: Satterthwaite 1946; Cochran 1964 for the average of reciprocals. The exponent between the two is ours, and
    simulated.
    """
    shared = runs.shared > 0
    squared = found.errors**2
    df = degrees(squared, found.df, runs)
    return found._replace(
        errors=np.where(shared, np.sqrt(squared + runs.shared), found.errors),
        df=np.where(shared & ~np.isnan(found.errors), df, found.df),
    )


def degrees(squared: Array, df: Array, runs: RunErrors) -> Array:
    """(m,) Degrees of freedom of `with_runs`.

    Args:
        squared: (m,) squared clustered errors.
        df: (m,) their degrees of freedom.
        runs: the parts of the errors that come from run to run; within queries it is what is left of the squares.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        part = runs.shared + np.minimum(1.0, 2 / runs.df) * (runs.squares - runs.shared)
        shares = [np.where(one > 0, one**POWER / many, 0.0) for one, many in ((squared, df), (part, runs.df))]
        return np.asarray((squared + runs.shared) ** POWER / (shares[0] + shares[1]), dtype=np.float64)


def components(values: Array, clusters: npt.NDArray[np.int64]) -> Components:
    """Estimate the components of variance of one metric by analysis of variance, for documents of any sizes.

    A value is the sum of effects of its document, its query, its run, the query in this run, and the judgement. The
    mean squares are set equal to their expectations (method of moments), which gives unbiased estimates. One that is
    below 0 is set to 0, and ``negative`` names it.

    Args:
        values: (r, j, q) values of r runs, each judged j times. A query with an undefined value takes no part.
        clusters: (q,) cluster (document) of each query.

    Raises:
        InputError: fewer than two queries have a value in every run and judgement.

    Source: Searle, Casella and McCulloch 1992, chapter 3 for unequal sizes; Brennan 2001 for runs and judges as facets.

    Examples:
        Three runs of four queries, which two documents have.

        >>> runs = np.array([[0.2, 0.4, 0.9, 0.7], [0.3, 0.4, 0.8, 0.7], [0.1, 0.4, 1.0, 0.7]])
        >>> found = components(runs[:, None], np.array([0, 0, 1, 1]))
        >>> {name: round(share, 3) for name, share in found.shares.items()}
        {'document': 0.825, 'query': 0.127, 'run': 0.0, 'run_query': 0.048}
    """
    kept = ~np.isnan(values).any(axis=(0, 1))
    values, clusters = values[:, :, kept], np.unique(clusters[kept], return_inverse=True)[1]
    runs, judgements, n = values.shape
    if n < 2:
        raise InputError("fewer than two queries have a value in every run, so it is unknown how values vary")
    judge = float(values.var(axis=1, ddof=1).mean()) if judgements > 1 else None
    cells = values.mean(axis=1)
    run = run_query = None
    noise = (judge or 0.0) / judgements
    if runs > 1:
        residuals = cells - cells.mean(axis=0) - cells.mean(axis=1, keepdims=True) + cells.mean()
        noise = float((residuals**2).sum() / (runs - 1) / (n - 1))
        run_query = noise - (judge or 0.0) / judgements
        errors = run_errors(values[:, :, :, None], clusters)
        run = float(errors.squares[0] - errors.within[0]) * runs
    document, query = _between(cells.mean(axis=0), clusters)
    query -= noise / runs
    found = {"document": document, "query": query, "run": run, "run_query": run_query, "judge": judge}
    known = {name: value for name, value in found.items() if value is not None}
    rounding = CONSTANT * float((values**2).max())
    negative = tuple(name for name, value in known.items() if value < -rounding)
    clipped = {name: value if value > rounding else 0.0 for name, value in known.items()}
    return Components(
        clipped.get("document"), clipped["query"], clipped.get("run"), clipped.get("run_query"), clipped.get("judge"),
        negative, runs, judgements, n, int(clusters.max()) + 1,
    )  # fmt: skip


def components_of(scores: Scores, clusters: npt.NDArray[np.int64]) -> dict[str, Components]:
    """Components of variance of every metric of repeated runs; those with fewer than two complete queries are missing.

    Args:
        scores: scores with ``repeats``; without them there is nothing to split.
        clusters: (q,) cluster (document) of each query.
    """
    if scores.repeats is None:
        return {}
    enough = (~np.isnan(scores.repeats)).all(axis=(0, 1)).sum(axis=0) >= 2
    return {
        name: components(scores.repeats[..., column], clusters)
        for column, name in enumerate(scores.metrics)
        if enough[column]
    }


def _between(means: Array, clusters: npt.NDArray[np.int64]) -> tuple[float | None, float]:
    """Variance between documents, and between the queries of a document with what their means hold of other noise."""
    n, sizes = len(means), np.bincount(clusters).astype(np.float64)
    c = len(sizes)
    if c < 2 or c == n:
        return None, float(means.var(ddof=1))
    averages = np.bincount(clusters, weights=means) / sizes
    within = float(((means - averages[clusters]) ** 2).sum() / (n - c))
    between = float((sizes * (averages - means.mean()) ** 2).sum() / (c - 1))
    size = (n - float((sizes**2).sum()) / n) / (c - 1)
    return (between - within) / size, within


def best_repeats(
    between: float, within: float, shared: float, *, query_cost: float, run_cost: float = 1.0, budget: float = 0.0
) -> float:
    """Number of runs that makes a mean as certain as the money allows, not rounded.

    n queries that are run r times cost ``n (query_cost + r run_cost)``, and the squared error of their mean is
    ``(between + within / r) / n + shared / r``. For a budget this is least at

    ``r = sqrt((query_cost within + budget shared) / (run_cost between))``

    Args:
        between: variance between queries, above 0 (times the design effect, if queries come from one document).
        within: variance from run to run within a query.
        shared: variance between runs that all queries share.
        query_cost: cost of one more query with its labels.
        run_cost: cost of running one query once.
        budget: money to spend; it matters only if runs share an effect, which no number of queries averages out.

    Returns:
        At least 1; infinite if queries do not differ and runs do.

    Source: Cochran 1977, Sampling Techniques, section 10.6 (two-stage sampling).

    Examples:
        A label costs 25 calls, and a query varies as much from run to run as queries differ.

        >>> best_repeats(0.04, 0.04, 0.0, query_cost=25)
        5.0
    """
    gain = query_cost * within + budget * shared
    if gain <= 0:
        return 1.0
    return max(1.0, float(np.sqrt(gain / (run_cost * between)))) if between > 0 else float("inf")


def changed_queries(repeats: Sequence[Sequence[object]]) -> list[int]:
    """Positions of the queries whose result is not the same in every run.

    Args:
        repeats: one sequence per run, with the result of each query.
    """
    first, *others = repeats
    return [at for at, result in enumerate(first) if any(other[at] != result for other in others)]
