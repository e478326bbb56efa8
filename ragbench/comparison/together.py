"""Several comparisons together: corrected p-values and simultaneous intervals."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ragbench.comparison.pairing import Pair
from ragbench.comparison.runs import runs_together
from ragbench.comparison.verdict import VerdictSettings, corrected, decide, is_test, of_logarithm
from ragbench.core.context import generator
from ragbench.core.verdicts import Verdict
from ragbench.stats.clusters import cluster_averages, cluster_index, clustered_covariance, clustered_means
from ragbench.stats.joint_t import joint_t
from ragbench.stats.max_t import max_t
from ragbench.stats.paired_tests import TIE
from ragbench.stats.repeats import with_runs

UNBOUNDED = "no simultaneous interval: there are too few documents, or a few of them have nearly all queries"


def whole_runs_vary(verdicts: Sequence[Verdict]) -> bool:
    """Whether all queries of a run vary together in one of the comparisons."""
    return any(one.runs is not None and one.runs.shared > 0 for one in verdicts if is_test(one))


def together(
    asked: Sequence[tuple[Pair, str]], found: Sequence[Verdict], settings: VerdictSettings, correction: str
) -> tuple[Verdict, ...]:
    """Correct the p-values of verdicts that are reported together, add simultaneous intervals, and decide again.

    With ``max-t``, p is the larger one of the verdict's own p and that of `ragbench.stats.max_t.max_t`, or of
    `ragbench.stats.joint_t.joint_t` where whole runs of a system vary, which sign flips do not see. p-values of
    equivalence are then corrected by Holm. Where labels of annotators decided too, there are no simultaneous intervals,
    and ``max-t`` is Holm.

    Args:
        asked: the pair and metric of each verdict, all on the same queries.
        found: their verdicts.
        settings: seed, resamples, confidence and average are used.
        correction: ``holm``, ``bh``, ``max-t`` or ``none``.

    Raises:
        SettingError: the correction is unknown.
    """
    done = list(corrected(found, "holm" if correction == "max-t" else correction))
    tested = [i for i, verdict in enumerate(found) if is_test(verdict)]
    if len(tested) < 2 or any(found[i].human is not None for i in tested):
        return tuple(done)
    columns = []
    for i in tested:
        before, after = asked[i][0].values(asked[i][1])
        difference = after - before
        columns.append(np.where(np.abs(difference) < TIE, 0.0, difference))
    queries = cluster_index(asked[0][0].baseline.queries.units)
    differences, units = np.column_stack(columns), queries
    by_document = settings.average == "documents"
    if by_document:
        differences = cluster_averages(differences, units)
        units = np.arange(len(differences))
    rng = generator(settings.seed, "max-t")
    if whole_runs_vary(found):
        runs, shared = runs_together([asked[i] for i in tested], queries, by_document=by_document)
        assert runs is not None
        all_of_them = joint_t(
            with_runs(clustered_means(differences, units), runs),
            clustered_covariance(differences, units)[1] + shared,
            rng, resamples=settings.resamples, confidence=settings.confidence,
        )  # fmt: skip
    else:
        all_of_them = max_t(differences, units, rng, resamples=settings.resamples, confidence=settings.confidence)
    for i, p, low, high in zip(
        tested, all_of_them.p.tolist(), all_of_them.low.tolist(), all_of_them.high.tolist(), strict=True
    ):
        one = done[i]
        if correction == "max-t":
            one = replace(one, p_adjusted=max(p, one.p))
        if np.isfinite(low):
            if one.baseline_mean is not None and asked[i][0].baseline.scores.geometric(one.metric):
                low, high = of_logarithm(one.baseline_mean, low), of_logarithm(one.baseline_mean, high)
            one = replace(one, simultaneous_low=low, simultaneous_high=high)
        elif one.low is not None and one.low < (one.high or 0.0):
            one = replace(one, notes=(*one.notes, UNBOUNDED))
        done[i] = replace(one, decision=decide(one))
    return tuple(done)
