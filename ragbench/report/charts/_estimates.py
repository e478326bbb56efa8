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


def run_estimates(
    run: ScoredRun, scores: Scores | None = None, rows: npt.NDArray[np.int64] | None = None
) -> dict[str, Estimate]:
    """Every metric, resampled by unit, with the seed of the evaluation.

    Args:
        run: whose queries and settings count.
        scores: in the place of the run's own, over the same queries.
        rows: these queries only; all by default.
    """
    scores = scores or run.scores
    units = run.queries.units
    if rows is not None:
        ids = [scores.query_ids[i] for i in rows.tolist()]
        scores = replace(scores, query_ids=ids, values=scores.values[rows])
        units = [units[i] for i in rows.tolist()]
    seed, resamples = _setting(run, "seed", 0), _setting(run, "resamples", RESAMPLES)
    return estimates(scores, cluster_index(units), generator(seed, "bootstrap"), resamples)


def direction_of(runs: Sequence[ScoredRun], metric: str) -> Direction:
    """Which values of the metric are better, as the first run that has it says."""
    return next((run.scores.direction(metric) for run in runs if metric in run.scores.metrics), "higher")


def _setting(run: ScoredRun, name: str, otherwise: int) -> int:
    settings = run.manifest.get("settings")
    value = settings.get(name) if isinstance(settings, Mapping) else None
    return value if isinstance(value, int) else otherwise
