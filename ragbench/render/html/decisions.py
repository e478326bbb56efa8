"""Gates and experiments of a page: their decisions, the reasons and the charts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.gate.result import Gate
from ragbench.render.ab import PairedRecord, how_decided, number_text, read_ab, split_line, verdict_head
from ragbench.render.blocks import Block
from ragbench.render.charts.chart import Chart
from ragbench.render.charts.limits import gate_charts
from ragbench.render.charts.outcomes import ab_charts
from ragbench.render.charts.over_time import over_time_charts
from ragbench.render.gate import GateRecord, read_gate, reasons

KINDS = {
    "pass": "better", "fail": "worse", "inconclusive": "open",
    "promote": "better", "roll back": "worse", "go on": "open", "no verdict": "open",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class DecisionShown:
    """A gate or an experiment.

    Attributes:
        title: title of the part.
        sentence: the decision.
        kind: ``better``, ``worse`` or ``open``, for the colour.
        lines: the reasons, one sentence each.
        notes: limits of the decision.
        tables: tables besides those of the charts.
        charts: charts with names that no other decision has.
    """

    title: str
    sentence: str
    kind: str
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    tables: tuple[Block, ...] = ()
    charts: tuple[Chart, ...] = ()


def read_decisions(
    gates: Iterable[Path | Gate],
    experiments: Iterable[Path | AbResult | PairedResult],
    manifests: Sequence[Mapping[str, Any]],
) -> tuple[DecisionShown, ...]:
    """Read all gates and experiments to show, gates first.

    Args:
        gates: as `ragbench.render.gate.read_gate` takes them.
        experiments: as `ragbench.render.ab.read_ab` takes them.
        manifests: manifests of the evaluations on the page, to recognise a gate on other queries.

    Raises:
        InputError: a file cannot be read, or is something else.
    """
    shown = [_gate(read_gate(one), manifests) for one in gates]
    shown += [_experiment(read_ab(one)) for one in experiments]
    if len(shown) < 2:
        return tuple(shown)
    return tuple(
        replace(one, charts=tuple(replace(chart, name=f"{chart.name}-{number}") for chart in one.charts))
        for number, one in enumerate(shown, 1)
    )


def _gate(gate: GateRecord, manifests: Sequence[Mapping[str, Any]]) -> DecisionShown:
    against = "" if gate.baseline is None else f" against {gate.baseline.name}"
    print_ = gate.candidate.fingerprints.get("golden")
    ours = {one["golden"].get("fingerprint") for one in manifests if isinstance(one.get("golden"), Mapping)}
    other = ("it was decided on another golden set than the evaluations of this page",) if print_ not in ours else ()
    return DecisionShown(
        f"Gate: {gate.candidate.name}{against}, {gate.candidate.queries:,} queries",
        gate.sentence,
        KINDS[gate.outcome],
        tuple(f"{outcome}: {said}" for outcome, said in reasons(gate)),
        (*other, *gate.notes),
        charts=tuple(gate_charts(gate)),
    )


def _experiment(found: AbResult | PairedRecord) -> DecisionShown:
    return _paired(found) if isinstance(found, PairedRecord) else _events(found)


def _events(result: AbResult) -> DecisionShown:
    advice = result.recommendation
    guarded = tuple(
        (outcome.name, outcome.rule, watched.challenger, watched.state)
        for outcome in result.outcomes
        for watched in outcome.watched
    )
    tables = (Block("Guardrails", ("guardrail", "rule", "variant", "state"), guarded),) if guarded else ()
    return DecisionShown(
        f"Experiment: {Path(result.source).name}",
        verdict_head(advice, result.variants[0].name),
        KINDS[advice.decision],
        advice.reasons,
        (split_line(result), how_decided(result), *result.notes),
        tables,
        (*ab_charts(result), *over_time_charts(result)),
    )


def _paired(record: PairedRecord) -> DecisionShown:
    state = {True: "kept", False: "broken", None: "undecided"}
    rows = tuple(
        (one.name, one.rule, *(_figure(value) for value in (one.control, one.challenger)), state[one.kept])
        for one in record.guardrails
    )
    tables = (
        (Block("Guardrails", ("guardrail", "rule", record.control, record.challenger, "state"), rows),) if rows else ()
    )
    head = {"promote": f"promote {record.challenger}", "roll back": f"roll back, keep {record.control}"}
    return DecisionShown(
        f"Offline A/B: {record.challenger} against {record.control}",
        f"Verdict: {head.get(record.decision, record.decision)}",
        KINDS[record.decision],
        (*record.reasons, *record.sentences),
        tables=tables,
    )


def _figure(value: float | None) -> str:
    return "not measured" if value is None else number_text(value)
