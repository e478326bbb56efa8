"""How long answers took, and what they cost."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ragbench.core.answers import AnswerSet
from ragbench.core.scored import COST, MEDIAN, known_intervals
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import mean_interval, percentile

Intervals = dict[str, tuple[float, float]]


def measured(
    answers: AnswerSet, clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> tuple[dict[str, float], float | None, Intervals]:
    """Compute percentiles of the answer times, and the mean of the known costs.

    Args:
        answers: the answers to all queries.
        clusters: (n,) the resampling unit of each query.
        rng: generator for the interval of the cost.
        resamples: number of resamples for it.

    Returns:
        ``p50``, ``p95`` and ``p99`` in milliseconds (empty if none was timed), the cost (None if none is known),
        and the intervals of the median and of the cost, if there are enough values.
    """
    seconds = np.sort([item.seconds for item in answers if item.seconds is not None])
    latency = percentiles_ms(seconds)
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


def percentiles_ms(seconds: npt.NDArray[np.float64]) -> dict[str, float]:
    """Return ``p50``, ``p95`` and ``p99`` in milliseconds; empty without values."""
    return {f"p{p}": float(np.percentile(seconds, p)) * 1000 for p in (50, 95, 99)} if len(seconds) else {}


def parts_ms(answers: AnswerSet, total: Mapping[str, float]) -> dict[str, Mapping[str, float]]:
    """Compute percentiles of the parts of the time that were measured."""
    retrieval, first = (
        percentiles_ms(np.array([value for value in values if value is not None]))
        for values in zip(*((item.retrieval_seconds, item.first_token_seconds) for item in answers), strict=True)
    )
    return {"total": total, "ttft": first, "retrieval": retrieval}
