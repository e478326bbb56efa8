"""What answers took: time and money, with intervals."""

import numpy as np
import numpy.typing as npt

from ragbench.core.answers import AnswerSet
from ragbench.core.scored import COST, MEDIAN, known_intervals
from ragbench.harness.load.percentiles import percentile
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import mean_interval

Intervals = dict[str, tuple[float, float]]


def measured(
    answers: AnswerSet, clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> tuple[dict[str, float], float | None, Intervals]:
    """Percentiles of the timed answers, and the mean cost of those whose cost is known.

    Args:
        answers: of every query.
        clusters: (n,) of each query, what is resampled.
        rng: of the interval of the cost.
        resamples: of the same.

    Returns:
        ``p50``, ``p95`` and ``p99`` in milliseconds (empty where none was timed), the cost (None where none is
        known), and the intervals of the median and of the cost, where there are enough values for one.
    """
    seconds = np.sort([item.seconds for item in answers if item.seconds is not None])
    latency = {f"p{p}": float(np.percentile(seconds, p)) * 1000 for p in (50, 95, 99)} if len(seconds) else {}
    median = percentile(seconds * 1000, 0.5)
    ends = known_intervals({MEDIAN: (median.low, median.high)} if median is not None else {})
    costs = np.array([np.nan if item.cost is None else item.cost for item in answers], dtype=np.float64)
    known = ~np.isnan(costs)
    if not known.any():
        return latency, None, ends
    own = cluster_index([str(cluster) for cluster in clusters[known].tolist()])
    if own.max() > 0:
        low, high, _ = mean_interval(costs[known][:, None], own, rng, resamples=resamples)
        ends[COST] = (max(0.0, float(low[0])), float(high[0]))
    return latency, float(costs[known].mean()), ends
