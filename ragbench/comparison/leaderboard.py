"""The leaderboard of several systems: tests of all pairs give intervals of ranks and groups."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import column
from ragbench.comparison.runs import errors_of
from ragbench.comparison.verdict import VerdictSettings
from ragbench.comparison.wordings import p_of_pairs, wordings_of
from ragbench.core.context import generator
from ragbench.core.scored import ScoredRun
from ragbench.core.verdicts import Gain, Leaderboard, Place, Verdict
from ragbench.stats.clusters import cluster_averages, cluster_index
from ragbench.stats.joint_t import all_pairs_joint, shared_variances
from ragbench.stats.max_t import all_pairs
from ragbench.stats.multiple import holm
from ragbench.stats.paired_tests import TIE
from ragbench.stats.prediction import groups_of
from ragbench.stats.ranks import best_shares, letters, rank_intervals
from ragbench.stats.repeats import RunErrors
from ragbench.stats.winner import winners_gain

FEWEST = 3
"""With two systems, their verdict says everything."""
RESAMPLES = 1_000
"""Bootstrap samples for the shares of the best, whose standard error is then at most .016."""


def leaderboard(
    runs: Sequence[ScoredRun],
    metric: str,
    settings: VerdictSettings,
    *,
    verdicts: Sequence[Verdict] = (),
    correction: str = "max-t",
) -> Leaderboard | None:
    """Rank systems in one metric, with the uncertainty of the ranks.

    Args:
        runs: systems that ran, on the same queries in the same order; the first is the baseline.
        metric: printed name of the metric.
        settings: seed, resamples, confidence and average are used.
        verdicts: verdicts of the metric on every pair, with p-values that are corrected by ``correction``. Ranks and
            letters then agree with these p-values. Without verdicts, all pairs are tested by
            `ragbench.stats.max_t.all_pairs`, or by `ragbench.stats.joint_t.all_pairs_joint` if whole runs of a system
            vary.
        correction: ``max-t`` or ``holm``.

    On queries in several wordings, two systems differ only if they also do so by
    `ragbench.comparison.wordings.p_of_pairs`, corrected by Holm. There is no gain of the best then, because its
    correction does not include the variance between wordings.

    Returns:
        None for fewer than three systems, a metric of which neither higher nor lower values are better, and fewer than
        two queries with a value of every system.

    Raises:
        InputError: the metric is missing, or infinite for a query.
    """
    scores = runs[0].scores
    if len(runs) < FEWEST or scores.direction(metric) == "none":
        return None
    values = np.column_stack([column(run, metric) for run in runs])
    common = np.flatnonzero(~np.isnan(values).any(axis=1))
    if len(common) < 2:
        return None
    values, clusters = values[common], cluster_index([runs[0].queries.units[row] for row in common.tolist()])
    by_document = settings.average == "documents"
    varying = [errors_of(run, metric, common, clusters, by_document=by_document) for run in runs]
    shared = shared_variances(varying)
    wordings = wordings_of(runs[0].queries, common)
    if by_document:
        values = cluster_averages(values, clusters)
        wordings = None if len(values) < len(common) else wordings
        clusters = np.arange(len(values))
    sign = -1.0 if scores.direction(metric) == "lower" else 1.0
    merit = sign * values.mean(axis=0)
    alpha = 1 - settings.confidence
    rng = generator(settings.seed, "max-t")
    if shared.any():
        tested = all_pairs_joint(values, clusters, varying, rng, resamples=settings.resamples)
    else:
        tested = all_pairs(values, clusters, rng, resamples=settings.resamples)
    together = tested.p
    at = {run.name: i for i, run in enumerate(runs)}
    for one in verdicts:
        i, j = at[one.baseline], at[one.candidate]
        together[i, j] = together[j, i] = one.p_adjusted
    # Given verdicts may come from another test; what they decide for all systems holds for one system, too.
    alone = np.minimum(tested.p_of_each, together)
    if wordings is not None:
        together, alone = pairs_over_wordings(together, alone, values, wordings)
    low, high = rank_intervals(merit, together, alpha=alpha)
    low_alone, high_alone = rank_intervals(merit, alone, alpha=alpha)
    groups = [] if wordings is None else [rows for _, rows in groups_of(wordings)]
    shares = best_shares(
        sign * values, clusters, generator(settings.seed, "best"), resamples=min(RESAMPLES, settings.resamples),
        shared=shared if shared.any() else None, groups=groups,
    )  # fmt: skip
    names = letters(merit, together < alpha)
    means = np.exp(values.mean(axis=0)) if scores.geometric(metric) else values.mean(axis=0)
    ranks = 1 + (merit[None, :] > merit[:, None] + TIE).sum(axis=1)
    places = [
        Place(
            runs[i].name, float(means[i]), int(ranks[i]), int(low[i]), int(high[i]),
            int(low_alone[i]), int(high_alone[i]), float(shares[i]), names[i],
        )
        for i in np.argsort(-merit, kind="stable").tolist()
    ]  # fmt: skip
    gain = None if groups else _gain(runs, metric, sign * values, clusters, varying, settings.confidence)
    return Leaderboard(
        metric, tuple(places), len(values), int(clusters.max()) + 1, settings.confidence, correction, gain, len(groups)
    )


def pairs_over_wordings(
    together: npt.NDArray[np.float64],
    alone: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    wordings: npt.NDArray[np.str_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Raise p-values of pairs to those over wordings (`ragbench.comparison.wordings.p_of_pairs`), corrected by Holm.

    A pair then differs only if it does so by both tests, each of which controls its errors.

    Args:
        together: (k, k) p-values, corrected for all pairs.
        alone: (k, k) p-values, of which row i is corrected for the pairs of system i.
        values: (n, k) values of k systems, without NaN.
        wordings: (n,) wording of each query.

    Returns:
        Both matrices; as they were with fewer than three wordings.
    """
    p = p_of_pairs(values, wordings)
    if p is None:
        return together, alone
    of_all, of_each = np.ones_like(p), np.ones_like(p)
    pairs = np.triu_indices(len(p), 1)
    of_all[pairs] = of_all.T[pairs] = holm(p[pairs])
    for row in range(len(p)):
        others = np.arange(len(p)) != row
        of_each[row, others] = holm(p[row, others])
    return np.maximum(together, of_all), np.maximum(alone, of_each)


def _gain(
    runs: Sequence[ScoredRun],
    metric: str,
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    varying: Sequence[RunErrors | None],
    confidence: float,
) -> Gain | None:
    """Correct the gain of the best system over the first, in the unit of the shown means."""
    found = winners_gain(values, clusters, confidence=confidence, runs=varying)
    if found is None:
        return None
    figures = np.array([found.measured, found.corrected, found.low, found.high])
    if runs[0].scores.geometric(metric):
        figures = np.exp(values[:, 0].mean()) * np.expm1(figures)
    return Gain(runs[found.winner].name, runs[0].name, *figures.tolist())
