"""The rules of a gate, and the error rates of its decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from ragbench.comparison.verdict import Average
from ragbench.core.brief import brief

Decide = Literal["interval", "mean"]
Percentile = Literal["p50", "p95", "p99"]
Part = Literal["retrieval", "ttft", "total"]
Role = Literal["primary", "guard"]
MetricKind = Literal["floor", "ceiling", "margin", "gain", "ratio", "superiority", "gap", "count"]
Inconclusive = Literal["pass", "fail", "neutral"]
"""What an inconclusive gate does: count as a pass, block, or let the change through with a notice."""

MOST_GATES = 1_000
"""No more gates share one error rate: too little would be left for each."""
LIMITS: dict[str, MetricKind] = {
    "min": "floor",
    "max": "ceiling",
    "margin": "margin",
    "min_gain": "gain",
    "min_ratio": "ratio",
    "superiority": "superiority",
    "max_gap": "gap",
    "max_count": "count",
}
"""The limits of a rule on a metric, and the kind of rule that each of them makes."""
LATENCY_NOISE = 0.5
"""How much a latency percentile of an unchanged system may differ between runs: a factor of 1 + this."""


@brief
@dataclass(frozen=True, kw_only=True)
class MetricRule:
    """A limit for a metric, alone or against the baseline. Give exactly one of the limits.

    Attributes:
        metric: a metric of the run, such as ``"ndcg@10"``.
        min: floor of its mean; or
        max: ceiling of its mean; or
        margin: accepted loss against the baseline, at least 0; or
        min_gain: the gain over the baseline that must be shown, above 0; or
        min_ratio: the mean of the candidate over that of the baseline that must be shown: 1.02 asks for 2% more, and
            .98 accepts 2% less; or
        superiority: whether the candidate must be shown to be better, by however little; or
        max_gap: the largest difference between the means of two values of ``by``; or
        max_count: the number of queries that may have a value above ``above`` or below ``below``, counted in this run.
        above, below: for ``max_count``: the value from which on a query counts; above 0 if neither is given.
        anchor: name of a stored baseline that the margin is measured from instead, such as the last release. It does
            not move with each merge, so small losses cannot add up beyond its margin.
        slice: use only the queries with ``COLUMN=VALUE``.
        by: decide each value of this column on its own. The slices share the rule's part of the false alarms.
        min_queries: for ``by``: a slice with fewer queries is skipped, and the result says so.
        average: ``queries``, or ``documents`` to average the queries of each document first, as in `ragbench compare`.
        decide: ``interval``, or ``mean`` for a plain threshold, which noise alone can cross.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    margin: float | None = None
    min_gain: float | None = None
    min_ratio: float | None = None
    superiority: bool = False
    max_gap: float | None = None
    max_count: int | None = None
    above: float | None = None
    below: float | None = None
    anchor: str | None = None
    slice: str | None = None
    by: str | None = None
    min_queries: int = 10
    average: Average = "queries"
    decide: Decide = "interval"
    name: str | None = None
    role: Role = "primary"

    @property
    def needs_baseline(self) -> bool:
        """Whether the rule compares with the baseline of the gate."""
        return self.compares and self.anchor is None

    @property
    def kind(self) -> MetricKind:
        """What the rule asks for."""
        return next(kind for key, kind in LIMITS.items() if _is_given(getattr(self, key)))

    @property
    def compares(self) -> bool:
        """Whether the rule looks at two systems."""
        return self.differs or self.min_ratio is not None

    @property
    def differs(self) -> bool:
        """Whether the rule is on the difference of two systems."""
        return self.margin is not None or self.improves

    @property
    def improves(self) -> bool:
        """Whether the rule is on the difference, and asks for a gain."""
        return self.min_gain is not None or self.superiority

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        found = _one_of(self, *LIMITS)
        if self.min is not None and not 0 <= self.min <= 1:
            found.append(("min", f"is {self.min:g}; metrics lie from 0 to 1"))
        if self.max is not None and self.max < 0:
            found.append(("max", f"is {self.max:g}; at least 0"))
        if self.margin is not None and not 0 <= self.margin <= 1:
            found.append(
                ("margin", f"is {self.margin:g}; it is the loss that is accepted, written as a number from 0 to 1")
            )
        if self.min_gain is not None and not 0 < self.min_gain <= 1:
            found.append(("min_gain", f"is {self.min_gain:g}; above 0, up to 1; for any gain, write superiority: true"))
        found += _positive(self, "min_ratio", "max_gap")
        if self.max_gap is not None and self.by is None:
            found.append(("max_gap", "needs by: the column whose values are compared, such as category"))
        if self.max_gap is not None and self.average == "documents":
            found.append(("average", "does not go with max_gap, which averages queries"))
        if self.max_gap is not None and self.decide == "mean":
            found.append(("decide", "does not go with max_gap, which is decided by its interval"))
        found += self._count_faults()
        if self.slice is not None and self.by is not None:
            found.append(("by", "and slice exclude each other; give one of them"))
        if self.anchor is not None and not self.compares:
            found.append(("anchor", f"is {self.anchor!r}, but nothing is compared with it; write a margin too"))
        column, _, value = (self.slice or "").partition("=")
        if self.slice is not None and not (column.strip() and value.strip()):
            found.append(("slice", f"is {self.slice!r}; write COLUMN=VALUE, for example type=keyword"))
        if self.min_queries < 2:
            found.append(("min_queries", f"is {self.min_queries}; at least 2"))
        return found

    def _count_faults(self) -> Iterator[tuple[str, str]]:
        if self.max_count is None:
            for key in ("above", "below"):
                if getattr(self, key) is not None:
                    yield key, "is for max_count, which is not given"
            return
        if self.max_count < 0:
            yield "max_count", f"is {self.max_count}; at least 0"
        if self.above is not None and self.below is not None:
            yield "below", "and above exclude each other; give one of them"
        if self.average == "documents":
            yield "average", "does not go with max_count, which counts queries"


