"""The Bejeweled player model."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.metrics.base import Metric
from ragbench.metrics.gains import Gain, shares
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.running import running_sum

ROUNDING = 1e-9
"""Three gains of 1/3 reach a total of 1."""


@dataclass(frozen=True)
class BPM(Metric):
    """BPM@k: the gain per item of a user who stops at a total gain of ``t``, or after k items.

    It is the static model with the stopping rules "enough benefit" and "enough cost", where each item costs 1. The user
    goes on to rank k if the list is shorter. A gain is the label divided by ``max_label`` (the highest label of the
    judgements unless you give it), or the gain of a label divided by the highest. BPM lies between 0 and 1, and is 0 if
    nothing relevant is in the top k.
    Source: Zhang, Liu, Li, Zhang, Xu and Ma, "Evaluating web search with a Bejeweled player model", SIGIR 2017.

    Raises:
        SettingError: t is not above 0.
    """

    name: ClassVar[str] = "bpm"

    k: int
    t: float = 1.0
    gain: Gain = "linear"
    max_label: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.t, int | float) and 0 < self.t < float("inf")):
            raise SettingError(f"metric {self.name}: t={self.t!r} must be above 0")
        object.__setattr__(self, "t", float(self.t))

    def values(self, ranked: Ranked) -> Floats:
        """Total gain at the rank where the user stops, divided by that rank."""
        gain = shares(self.gain, self.max_label, ranked.judgements.labels, spare=0.0)
        relevant = ranked.relevant(1)
        gains = gain.take(ranked.label[ranked.label > 0])
        enough = running_sum(relevant.nth, gains) >= self.t - ROUNDING
        stop = np.full(len(ranked), self.k)
        np.minimum.at(stop, relevant.query[enough], relevant.rank[enough])
        seen = relevant.rank <= stop.take(relevant.query)
        value: Floats = ranked.sum(relevant.query, np.where(seen, gains, 0.0)) / stop
        return value
