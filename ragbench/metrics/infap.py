"""Inferred average precision."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked

EPSILON = 1e-5
"""The smoothing of trec_eval, so that a share of no judged items is one half."""


@dataclass(frozen=True)
class InferredAP(Metric):
    """Inferred AP: average precision estimated from a pool of which only a random sample was judged.

    A **negative label** marks an item that is in the pool and was not judged; an item without any label was outside of
    the pool and counts as not relevant. The precision at a relevant item of rank k is 1/k + (share of the items above
    that are in the pool) * (k - 1)/k * (share of relevant items among the judged ones above). The sum is divided by R,
    the judged relevant items. Without negative labels infAP is MAP, up to the smoothing of 1e-5.
    It lies between 0 and 1, up to that smoothing.
    Source: Yilmaz and Aslam, "Estimating average precision with incomplete and imperfect judgments", CIKM 2006, in the
    form of trec_eval 9.
    """

    name: ClassVar[str] = "infap"
    aliases: ClassVar[tuple[str, ...]] = ("inferred_ap",)

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Sum of the estimated precisions of the relevant items, divided by R."""
        relevant = ranked.relevant(self.level)
        rows = np.flatnonzero(ranked.label >= self.level)
        first = np.concatenate(([0], np.cumsum(np.bincount(ranked.query, minlength=len(ranked)))))
        pooled = rows - first.take(relevant.query)
        judged = ranked.relevant(0).nth[ranked.label[ranked.label >= 0] >= self.level] - 1
        share = (relevant.nth - 1 + EPSILON) / (judged + 2 * EPSILON)
        precision = (1 + pooled * share) / relevant.rank
        value: Floats = ranked.sum(relevant.query, precision) / np.maximum(relevant.total, 1)
        return value
