"""Paired differences between the arms of one evaluation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.comparison.tests import paired_test
from ragbench.core.context import generator
from ragbench.core.evaluations import Arm, Comparison, Estimate, estimate
from ragbench.stats.clusters import cluster_index
from ragbench.stats.effects import effect
from ragbench.stats.intervals import mean_interval
from ragbench.stats.ranks import TIE


def compare_all(
    arms: Sequence[Arm], clusters: npt.NDArray[np.int64], seed: int, resamples: int
) -> tuple[Comparison, ...]:
    """Each later arm against the first, metric by metric, over the same queries."""
    if len(arms) < 2:
        return ()
    first = arms[0]
    return tuple(comparison for arm in arms[1:] for comparison in _compare(first, arm, clusters, seed, resamples))


def _compare(
    baseline: Arm, candidate: Arm, clusters: npt.NDArray[np.int64], seed: int, resamples: int
) -> list[Comparison]:
    """The figures of `ragbench.comparison.verdict.verdict`, with one bootstrap for all metrics at once."""
    if baseline.scores is None or candidate.scores is None:
        return []
    before, after = baseline.scores.values, candidate.scores.values
    defined = ~np.isnan(after - before)
    found: dict[int, Comparison] = {}
    for shared in np.unique(defined, axis=1).T:
        columns = np.flatnonzero((defined == shared[:, None]).all(axis=0))
        own = cluster_index([str(cluster) for cluster in clusters[shared].tolist()])
        names = [(baseline.name, candidate.name, baseline.scores.metrics[column]) for column in columns.tolist()]
        if not len(own):
            nothing = Estimate(None, None, None, 0)
            found |= {
                at: Comparison(*name, nothing, 1.0, 0, 0, 0) for at, name in zip(columns.tolist(), names, strict=True)
            }
            continue
        one, two = before[np.ix_(shared, columns)], after[np.ix_(shared, columns)]
        two = np.where(np.abs(two - one) < TIE, one, two)
        low, high, _ = mean_interval(two - one, own, generator(seed, "bootstrap"), resamples=resamples)
        for i, column in enumerate(columns.tolist()):
            size = effect(one[:, i], two[:, i], baseline.scores.direction(names[i][2]))
            tested = paired_test("auto", one[:, i], two[:, i], own, generator(seed, "sign-flip"), resamples)
            interval = estimate(size.mean, low[i], high[i], len(own))
            found[column] = Comparison(*names[i], interval, tested.p, size.wins, size.ties, size.losses)
    return [found[column] for column in sorted(found)]
