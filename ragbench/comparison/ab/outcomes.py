"""Outcomes and guardrails: ``converted``, ``order_value:sum``, ``revenue/sessions``, ``latency_ms:max_increase=5%``."""

import math
from dataclasses import dataclass, field
from typing import Literal

from ragbench.core.errors import SettingError, did_you_mean

How = Literal["auto", "any", "sum", "mean", "ratio"]
HOWS = ("any", "sum", "mean")
EVENTS = "events"
"""A denominator that counts the rows of a unit, if the file has no column of that name."""


@dataclass(frozen=True)
class Outcome:
    """One outcome column, or the ratio of two.

    Attributes:
        column: the column, or the numerator.
        per: column of the denominator, or empty.
        how: ``any`` (the unit has a 1), ``sum`` (the unit's total), ``mean`` (per event), ``ratio``, or ``auto``:
            ``any`` for 0/1 and ``sum`` for numbers.
        lower: whether lower values are better.
        label: what it is commonly called, for those that are looked at by default.
    """

    column: str
    per: str = ""
    how: How = "auto"
    lower: bool = False
    label: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The name as a user writes it: ``revenue/sessions``."""
        return f"{self.column}/{self.per}" if self.per else self.column


@dataclass(frozen=True)
class Guardrail:
    """An outcome that must not get worse by more than a margin.

    Attributes:
        outcome: the outcome to watch, per event by default.
        bound: signed change at the margin: .05 for at most .05 more, -.05 for at most .05 less.
        relative: whether the bound is a share of the control.
    """

    outcome: Outcome
    bound: float
    relative: bool

    @property
    def upper(self) -> bool:
        """Whether the change must stay below the bound."""
        return self.outcome.lower

    @property
    def rule(self) -> str:
        """The rule in words: ``at most +5%``."""
        size = f"{abs(self.bound):.4g}" if not self.relative else f"{abs(self.bound) * 100:.4g}%"
        return f"at most {'+' if self.upper else '-'}{size}"


def parse_outcome(text: str) -> Outcome:
    """Read ``COLUMN[/COLUMN][:any|sum|mean|lower,...]``.

    Raises:
        SettingError: a word after the colon is unknown, or words exclude each other.
    """
    name, words = _split(text)
    how: How = "auto"
    lower = False
    for word in words:
        if word in ("lower", "higher"):
            lower = word == "lower"
        elif word in HOWS:
            how = word  # type: ignore[assignment]
        else:
            raise SettingError(f"outcome {text!r}: no setting {word!r}{did_you_mean(word, [*HOWS, 'lower'])}")
    return _outcome(text, name, how, lower)


def parse_guardrail(text: str) -> Guardrail:
    """Read ``COLUMN[/COLUMN]:[any|sum|mean,]max_increase=5%`` (or ``max_decrease=``, or a number without ``%``).

    Raises:
        SettingError: there is not exactly one margin, a word is unknown, or the margin is not a number of at least 0.
    """
    name, words = _split(text)
    example = f"guardrail {text!r}: write {name}:max_increase=5% or {name}:max_decrease=0.01"
    how: How = "mean"
    margins = []
    for word in words:
        key, is_setting, value = word.partition("=")
        if is_setting and key in ("max_increase", "max_decrease"):
            margins.append((key, value))
        elif word in HOWS:
            how = word  # type: ignore[assignment]
        else:
            raise SettingError(
                f"{example}; no setting {key!r}{did_you_mean(key, [*HOWS, 'max_increase', 'max_decrease'])}"
            )
    if len(margins) != 1:
        raise SettingError(f"{example}: exactly one margin")
    key, value = margins[0]
    lower, relative = key == "max_increase", value.endswith("%")
    bound = number(value, example)
    if not lower and relative and bound >= 1:
        raise SettingError(f"{example}: a decrease of 100% or more cannot be exceeded")
    how = "auto" if "/" in name else how
    return Guardrail(_outcome(text, name, how, lower), bound if lower else -bound, relative)


def number(text: str, where: str) -> float:
    """Read ``5%`` as .05 and ``.02`` as .02.

    Raises:
        SettingError: the text is not a finite number of at least 0.
    """
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise SettingError(f"{where}: {text!r} is no number of at least 0")
    return value / 100 if text.endswith("%") else value


def _split(text: str) -> tuple[str, list[str]]:
    name, _, rest = text.partition(":")
    if not name.strip():
        raise SettingError(f"outcome {text!r} has no column")
    return name.strip(), [word.strip() for word in rest.split(",") if word.strip()]


def _outcome(text: str, name: str, how: How, lower: bool) -> Outcome:
    column, is_ratio, per = name.partition("/")
    if not is_ratio:
        return Outcome(column, "", how, lower)
    if how != "auto":
        raise SettingError(f"outcome {text!r} is a ratio of totals; leave {how!r} out")
    if not column or not per or "/" in per:
        raise SettingError(f"outcome {text!r}: write a ratio as NUMERATOR/DENOMINATOR")
    return Outcome(column, per, "ratio", lower)
