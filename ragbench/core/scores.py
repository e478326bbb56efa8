"""Scores: what each query got on each metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.ledger import Ledger
from ragbench.core.shown import Shown

Direction = Literal["higher", "lower", "none"]
"""Which values of a metric are better. ``none`` is for a metric that describes and does not rate."""


@dataclass(frozen=True, eq=False)
class Scores(Shown):
    """A matrix of queries by metrics.

    Attributes:
        query_ids: length q.
        metrics: metric names as printed (``"ndcg@10"``), length m.
        values: float64 (q, m); NaN where the metric is undefined for the query.
        ledger: the reason of every row that is NaN.
        directions: by metric, for those whose higher values are not better.

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

    def direction(self, metric: str) -> Direction:
        """Which values of the metric are better."""
        return self.directions.get(metric, "higher")

    def column(self, metric: str) -> npt.NDArray[np.float64]:
        """(q,) the values of one metric."""
        values: npt.NDArray[np.float64] = self.values[:, self.metrics.index(metric)]
        return values

    def means(self) -> dict[str, float]:
        """Mean over the queries where each metric is defined."""
        scored = ~np.isnan(self.values)
        totals = np.where(scored, self.values, 0.0).sum(axis=0)
        counts = scored.sum(axis=0)
        return {
            name: float(total / count) if count else float("nan")
            for name, total, count in zip(self.metrics, totals, counts, strict=True)
        }


NO_SCORES = Scores((), (), np.zeros((0, 0)))
"""The scores of a system that did not run."""


def headline(metrics: Sequence[str]) -> str:
    """The metric that an evaluation is read by: nDCG@10, else the first nDCG, else the first metric."""
    for wanted in ("ndcg@10", "ndcg"):
        for name in metrics:
            if name == wanted or (wanted == "ndcg" and name.startswith("ndcg")):
                return name
    return metrics[0]
