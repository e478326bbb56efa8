"""Means with intervals of a scored run, as its evaluation printed them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ragbench.core.scored import ScoredRun
from ragbench.core.scores import Direction, Scores
from ragbench.core.seeds import generator
from ragbench.harness.differences import estimates
from ragbench.harness.results import Estimate
from ragbench.stats.clusters import cluster_index

RESAMPLES = 10_000


def run_estimates(run: ScoredRun, scores: Scores) -> dict[str, Estimate]:
    """Every metric of the scores, resampled by unit, with the seed of the evaluation.

    Args:
        run: whose queries and settings count.
        scores: over its queries, in their order.
    """
    seed, resamples = _setting(run, "seed", 0), _setting(run, "resamples", RESAMPLES)
    return estimates(scores, cluster_index(run.queries.units), generator(seed, "bootstrap"), resamples)


def metric_estimate(run: ScoredRun, metric: str, rows: npt.NDArray[np.int64] | None = None) -> Estimate:
    """One metric of a run.

    Args:
        run: the run.
        metric: one of its metrics.
        rows: these queries only; all by default.
    """
    column = run.scores.column(metric)[:, None]
    if rows is None:
        return run_estimates(run, replace(run.scores, metrics=(metric,), values=column))[metric]
    queries = run.queries.select(rows)
    part = replace(run, queries=queries, run=None)
    return run_estimates(part, replace(run.scores, query_ids=queries.ids, metrics=(metric,), values=column[rows]))[
        metric
    ]


def direction_of(runs: Sequence[ScoredRun], metric: str) -> Direction:
    """Which values of the metric are better, as the first run that has it says."""
    return next((run.scores.direction(metric) for run in runs if metric in run.scores.metrics), "higher")


def _setting(run: ScoredRun, name: str, otherwise: int) -> int:
    settings = run.manifest.get("settings")
    value = settings.get(name) if isinstance(settings, Mapping) else None
    return value if isinstance(value, int) else otherwise
