"""The systems of an evaluation step by step, as a table and as JSON."""

from collections.abc import Sequence

from ragbench.core.steps import Step, Steps
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Block, Cell, Line, Row
from ragbench.render.numbers import counted, fraction, interval, p_value
from ragbench.render.outcome import OUTCOMES


def steps_block(steps: Steps) -> Block:
    """A row per system: its difference to the one before it and to the first, latency, cost, and notes below."""
    ran = [one for one in steps.steps if one.error is None]
    timed = any(one.p50 is not None for one in ran)
    paid = any(one.cost_per_query is not None for one in ran)
    head = ["step", steps.metric, "to the one before", "Holm", f"to {ran[0].system}" if ran else "to the first"]
    head += (["p50 ms"] if timed else []) + (["cost per query"] if paid else [])
    tests = sum(one.to_previous is not None for one in ran)
    corrected = f", Holm: p of this difference, corrected for {counted(tests, 'step')}" if tests > 1 else ""
    return Block(
        f"{steps.metric} step by step: paired differences [95% interval, uncorrected]{corrected}",
        tuple(head),
        tuple(_row(one, timed, paid) for one in steps.steps),
        tuple(Line(f"{one.system}: {one.notes}", bullet=True) for one in steps.steps if one.notes),
    )


def _row(step: Step, timed: bool, paid: bool) -> Row:
    if step.error is not None:
        return (step.system, Cell(f"did not run: {step.error}", "bad"))
    cells: list[str | Cell] = [
        step.system,
        fraction(step.mean),
        _difference(step.to_previous),
        "" if step.to_previous is None or step.to_previous.difference is None else p_value(step.to_previous.p_adjusted),
        _difference(step.to_first),
    ]
    cells += ["-" if step.p50 is None else f"{step.p50:.1f}"] if timed else []
    return (*cells, *(["-" if step.cost_per_query is None else f"{step.cost_per_query:.3g}"] if paid else []))


def _difference(verdict: Verdict | None) -> str | Cell:
    if verdict is None:
        return ""
    if verdict.difference is None:
        return "-"
    return Cell(interval(verdict), OUTCOMES[verdict.decision][1])


def steps_json(steps: Steps | None) -> dict[str, object] | None:
    """The JSON object of the steps; None for a single system."""
    if steps is None:
        return None
    return {"metric": steps.metric, "steps": [_step_json(one) for one in steps.steps]}


def _step_json(step: Step) -> dict[str, object]:
    return {
        "system": step.system,
        "mean": step.mean,
        "to_previous": _verdict_json(step.to_previous),
        "to_first": _verdict_json(step.to_first),
        "p50": step.p50,
        "cost_per_query": step.cost_per_query,
        "notes": step.notes,
        "error": step.error,
    }


def _verdict_json(verdict: Verdict | None) -> dict[str, object] | None:
    if verdict is None:
        return None
    names: Sequence[str] = ("baseline", "difference", "low", "high", "p", "p_adjusted", "decision")
    return {name: getattr(verdict, name) for name in names}
