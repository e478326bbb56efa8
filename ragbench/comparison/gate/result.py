"""What a gate decided."""

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
    """One rule, or one slice of it, and how it came out.

    Attributes:
        name: of the rule, as given or made of what it asks.
        kind: ``floor``, ``ceiling``, ``margin``, ``latency``, ``cost``, ``failures`` or ``coverage``.
        outcome: ``skipped`` is a slice that is too small to be decided; it counts for nothing.
        value: what is held against the bound; None where there is none, with the reason.
        low, high: where the value truly lies; None where the data do not say, or nothing is estimated.
        bound: what the rule asks.
        at_least: whether the value must lie above the bound, else below.
        unit: ``""`` for a share or a score, ``"ms"``, ``"x"`` for a ratio, ``"a query"`` for money.
        metric: metric name, or empty.
        slice: ``"type=keyword"``, or empty for all queries.
        n: queries with a value.
        clusters: independent units among them.
        baseline, candidate: what each has, where the two are compared.
        room: how far the end that decides is from turning the outcome; for ``inconclusive`` below 0:
            what lacks for a pass.
        method: how the interval was made.
        reason: one sentence.
        more_queries: for ``inconclusive``: how many more, like these, would decide it in four of five runs.
        low_error, high_error: chance that the true value lies below ``low``, and above ``high``; None where nothing is
            estimated from the queries.
        comparison: of a margin: the verdict of `ragbench.comparison.compare.compare_runs` on the same queries, with its
            own error rates: a 95% interval and a two-sided p.
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
    """The whole decision.

    Attributes:
        outcome: ``fail`` if a rule fails, else ``inconclusive`` if one is, else ``pass``.
        sentence: the outcome and why, in one sentence.
        decided: every rule, in the order written, slices sorted.
        notes: what a reader must know: default rules, the same run, what was allowed to differ.
        rules: what was asked.
        baseline, candidate: the systems; no baseline where only absolute rules are asked.
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
        """0 pass, 1 fail, 3 inconclusive."""
        return EXIT_CODES[self.outcome]


ROUNDING = 1e-12


def weigh(low: float | None, high: float | None, bound: float, *, at_least: bool) -> tuple[Outcome, float | None]:
    """The outcome, and how far the end that decides is from turning it.

    With a floor: pass if ``low >= bound``, fail if ``high < bound``, else
    inconclusive. With a ceiling the other way about. A plain number is an
    interval of length 0.

    Returns:
        The outcome; and the room, which for an inconclusive rule is below 0: what lacks for a pass.
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
