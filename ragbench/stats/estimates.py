"""Estimates of every metric of one system: means and intervals."""

import numpy as np
import numpy.typing as npt

from ragbench.core.evaluations import Estimate, estimate
from ragbench.core.scores import Scores
from ragbench.stats.intervals import mean_interval


def estimates(
    scores: Scores, clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> dict[str, Estimate]:
    """Estimate mean and interval of every metric."""
    low, high, _ = mean_interval(scores.values, clusters, rng, resamples=resamples, levels=True)
    means = scores.means()
    defined = (~np.isnan(scores.values)).sum(axis=0)
    return {name: estimate(means[name], low[i], high[i], int(defined[i])) for i, name in enumerate(scores.metrics)}
