"""F measure of the retrieved set."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class SetF(Metric):
    """Set F: the weighted harmonic mean of set precision P and set recall, (1 + b^2) P R / (b^2 P + R) with b = beta.

    Recall counts beta times as much as precision; beta is 1 unless you set another. F lies between 0 and 1, and is 0
    if no relevant item was retrieved. The parameter of trec_eval's ``set_F`` is beta^2.
    Source: van Rijsbergen, *Information Retrieval*, 2nd edition, 1979, chapter 7.

    Raises:
        SettingError: beta is not a number above 0.
    """

    name: ClassVar[str] = "set_f"
    aliases: ClassVar[tuple[str, ...]] = ("setf",)

    beta: float = 1.0
    level: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        number = isinstance(self.beta, int | float) and not isinstance(self.beta, bool)
        if not (number and math.isfinite(self.beta) and self.beta > 0):
            raise SettingError(f"metric {self.name}: beta={self.beta!r} must be above 0")
        object.__setattr__(self, "beta", float(self.beta))

    def values(self, ranked: Ranked) -> Floats:
        """(1 + b^2) * relevant retrieved items / (b^2 * R + retrieved items)."""
        relevant = ranked.relevant(self.level)
        weight = self.beta**2
        value: Floats = (1 + weight) * np.diff(relevant.bounds)
        value /= np.maximum(weight * relevant.total + ranked.retrieved, weight)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)