@dataclass(frozen=True, kw_only=True)
class LatencyRule:
    """A ceiling for a percentile of the latency of single queries, or of a part of it.

    Attributes:
        latency: the percentile.
        part: the part of the time of an answer: ``retrieval``, ``ttft`` (up to the first token) or ``total``; the time
            that the run measures as its latency if none is given. ``ttft: p95`` is short for ``latency: p95`` with
            this part.
        max_ms: ceiling in milliseconds; or
        max_ratio: ceiling as a multiple of the baseline's value.
        noise: how much the percentile of an unchanged system may differ, as a factor of 1 + this; 0 compares the plain
            number.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    latency: Percentile
    part: Part | None = None
    max_ms: float | None = None
    max_ratio: float | None = None
    noise: float = LATENCY_NOISE
    name: str | None = None
    role: Role = "primary"

    @property
    def needs_baseline(self) -> bool:
        """Whether the rule compares with a baseline."""
        return self.max_ratio is not None

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
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
    """A ceiling for the cost of a query.

    Attributes:
        cost: ``query``.
        max: ceiling in the currency of the run; or
        max_ratio: ceiling as a multiple of the baseline's value.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    cost: Literal["query"]
    max: float | None = None
    max_ratio: float | None = None
    name: str | None = None
    role: Role = "primary"

    @property
    def needs_baseline(self) -> bool:
        """Whether the rule compares with a baseline."""
        return self.max_ratio is not None

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        return _one_of(self, "max", "max_ratio") + _positive(self, "max", "max_ratio")


@dataclass(frozen=True, kw_only=True)
class FailuresRule:
    """A ceiling for failed queries: for their share, or for their number.

    Attributes:
        failures: ``rate`` with ``max``, or ``count`` with ``max_count``.
        max: the share, 0 to 1; or
        max_count: the number in this run.
        decide: for the share: ``mean`` counts the queries of this run; ``interval`` generalises to such queries.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    failures: Literal["rate", "count"]
    max: float | None = None
    max_count: int | None = None
    decide: Decide = "mean"
    name: str | None = None
    role: Role = "primary"
    needs_baseline = False

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        found = _one_of(self, "max", "max_count")
        if not found and (self.failures == "rate") != (self.max is not None):
            wanted = "max" if self.failures == "rate" else "max_count"
            found.append(("failures", f"is {self.failures}, which takes {wanted}"))
        if self.max_count is not None and self.max_count < 0:
            found.append(("max_count", f"is {self.max_count}; at least 0"))
        if self.max_count is not None and self.decide == "interval":
            found.append(("decide", "does not go with max_count, which is counted in this run"))
        return found + ([] if self.max is None else _share(self.max, "max"))


@dataclass(frozen=True, kw_only=True)
class CoverageRule:
    """A floor for the share of queries that are answered, or that have judged evidence.

    Attributes:
        coverage: ``answered`` for queries that did not fail and found something; ``judged`` for queries with at least
            one relevant item.
        min: the share, 0 to 1.
        decide: ``mean`` counts the queries of this run; ``interval`` generalises to such queries.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    coverage: Literal["answered", "judged"]
    min: float
    decide: Decide = "mean"
    name: str | None = None
    role: Role = "primary"
    needs_baseline = False

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        return _share(self.min, "min")


