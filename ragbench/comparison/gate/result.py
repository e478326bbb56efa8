"""The result of a gate."""

from dataclasses import dataclass
from typing import Literal

from ragbench.comparison.gate.rules import Rules
from ragbench.core.scored import ScoredRun
from ragbench.core.shown import Shown
from ragbench.core.verdicts import Verdict

Outcome = Literal["pass", "fail", "inconclusive"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Decided:
    """The decision on one rule, or on one slice of it.

    Attributes:
        name: name of the rule, given or derived from its content.
        kind: ``floor``, ``ceiling``, ``margin``, ``latency``, ``cost``, ``failures`` or ``coverage``.
        outcome: ``pass``, ``fail``, ``inconclusive``, or ``skipped`` for a slice that is too small to decide and does
            not count.
        value: the value to compare with the bound; None if there is none, and the reason says why.
        low, high: confidence bounds of the value; None if the data give none, or nothing is estimated.
        bound: the bound of the rule.
        at_least: whether the value must be above the bound; else below.
        unit: ``""`` for a share or a score, ``"ms"``, ``"x"`` for a ratio, ``"a query"`` for money.
        metric: metric name, or empty.
        slice: name of the slice, as ``"type=keyword"``; empty for all queries.
        n: number of queries with a value.
        clusters: independent units among them.
        baseline, candidate: value of each, if the two are compared.
        room: distance of the deciding end from changing the outcome. For ``inconclusive`` it is below 0: the distance
            to a pass.
        method: method of the interval.
        reason: the reason, in one sentence.
        more_queries: for ``inconclusive``: how many more such queries would decide it in four of five runs.
        low_error, high_error: probability that the true value is below ``low``, and above ``high``; None if nothing is
            estimated from the queries.
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
    comparison: Verdict | None = None


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
        """0 for pass, 1 for fail, 3 for inconclusive."""
        return EXIT_CODES[self.outcome]


ROUNDING = 1e-12


def weigh(low: float | None, high: float | None, bound: float, *, at_least: bool) -> tuple[Outcome, float | None]:
    """Compare an interval with a bound.

    A floor passes if ``low >= bound``, fails if ``high < bound``, and is inconclusive otherwise. A ceiling is the
    reverse. A plain number is an interval of length 0.

    Returns:
        The outcome, and the distance of the deciding end from changing it. For an inconclusive rule it is below 0: the
        distance to a pass.
    """
    if low is None or high is None:
        return "inconclusive", None
    to_pass = low - bound if at_least else bound - high
    to_fail = bound - high if at_least else low - bound
    if to_pass >= -ROUNDING:
        return "pass", max(to_pass, 0.0)
    if to_fail > ROUNDING:
        return "fail", to_fail
    return "inconclusive", to_pass
