"""The contract of a retrieval metric."""

import dataclasses
import math
from abc import ABC, abstractmethod
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.core.scores import Average, Direction
from ragbench.metrics.gains import gain_fault, written
from ragbench.metrics.ranked import Floats, Ranked


@dataclasses.dataclass(frozen=True)
class Metric(ABC):
    """A measure of the ranking of one query. Metrics are values: two with the same settings are equal.

    A subclass is a frozen dataclass whose fields are its settings: ``k`` (the cut-off, written after ``@``), ``level``
        (the least label that counts as relevant), ``gain``, ``p``. Every metric has ``judged_only``. ``str(metric)`` is
        the written form, and `ragbench.metrics.parse.parse` reads it back.

    Attributes:
        judged_only: remove the items without a label of 0 or above before anything is ranked, as trec_eval does with
            ``-J``. The metric then sees the condensed list of Sakai (SIGIR 2007).

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str]
    """The printed name."""

    direction: ClassVar[Direction] = "higher"
    """Whether higher or lower values are better."""

    average: ClassVar[Average] = "mean"
    """How trec_eval summarises the values of all queries."""

    by_intent: ClassVar[bool] = False
    """Whether the metric needs labels by intent (`ragbench.core.judgements.Intents`)."""

    at: ClassVar[str] = "k"
    """The setting that is written after ``@``."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other accepted names, in lower case and with ``_`` for ``-``."""

    judged_only: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        for key, value in self.settings().items():
            fault = _fault(key, value)
            if fault:
                raise SettingError(f"metric {self.name}: {key}={value!r} {fault}")

    @abstractmethod
    def values(self, ranked: Ranked) -> Floats:
        """(q,) Value of each query. Values where the metric is undefined are ignored."""

    def expected(self, ranked: Ranked) -> Floats:
        """(q,) Mean of the value over all orders of items with equal scores.

        Raises:
            SettingError: the metric has no known expected value.
        """
        raise SettingError(f"metric {self} has no expected value under ties; remove it or use ties='trec'")

    @property
    def needs_level(self) -> int | None:
        """The metric is undefined for a query without a label of at least this level; None if it is always defined."""
        level: int = getattr(self, "level", 1)
        return level

    def settings(self) -> dict[str, object]:
        """Values by name of the setting."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def __str__(self) -> str:
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        settings = self.settings()
        k = settings.pop(self.at, None)
        shown = ",".join(f"{key}={_shown(value)}" for key, value in settings.items() if value != defaults[key])
        return self.name + (f"({shown})" if shown else "") + ("" if k is None else f"@{k}")


def _shown(value: object) -> str:
    """Return the written form of a setting."""
    if isinstance(value, tuple):
        return written(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fault(key: str, value: object) -> str:
    """Say what is wrong with a setting; empty if nothing is."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if key == "k" and not (value is None or (whole and value >= 1)):  # type: ignore[operator]
        return "must be a whole number from 1"
    if key == "level" and not (whole and value >= 1):  # type: ignore[operator]
        return "must be a whole number from 1"
    if key == "max_label" and not (value is None or (whole and value >= 1)):  # type: ignore[operator]
        return "must be a whole number from 1"
    if key == "p" and not (isinstance(value, float) and math.isfinite(value) and 0 < value < 1):
        return "must lie between 0 and 1"
    if key == "gain":
        return gain_fault(value)
    if key == "judged_only" and not isinstance(value, bool):
        return "must be true or false"
    return ""
