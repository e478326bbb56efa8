"""The rules of a gate: what each asks, and how sure the decision must be."""

from dataclasses import dataclass
from typing import Literal

Decide = Literal["interval", "mean"]
Percentile = Literal["p50", "p95", "p99"]

LATENCY_NOISE = 0.5
"""How far a percentile of one and the same system may lie off in another run, as a factor of 1 + this."""


@dataclass(frozen=True, kw_only=True)
class MetricRule:
    """A metric has a floor or a ceiling, or may be worse than the baseline by no more than a margin.

    Attributes:
        metric: a metric of the run, ``"ndcg@10"``.
        min: the floor of its mean; or
        max: the ceiling of its mean; or
        margin: the loss against the baseline that is accepted, at least 0.
        slice: only the queries with ``COLUMN=VALUE``.
        by: each value of this column on its own; the slices share the rule's part of the false alarms.
        min_queries: of ``by``: a slice with fewer is not decided, and said to be so.
        decide: ``interval``, or ``mean`` for the plain threshold, which noise alone can cross.
        name: what to call the rule.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    margin: float | None = None
    slice: str | None = None
    by: str | None = None
    min_queries: int = 10
    decide: Decide = "interval"
    name: str | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares."""
        return self.margin is not None

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        found = _one_of(self, "min", "max", "margin")
        if self.min is not None and not 0 <= self.min <= 1:
            found.append(("min", f"is {self.min:g}; metrics lie from 0 to 1"))
        if self.max is not None and self.max < 0:
            found.append(("max", f"is {self.max:g}; at least 0"))
        if self.margin is not None and not 0 <= self.margin <= 1:
            found.append(
                ("margin", f"is {self.margin:g}; it is the loss that is accepted, written as a number from 0 to 1")
            )
        if self.slice is not None and self.by is not None:
            found.append(("by", "stands beside slice; give one of them"))
        column, _, value = (self.slice or "").partition("=")
        if self.slice is not None and not (column.strip() and value.strip()):
            found.append(("slice", f"is {self.slice!r}; write COLUMN=VALUE, for example type=keyword"))
        if self.min_queries < 2:
            found.append(("min_queries", f"is {self.min_queries}; at least 2"))
        return found


@dataclass(frozen=True, kw_only=True)
class LatencyRule:
    """A percentile of the time of single queries has a ceiling.

    Attributes:
        latency: which percentile.
        max_ms: milliseconds; or
        max_ratio: times the baseline's.
        noise: how far the percentile of an unchanged system may lie off, as a factor of 1 + this;
            0 decides on the plain number.
        name: what to call the rule.
    """

    latency: Percentile
    max_ms: float | None = None
    max_ratio: float | None = None
    noise: float = LATENCY_NOISE
    name: str | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares."""
        return self.max_ratio is not None

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        found = _one_of(self, "max_ms", "max_ratio") + _positive(self, "max_ms", "max_ratio")
        if not 0 <= self.noise < 10:
            found.append(
                ("noise", f"is {self.noise:g}; a share from 0 (the plain number) up, such as {LATENCY_NOISE:g}")
            )
        elif self.max_ratio is not None and 0 < self.max_ratio < 1 + self.noise:
            found.append(
                (
                    "max_ratio",
                    f"is {self.max_ratio:g}, within the noise of {self.noise:.0%}: an unchanged system could not pass; "
                    f"write at least {1 + self.noise:g}, or a smaller noise",
                )
            )
        return found


@dataclass(frozen=True, kw_only=True)
class CostRule:
    """What a query costs has a ceiling.

    Attributes:
        cost: ``query``.
        max: in the currency of the run; or
        max_ratio: times the baseline's.
        name: what to call the rule.
    """

    cost: Literal["query"]
    max: float | None = None
    max_ratio: float | None = None
    name: str | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares."""
        return self.max_ratio is not None

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        return _one_of(self, "max", "max_ratio") + _positive(self, "max", "max_ratio")


@dataclass(frozen=True, kw_only=True)
class FailuresRule:
    """The share of queries that could not be answered has a ceiling.

    Attributes:
        failures: ``rate``.
        max: the share, 0 to 1.
        decide: ``mean`` counts this run; ``interval`` asks about the queries that it stands for.
        name: what to call the rule.
    """

    failures: Literal["rate"]
    max: float
    decide: Decide = "mean"
    name: str | None = None
    needs_baseline = False

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        return _share(self.max, "max")


@dataclass(frozen=True, kw_only=True)
class CoverageRule:
    """A share of the queries must be answered, or have judged evidence.

    Attributes:
        coverage: ``answered``: did not fail and found something; ``judged``: at least one item is judged relevant.
        min: the share, 0 to 1.
        decide: ``mean`` counts this run; ``interval`` asks about the queries that it stands for.
        name: what to call the rule.
    """

    coverage: Literal["answered", "judged"]
    min: float
    decide: Decide = "mean"
    name: str | None = None
    needs_baseline = False

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        return _share(self.min, "min")


Rule = MetricRule | LatencyRule | CostRule | FailuresRule | CoverageRule
KINDS: dict[str, type[Rule]] = {
    "metric": MetricRule,
    "latency": LatencyRule,
    "cost": CostRule,
    "failures": FailuresRule,
    "coverage": CoverageRule,
}
"""The key that says what a rule is about."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All rules of a gate.

    Attributes:
        rules: at least one.
        false_alarms: chance, at most, that the gate fails although no rule is broken, all rules together.
        false_passes: nominal chance that a rule passes which is broken; a gate passes only if all do.
        source: where they are written, or empty for the default.
    """

    rules: tuple[Rule, ...]
    false_alarms: float = 0.01
    false_passes: float = 0.05
    source: str = ""

    def faults(self) -> list[tuple[str, str]]:
        """Key and message of everything that is wrong beyond types."""
        return [
            (key, f"is {value:g}; a chance above 0 and below 0.5")
            for key, value in (("false_alarms", self.false_alarms), ("false_passes", self.false_passes))
            if not 0 < value < 0.5
        ]


DEFAULT_RULES = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.02),))
"""Without a file: no more than .02 of nDCG@10 may be lost."""


def _one_of(rule: Rule, *keys: str) -> list[tuple[str, str]]:
    given = [key for key in keys if getattr(rule, key) is not None]
    if not given:
        return [("", f"needs {', '.join(keys[:-1])} or {keys[-1]}")]
    return [(key, f"stands beside {given[0]}; give one of them") for key in given[1:]]


def _positive(rule: Rule, *keys: str) -> list[tuple[str, str]]:
    given = {key: getattr(rule, key) for key in keys}
    return [(key, f"is {value:g}; above 0") for key, value in given.items() if value is not None and not value > 0]


def _share(value: float, key: str) -> list[tuple[str, str]]:
    return [] if 0 <= value <= 1 else [(key, f"is {value:g}; a share from 0 to 1")]
