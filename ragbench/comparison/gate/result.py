"""The result of a gate."""

from dataclasses import dataclass
from typing import Literal

from ragbench.comparison.gate.rules import Role, Rules
from ragbench.comparison.verdict import Average
from ragbench.core.brief import brief
from ragbench.core.ledger import first_ten
from ragbench.core.scored import ScoredRun
from ragbench.core.shown import Shown
from ragbench.core.verdicts import Verdict

Outcome = Literal["pass", "fail", "inconclusive"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "fail": 1, "inconclusive": 3}
"""Codes of the outcomes that block, and 0 for one that does not."""


@brief
@dataclass(frozen=True)
class Decided:
    """The decision on one rule, or on one slice of it.

    Attributes:
        name: name of the rule, given or derived from its content.
        kind: ``floor``, ``ceiling``, ``margin``, ``gain``, ``superiority``, ``ratio``, ``count``, ``latency``,
            ``cost``, ``failures`` or ``coverage``.
        outcome: ``pass``, ``fail``, ``inconclusive``, or ``skipped`` for a slice that is too small to decide and does
            not count.
        value: the value to compare with the bound; None if there is none, and the reason says why.
        low, high: confidence bounds of the value; None if the data give none, or nothing is estimated.
        bound: the bound of the rule.
        at_least: whether the value must be above the bound; else below.
        unit: ``""`` for a share or a score, ``"ms"``, ``"x"`` for a ratio, ``"a query"`` for money, ``"queries"`` for a
            count.
        metric: metric name, or empty.
        slice: name of the slice, as ``"type=keyword"``; empty for all queries.
        n: number of queries with a value; of documents, if they are averaged.
        clusters: independent units among them.
        baseline, candidate: value of each, if the two are compared.
        room: distance of the deciding end from changing the outcome. For ``inconclusive`` it is below 0: the distance
            to a pass.
        method: method of the interval.
        reason: the reason, in one sentence.
        more_queries: for ``inconclusive``: how many more such queries would decide it in four of five runs.
        low_error, high_error: probability that the true value is below ``low``, and above ``high``; None if nothing is
            estimated from the queries.
        catches: what would have failed in four of five runs with these queries: for a difference the true loss (or
            rise, where less is better), else the true value. None if nothing is estimated.
        would_pass: for a rule that asks for an improvement, the true difference or ratio that would have passed in four
            of five runs with these queries.
        share_high: for a count, the upper bound of the share of such queries that count: the true share is higher with
            probability ``high_error``.
        cases: for a count, how many independent queries, with no more of them than the rule accepts, show that the
            share is at most `SHOWN_SHARE`.
        unmeasured: for ``inconclusive``: whether the evidence itself is missing, because there are no values, too few
            units for an interval, or the candidate lost values. Such a rule blocks unless inconclusive passes.
        role: ``primary`` or ``guard``; an undecided guard holds nothing up unless it is unmeasured.
        anchor: name of the anchor that a margin is measured from; empty for the baseline.
        average: unit of the means, ``queries`` or ``documents``.
        comparison: for a margin, the verdict of `ragbench.comparison.compare.compare_runs` on the same queries. It has
            its own error rates: a 95% interval and a two-sided p.
    """

    name: str
    kind: str
    outcome: Outcome | Literal["skipped"]
    value: float | None
    low: float | None
    high: float | None
    bound: float
    at_least: bool
    unit: str = ""
    metric: str = ""
    slice: str = ""
    n: int = 0
    clusters: int = 0
    baseline: float | None = None
    candidate: float | None = None
    room: float | None = None
    method: str = ""
    reason: str = ""
    more_queries: int | None = None
    low_error: float | None = None
    high_error: float | None = None
    catches: float | None = None
    would_pass: float | None = None
    share_high: float | None = None
    cases: int | None = None
    unmeasured: bool = False
    role: Role = "primary"
    anchor: str = ""
    average: Average = "queries"
    comparison: Verdict | None = None


@brief
@dataclass(frozen=True)
class Gate(Shown):
    """The decision of a gate on all rules.

    Attributes:
        outcome: ``fail`` if a rule fails, else ``inconclusive`` if one is, else ``pass``.
        sentence: the outcome and its reason, in one sentence.
        decided: every rule in the written order, with sorted slices.
        notes: notes for the reader: default rules, the same run, allowed differences.
        rules: the rules.
        baseline, candidate: the systems; the baseline is None if all rules are absolute.
    """

    outcome: Outcome
    sentence: str
    decided: tuple[Decided, ...]
    notes: tuple[str, ...]
    rules: Rules
    baseline: ScoredRun | None
    candidate: ScoredRun

    @property
    def exit_code(self) -> int:
        """0 for pass, 1 for fail; for inconclusive 3 if it blocks, else 0."""
        return 0 if self.outcome == "inconclusive" and not self.blocks else EXIT_CODES[self.outcome]

    @property
    def blocks(self) -> bool:
        """Whether the change is held up: the gate fails, or is inconclusive where that blocks.

        A neutral gate lets through what its queries cannot decide. It holds up what was not measured.
        """
        if self.outcome != "inconclusive" or self.rules.inconclusive == "pass":
            return self.outcome == "fail"
        return self.rules.inconclusive == "fail" or self._nothing_decided or bool(self._unmeasured)

    @property
    def notice(self) -> str:
        """What happens to an inconclusive gate, in one sentence; empty for pass and fail."""
        if self.outcome != "inconclusive":
            return ""
        asked = self.rules.inconclusive
        if asked == "fail":
            return "inconclusive blocks this change, as 'inconclusive: fail' asks"
        if asked == "pass":
            return "inconclusive counts as a pass, as 'inconclusive: pass' asks: nothing shows that the rules are kept"
        if self._nothing_decided:
            return "inconclusive blocks this change: no rule was decided"
        if self._unmeasured:
            return f"inconclusive blocks this change: the evidence is missing for {first_ten(self._unmeasured)}"
        return (
            "inconclusive does not block this change ('inconclusive: neutral'): no rule is shown to be broken, and "
            "none of the open ones is shown to be kept"
        )

    @property
    def _nothing_decided(self) -> bool:
        return all(one.outcome == "skipped" for one in self.decided)

    @property
    def _unmeasured(self) -> list[str]:
        return [one.name for one in self.decided if one.outcome == "inconclusive" and one.unmeasured]


ROUNDING = 1e-12
DIFFERENCES = ("margin", "gain", "superiority")
"""Kinds of rules on the difference of two systems."""
COMPARED = (*DIFFERENCES, "ratio")
"""Kinds of rules on two systems in one metric."""
SHOWN_SHARE = 0.01
"""A rule on a count says how many queries show that at most this share of such queries counts."""


def weigh(
    low: float | None, high: float | None, bound: float, *, at_least: bool, strict: bool = False
) -> tuple[Outcome, float | None]:
    """Compare an interval with a bound.

    A floor passes if ``low >= bound``, fails if ``high < bound``, and is inconclusive otherwise. A ceiling is the
    reverse. A plain number is an interval of length 0. If the rule is ``strict``, the bound itself breaks it.

    Returns:
        The outcome, and the distance of the deciding end from changing it. For an inconclusive rule it is below 0: the
        distance to a pass.
    """
    if low is None or high is None:
        return "inconclusive", None
    to_pass = low - bound if at_least else bound - high
    to_fail = bound - high if at_least else low - bound
    least = ROUNDING if strict else -ROUNDING
    if to_pass >= least:
        return "pass", max(to_pass, 0.0)
    if to_fail > -least:
        return "fail", max(to_fail, 0.0)
    return "inconclusive", to_pass
