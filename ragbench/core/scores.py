"""Scores: a value per query and metric."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.ledger import Ledger
from ragbench.core.shown import Shown

Direction = Literal["higher", "lower", "none"]
"""Whether higher or lower values of a metric are better. ``none`` is for a metric that only describes."""

Average = Literal["mean", "geometric", "sum"]
"""How the values of all queries become one number. ``geometric``: the values are logarithms, and their mean is shown as
its exponential. ``sum``: trec_eval prints the sum; everywhere else it is the mean per query."""


@dataclass(frozen=True, eq=False)
class Scores(Shown):
    """A matrix of queries by metrics.

    Attributes:
        query_ids: ids of the queries, length q.
        metrics: printed names of the metrics (``"ndcg@10"``), length m.
        values: float64 (q, m); NaN where the metric is undefined for the query.
        ledger: issue log with the reason of every NaN.
        directions: direction by metric, for metrics whose higher values are not better.
        averages: kind of average by metric, for metrics whose values are not simply averaged.

    Examples:
        >>> run = rb.Run.from_dict({"q1": {"a": 0.9}, "q2": {"a": 0.8, "b": 0.7}})
        >>> labels = rb.Judgements.from_dict({"q1": {"a": 1}, "q2": {"b": 1}})
        >>> scores = rb.score(run, labels, ["mrr@10", "hit@1"])
        >>> scores.means()
        {'mrr@10': 0.75, 'hit@1': 0.5}
        >>> scores.column("mrr@10").tolist()
        [1.0, 0.5]
    """

    query_ids: Sequence[str]
    metrics: tuple[str, ...]
    values: npt.NDArray[np.float64]
    ledger: Ledger = field(default_factory=Ledger)
    directions: Mapping[str, Direction] = field(default_factory=dict)
    averages: Mapping[str, Average] = field(default_factory=dict)

    def direction(self, metric: str) -> Direction:
        """Return whether higher or lower values of the metric are better."""
        return self.directions.get(metric, "higher")

    def geometric(self, metric: str) -> bool:
        """Return whether the values are logarithms, whose mean is shown as its exponential."""
        return self.averages.get(metric) == "geometric"

    def column(self, metric: str) -> npt.NDArray[np.float64]:
        """(q,) Values of one metric."""
        values: npt.NDArray[np.float64] = self.values[:, self.metrics.index(metric)]
        return values

    def means(self) -> dict[str, float]:
        """Return the mean of each metric over the queries where it is defined, geometric for `geometric` ones."""
        scored = ~np.isnan(self.values)
        totals = np.where(scored, self.values, 0.0).sum(axis=0)
        counts = scored.sum(axis=0)
        means = {
            name: float(total / count) if count else float("nan")
            for name, total, count in zip(self.metrics, totals, counts, strict=True)
        }
        return {name: math.exp(mean) if self.geometric(name) else mean for name, mean in means.items()}


NO_SCORES = Scores((), (), np.zeros((0, 0)))
"""The scores of a system that did not run."""


def headline(metrics: Sequence[str]) -> str:
    """Return the headline metric of an evaluation: nDCG@10, else a variant of it, else the first nDCG or metric."""
    variants = [name for name in metrics if name.startswith("ndcg")]
    at_ten = [name for name in variants if name.endswith("@10")]
    return "ndcg@10" if "ndcg@10" in at_ten else [*at_ten, *variants, *metrics][0]
