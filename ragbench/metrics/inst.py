"""INST."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.metrics.base import Metric
from ragbench.metrics.gains import Gain, shares
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.running import before, running_product, running_sum


@dataclass(frozen=True)
class INST(Metric):
    """INST: expected gain per inspected item of a user who wants ``t`` relevant items and adapts to what was found.

    After rank i the user goes on with probability ((i + t + t_i - 1) / (i + t + t_i))^2, where t_i is t minus the gain
    so far. The weight of a rank is proportional to the probability that it is inspected; the ranks below the end of the
    list count without gain, to infinity. A gain is the label divided by ``max_label`` (the highest label of the
    judgements unless you give it), or the gain of a label divided by the highest. INST lies between 0 and 1, and is 0
    if nothing relevant was retrieved. cwl_eval stops at rank 1000, which makes its values slightly larger.
    Source: Moffat, Bailey, Scholer and Thomas, "INST: an adaptive metric for information retrieval evaluation",
    ADCS 2015; "Incorporating user expectations and behavior into the measurement of search effectiveness", TOIS 35(3),
    2017.

    Raises:
        SettingError: t is below .5, where the probabilities are not defined.
    """

    name: ClassVar[str] = "inst"

    t: float = 1.0
    gain: Gain = "linear"
    max_label: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.t, int | float) and 0.5 <= self.t < float("inf")):
            raise SettingError(f"metric {self.name}: t={self.t!r} must be at least 0.5")
        object.__setattr__(self, "t", float(self.t))

    def values(self, ranked: Ranked) -> Floats:
        """Sum of gain times weight, with sums over ranks in closed form."""
        from scipy.special import polygamma

        gain = shares(self.gain, self.max_label, ranked.judgements.labels, spare=0.0)
        relevant = ranked.relevant(1)
        query, rank, nth = relevant.query, relevant.rank, relevant.nth
        gains = gain.take(ranked.label[ranked.label > 0])
        # With a = i + t + t_i, rank i + 1 is inspected with probability u / a^2, where u changes only at gains:
        # a rises by 1 from rank to rank, and the factors (a - 1)^2 / a^2 between two gains cancel.
        a = rank + 2 * self.t - running_sum(nth, gains)
        above = a - 1 + gains
        u = 4 * self.t**2 * running_product(nth, ((a - 1) / above) ** 2)
        u_before = before(nth, u, 4 * self.t**2)
        a_before = before(nth, a, 2 * self.t)
        gained = ranked.sum(query, gains * u_before / above**2)
        # The sum of 1 / x^2 over x = a, a + 1, ... is polygamma(1, a).
        inspected = ranked.sum(query, u_before * (polygamma(1, a_before) - polygamma(1, above + 1)))
        last = np.flatnonzero(np.append(query[1:] != query[:-1], True)) if len(query) else query
        tail = np.full(len(ranked), 4 * self.t**2 * polygamma(1, 2 * self.t))
        tail[query.take(last)] = u.take(last) * polygamma(1, a.take(last))
        value: Floats = gained / (inspected + tail)
        return value
