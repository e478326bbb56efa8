"""The Bayesian reading of comparisons: what to believe about each difference under a stated prior."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragbench.comparison.pairing import Pair
from ragbench.comparison.runs import errors_of_pair
from ragbench.comparison.verdict import log_margins
from ragbench.comparison.wordings import wording_errors, wordings_of
from ragbench.core.errors import SettingError
from ragbench.core.options import named
from ragbench.core.verdicts import Posterior
from ragbench.stats.clusters import cluster_averages, cluster_index, effective_clusters
from ragbench.stats.posterior import posterior_difference
from ragbench.stats.repeats import added

Prior = Literal["normal", "cauchy"]
SCALE = 0.05
"""Default standard deviation of a true difference in a metric from 0 to 1: half of the differences are below .034.
Among the four default retrievers on five public collections (docs/concepts/benchmarks.md), half of the differences in
nDCG@10 are below .038. Among BM25, a dense retriever (TAS-B) and a cross-encoder on the 18 collections of BEIR (Thakur
et al. 2021, table 2), half are below .051. Changes of a setting are smaller."""
ROPE = 0.01
"""Default half width of the region of practical equivalence, for a metric from 0 to 1."""


@dataclass(frozen=True)
class PosteriorSettings:
    """Settings of the Bayesian reading.

    Attributes:
        prior: shape of the prior of a true difference.
        scale: its scale; None for `SCALE`, which fits metrics from 0 to 1.
        rope: half width of the region of practical equivalence; None for `ROPE`, which fits metrics from 0 to 1.
        confidence: probability of the credible interval.
        average: unit of the means, ``queries`` or ``documents``.
    """

    prior: str = "normal"
    scale: float | None = None
    rope: float | None = None
    confidence: float = 0.95
    average: str = "queries"


def posteriors(asked: Sequence[tuple[Pair, str]], settings: PosteriorSettings) -> tuple[Posterior, ...]:
    """Compute the posterior of each difference. On queries in several wordings, it is that of the mean over all
    wordings of their kind (`ragbench.comparison.wordings.wording_errors`).

    Pairs without one are skipped: the same run, differences that do not vary, values from one document, and metrics of
    which neither higher nor lower values are better.

    Args:
        asked: pairs of systems, and printed names of metrics.
        settings: prior, region of practical equivalence, confidence and unit of the means.

    Raises:
        InputError: a metric is missing, or infinite for a query.
        SettingError: values lie outside of 0 to 1, and scale or region is not given.
    """
    found = [_posterior(pair, metric, settings) for pair, metric in asked]
    return tuple(one for one in found if one is not None)


def _posterior(pair: Pair, metric: str, settings: PosteriorSettings) -> Posterior | None:
    before, after = pair.values(metric)
    scores = pair.baseline.scores
    rows = np.flatnonzero(~np.isnan(before) & ~np.isnan(after))
    if scores.direction(metric) == "none" or not len(rows):
        return None
    geometric = scores.geometric(metric)
    values = np.column_stack((before[rows], after[rows]))
    if not geometric and (values.min() < 0 or values.max() > 1):
        _need_scales(metric, settings)
    clusters = cluster_index([pair.queries.units[row] for row in rows.tolist()])
    by_document = settings.average == "documents"
    runs = errors_of_pair(pair, metric, rows, clusters, by_document=by_document)
    wordings = None if by_document else wordings_of(pair.queries, rows)
    by_wording = None if wordings is None else wording_errors(values[:, 1] - values[:, 0], clusters, wordings)
    runs = added(runs, by_wording)
    if by_document:
        values = cluster_averages(values, clusters)
        clusters = np.arange(len(values))
    scale = SCALE if settings.scale is None else settings.scale
    rope = ROPE if settings.rope is None else settings.rope
    # Values of a geometric mean are logarithms: scale, region and ends are turned into differences of means and back.
    level = float(np.exp(values[:, 0].mean())) if geometric else None
    above, below = (rope, rope) if level is None else log_margins(rope, level)
    own = posterior_difference(
        values[:, 1] - values[:, 0], clusters,
        scale=scale if level is None else float(np.log1p(scale / level)),
        rope=above,
        below=below,
        shape="cauchy" if settings.prior == "cauchy" else "normal",
        confidence=settings.confidence,
        runs=runs,
    )  # fmt: skip
    if own is None:
        return None
    median, low, high = (
        end if level is None else float(level * np.expm1(end)) for end in (own.median, own.low, own.high)
    )
    better, worse = (own.below, own.above) if scores.direction(metric) == "lower" else (own.above, own.below)
    return Posterior(
        pair.baseline.name, pair.candidate.name, metric, better, own.within, worse, median, low, high,
        settings.confidence, settings.prior, scale, rope, effective_clusters(clusters),
        by_wording is not None,
    )  # fmt: skip


def _need_scales(metric: str, settings: PosteriorSettings) -> None:
    missing = [
        named(name) for name in ("prior_scale", "rope") if getattr(settings, name.removeprefix("prior_")) is None
    ]
    if missing:
        raise SettingError(
            f"{metric} has values outside of 0 to 1, which the defaults do not fit; also give {' and '.join(missing)}"
        )