@dataclass(frozen=True, kw_only=True)
class ExposureRule:
    """A ceiling for the gap between the exposure of a group of items and its share of the relevant items.

    Attributes:
        exposure: name of the attribute whose values are the groups, such as ``category``.
        max_gap: the largest gap in either direction, over all groups.
        k: ranks that count.
        name: name of the rule.
        role: ``primary`` decides; a ``guard`` fails on evidence of harm, and holds nothing up if it is undecided.
    """

    exposure: str
    max_gap: float
    k: int = 10
    name: str | None = None
    role: Role = "primary"
    needs_baseline = False

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        found = [] if 0 < self.max_gap <= 1 else [("max_gap", f"is {self.max_gap:g}; a share above 0, up to 1")]
        return found + ([] if self.k >= 1 else [("k", f"is {self.k}; at least 1")])


Rule = MetricRule | LatencyRule | CostRule | FailuresRule | CoverageRule | ExposureRule
KINDS: dict[str, type[Rule]] = {
    "metric": MetricRule,
    "latency": LatencyRule,
    "cost": CostRule,
    "failures": FailuresRule,
    "coverage": CoverageRule,
    "exposure": ExposureRule,
}
"""The key that identifies the kind of a rule."""


@brief
@dataclass(frozen=True, kw_only=True)
class Rules:
    """All rules of a gate.

    Attributes:
        rules: one or more rules.
        false_alarms: largest probability that the gate fails although no rule is broken, over all rules.
        gates: number of gates for which ``false_alarms`` holds together, such as those of a release; each gate gets an
            equal part (Bonferroni).
        false_passes: nominal probability that a broken rule passes. A gate passes only if all rules do.
        inconclusive: what happens if the queries cannot decide. ``neutral`` lets the change through with a notice
            unless evidence is missing, ``fail`` blocks it, and ``pass`` counts it as a pass.
        source: where the rules are written, or empty for the default.
    """

    rules: tuple[Rule, ...]
    false_alarms: float = 0.01
    gates: int = 1
    false_passes: float = 0.05
    inconclusive: Inconclusive = "neutral"
    source: str = ""

    def faults(self) -> list[tuple[str, str]]:
        """List faults beyond wrong types, as key and message."""
        found = [
            (key, f"is {value:g}; a chance above 0 and below 0.5")
            for key, value in (("false_alarms", self.false_alarms), ("false_passes", self.false_passes))
            if not 0 < value < 0.5
        ]
        if not 1 <= self.gates <= MOST_GATES:
            found.append(("gates", f"is {self.gates}; the number of gates in a period, from 1 to {MOST_GATES:,}"))
        if all(rule.role == "guard" for rule in self.rules):
            found.append(("rules", "are all guards, so that nothing decides; give at least one the role primary"))
        if self.inconclusive not in get_args(Inconclusive):
            words = ", ".join(get_args(Inconclusive))
            found.append(("inconclusive", f"is {self.inconclusive!r}; one of {words}"))
        return found


DEFAULT_RULES = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.02),))
"""The rules if no file is given: nDCG@10 may lose at most .02."""


def _is_given(limit: object) -> bool:
    return limit is not None and limit is not False


def _one_of(rule: Rule, *keys: str) -> list[tuple[str, str]]:
    given = [key for key in keys if _is_given(getattr(rule, key))]
    if not given:
        return [("", f"needs {', '.join(keys[:-1])} or {keys[-1]}")]
    return [(key, f"and {given[0]} exclude each other; give one of them") for key in given[1:]]


def _positive(rule: Rule, *keys: str) -> list[tuple[str, str]]:
    given = {key: getattr(rule, key) for key in keys}
    return [(key, f"is {value:g}; above 0") for key, value in given.items() if value is not None and not value > 0]


def _share(value: float, key: str) -> list[tuple[str, str]]:
    return [] if 0 <= value <= 1 else [(key, f"is {value:g}; a share from 0 to 1")]
