"""Estimates of one arm, and paired differences between arms."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.scores import Scores
from ragbench.core.seeds import generator
from ragbench.harness.results import Arm, Comparison, Estimate, estimate
from ragbench.stats.bootstrap import bootstrap_means
from ragbench.stats.signflip import sign_flip_test

TIE = 1e-12
"""Per-query values closer than this are equal: the same sum in another order."""


def estimates(
    scores: Scores, clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> dict[str, Estimate]:
    """Mean and interval of every metric."""
    low, high = bootstrap_means(scores.values, clusters, rng, resamples=resamples)
    means = scores.means()
    defined = (~np.isnan(scores.values)).sum(axis=0)
    return {name: estimate(means[name], low[i], high[i], int(defined[i])) for i, name in enumerate(scores.metrics)}


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
    if baseline.scores is None or candidate.scores is None:
        return []
    difference = candidate.scores.values - baseline.scores.values
    difference[np.abs(difference) < TIE] = 0.0
    low, high = bootstrap_means(difference, clusters, generator(seed, "bootstrap"), resamples=resamples)
    p = sign_flip_test(difference, clusters, generator(seed, "sign-flip"), resamples=resamples)
    found = []
    for i, metric in enumerate(baseline.scores.metrics):
        column = difference[:, i][~np.isnan(difference[:, i])]
        mean = float(column.mean()) if len(column) else float("nan")
        found.append(
            Comparison(
                baseline=baseline.name,
                candidate=candidate.name,
                metric=metric,
                difference=estimate(mean, low[i], high[i], len(column)),
                p=float(p[i]),
                wins=int((column > 0).sum()),
                ties=int((column == 0).sum()),
                losses=int((column < 0).sum()),
            )
        )
    return found
