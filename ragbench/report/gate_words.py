"""Numbers of a gate as words, the same in every output."""

from typing import Protocol

from ragbench.harness.gate.result import Decided, Gate
from ragbench.report.tables import fraction


class WithRules(Protocol):
    """A gate, or the record of one."""

    @property
    def decided(self) -> tuple[Decided, ...]:
        """Every rule, in the order written."""


DEFAULT_NOTE = "no rules were given, so the default is asked: ndcg@10 may lose at most .02 against the baseline"


def number(decided: Decided, value: float | None, *, signed: bool = False) -> str:
    """``.661``, ``-.003``, ``12.3 ms``, ``1.08 x``; ``-`` where there is none."""
    if value is None:
        return "-"
    if not decided.unit:
        return fraction(value, signed=signed)
    text = f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return text if decided.unit == "a query" else f"{text} {decided.unit}"


def value_with_interval(decided: Decided) -> str:
    """``-.003 [-.009, +.001]``."""
    signed = decided.kind == "margin"
    text = number(decided, decided.value, signed=signed)
    if not decided.unit and decided.value is not None and text == fraction(decided.bound, signed=signed):
        text = f"{decided.value:+.5f}" if signed else f"{decided.value:.5f}"  # which side of the bound must be seen
    if decided.low is None or decided.high is None:
        return text
    low, high = (
        number(decided, end, signed=signed).removesuffix(f" {decided.unit}") for end in (decided.low, decided.high)
    )
    return f"{text} [{low}, {high}]"


def bound(decided: Decided) -> str:
    """``>= .950``, ``<= 1.5 x``."""
    return f"{'>=' if decided.at_least else '<='} {number(decided, decided.bound, signed=decided.kind == 'margin')}"


def room(decided: Decided) -> str:
    """How far from turning: ``.012``; ``-.004`` lacks for a pass."""
    if not decided.unit and decided.room is not None and 0 < abs(decided.room) < 0.0005:
        return "<.001" if decided.room > 0 else ">-.001"
    return number(decided, decided.room)


def against(gate: Gate) -> str:
    """One line: who is held against whom, on how many queries."""
    candidate = gate.candidate
    queries = len(candidate.queries)
    units = len(set(candidate.queries.units))
    size = f"{queries} queries" + (f" from {units} documents" if units < queries else "")
    if gate.baseline is None:
        return f"candidate {candidate.name}, no baseline; {size}"
    return f"candidate {candidate.name} against baseline {gate.baseline.name}; {size}"


def chances(gate: Gate) -> str:
    """What the intervals promise."""
    rules = gate.rules
    return (
        f"at most {rules.false_alarms:.3g} of runs that break no rule fail by chance, all rules on intervals together; "
        f"such a rule that is broken passes in about {rules.false_passes:.3g}"
    )


def shown(gate: WithRules) -> list[Decided]:
    """What a table lists: slices too small to be decided are told in a line of their own."""
    return [one for one in gate.decided if one.outcome != "skipped"]


def reasons(gate: WithRules) -> list[tuple[str, str]]:
    """Outcome and sentence of everything that did not pass."""
    told = [(one.outcome, f"{one.name}: {one.reason}") for one in shown(gate) if one.outcome != "pass"]
    small: dict[str, list[str]] = {}
    for one in gate.decided:
        if one.outcome == "skipped":
            small.setdefault(one.name.removesuffix(f" ({one.slice})"), []).append(f"{one.slice} ({one.n})")
    told += [("skipped", f"{name}: not decided, too few queries: {', '.join(parts)}") for name, parts in small.items()]
    return list(dict.fromkeys(told))


def notes(gate: Gate) -> list[str]:
    """What a reader must know."""
    return [*gate.notes, *([] if gate.rules.source else [DEFAULT_NOTE])]
