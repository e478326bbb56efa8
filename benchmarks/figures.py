"""What a benchmark hands back: figures, each beside its target and its peer."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        what: the work, for example ``SciFact, rerank``.
        measure: what the number is, for example ``nDCG@10``.
        value: the number.
        unit: ``""`` for a share of 1, else what is printed behind it.
        interval: 95% interval, where there is one.
        target: what it must reach, in words; empty where nothing is asked.
        met: whether it does; None without a target.
        peer: the number beside it, in words, with its source.
        reason: why it misses, or what a reader must know.
    """

    what: str
    measure: str
    value: float
    unit: str = ""
    interval: tuple[float, float] | None = None
    target: str = ""
    met: bool | None = None
    peer: str = ""
    reason: str = ""

    @property
    def shown(self) -> str:
        """The number as printed: shares with four digits, others with three that count."""
        if self.unit:
            return f"{significant(self.value)} {self.unit}"
        text = f"{self.value:.4f}"
        return f"{text} [{self.interval[0]:.3f}, {self.interval[1]:.3f}]" if self.interval else text

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or nothing where there is no target."""
        return {True: "met", False: "missed", None: ""}[self.met]


@dataclass(frozen=True)
class Section:
    """What one benchmark found.

    Attributes:
        name: the module's name.
        title: in words.
        how: what was done, in a few sentences.
        figures: the numbers.
    """

    name: str
    title: str
    how: str
    figures: tuple[Figure, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain objects."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Section":
        """Read what `to_json` wrote."""
        figures = tuple(
            Figure(**{**figure, "interval": tuple(figure["interval"]) if figure["interval"] else None})
            for figure in found["figures"]
        )
        return cls(found["name"], found["title"], found["how"], figures)


@dataclass(frozen=True)
class Options:
    """The settings of every benchmark.

    Attributes:
        data: folder of the public collections.
        small: a hundredth of the work, to see that it runs; the figures mean nothing.
        say: prints what is being done.
    """

    data: Path
    small: bool = False
    say: Callable[[str], None] = lambda text: None


def significant(value: float) -> str:
    """Three digits that count: ``0.0123``, ``1.23``, ``12.3``, ``1,234``."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.{1 if abs(value) >= 10 else 2}f}"
