"""The contract of a metric."""

import dataclasses
import math
from abc import ABC, abstractmethod
from typing import ClassVar

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.scores import Direction
from ragbench.metrics.ranked import Floats, Ranked

GAINS = ("linear", "exp")


class Metric(ABC):
    """A measure of one query's ranking, as a value: two metrics with the same settings are equal.

    A subclass is a frozen dataclass. Its fields are its settings: ``k`` (the
    cut, printed after ``@``), ``level`` (the least label that counts as
    relevant), ``gain``, ``p``. ``str(metric)`` is its one written form, and
    `ragbench.metrics.parse.parse` reads it back.

    Raises:
        SettingError: a setting outside its range.
    """

    name: ClassVar[str]
    """The name as printed."""

    direction: ClassVar[Direction] = "higher"
    """Which values are better."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other accepted names, lower case, with ``_`` for ``-``."""

    def __post_init__(self) -> None:
        for key, value in self.settings().items():
            fault = _fault(key, value)
            if fault:
                raise SettingError(f"metric {self.name}: {key}={value!r} {fault}")

    @abstractmethod
    def values(self, ranked: Ranked) -> Floats:
        """(q,) the value of each query; whatever it is where the metric is undefined is not looked at."""

    def expected(self, ranked: Ranked) -> Floats:
        """(q,) mean of the value over all orders of items with equal scores.

        Raises:
            SettingError: there is no known way to work it out.
        """
        raise SettingError(f"metric {self} has no expected value under ties; leave it out or use ties='trec'")

    @property
    def needs_level(self) -> int | None:
        """The metric is undefined for a query without any label this high; None where it always is defined."""
        level: int = getattr(self, "level", 1)
        return level

    def settings(self) -> dict[str, object]:
        """Value by setting, as the fields stand."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        defaults = {f.name: f.default for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        settings = self.settings()
        k = settings.pop("k", None)
        shown = ",".join(f"{key}={value}" for key, value in settings.items() if value != defaults[key])
        return self.name + (f"({shown})" if shown else "") + ("" if k is None else f"@{k}")


def _fault(key: str, value: object) -> str:
    """What is wrong with a setting, or nothing."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if key == "k" and not (value is None or (whole and value >= 1)):  # type: ignore[operator]
        return "must be a whole number from 1"
    if key == "level" and not (whole and value >= 1):  # type: ignore[operator]
        return "must be a whole number from 1"
    if key == "p" and not (isinstance(value, float) and math.isfinite(value) and 0 < value < 1):
        return "must lie between 0 and 1"
    if key == "gain" and value not in GAINS:
        return f"is no gain{did_you_mean(str(value), GAINS)}"
    return ""
