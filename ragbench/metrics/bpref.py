"""Binary preference."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class Bpref(Metric):
    """Binary preference: how rarely judged non-relevant items rank above relevant ones. Unjudged items are ignored.

    bpref = 1/R * sum over the retrieved relevant items of
    1 - min(n, R) / min(R, N), where n is the number of judged non-relevant items above the item and N the number of all
    of them for the query. The term is 1 if n is 0.
    A negative label counts as no judgement, as in trec_eval.
    Source: Buckley and Voorhees, "Retrieval evaluation with incomplete
    information", SIGIR 2004, in the form of trec_eval 9.
    """

    name: ClassVar[str] = "bpref"

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Sum of the terms of the retrieved relevant items, divided by R."""
        relevant = ranked.relevant(self.level)
        nonrelevant = ranked.total(0) - relevant.total
        least = np.minimum(relevant.total, nonrelevant).take(relevant.query)
        judged = ranked.relevant(0)
        # Relevant items are judged too, so the other judged items above are not relevant.
        above = judged.nth[ranked.label[ranked.label >= 0] >= self.level] - relevant.nth
        worst = np.minimum(above, relevant.total.take(relevant.query))
        term = np.where(above > 0, 1 - worst / np.maximum(least, 1), 1.0)
        value: Floats = ranked.sum(relevant.query, term) / np.maximum(relevant.total, 1)
        return value
