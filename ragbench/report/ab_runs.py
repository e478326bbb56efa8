"""An offline A/B test of two runs: verdict first, then the tables of a comparison."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ragbench.harness.ab.paired_runs import PairedResult
from ragbench.report.ab import number_text, verdict_lines
from ragbench.report.compare import compare_json, compare_tables

VERSION = 1


def paired_tables(result: PairedResult) -> RenderableType:
    """The verdict with its reasons, guardrails, and every metric."""
    parts: list[RenderableType] = [Text(f"Offline A/B: {result.challenger} against {result.control}"), Text()]
    parts += [*verdict_lines(result.recommendation, result.control), Text()]
    for watched in result.watched:
        figures = [
            "not measured" if value is None else number_text(value) for value in (watched.control, watched.challenger)
        ]
        state = {True: "kept", False: "broken", None: "undecided"}[watched.kept]
        parts.append(Text(f"Guardrail {watched.name}, {watched.rule}: {figures[0]} to {figures[1]}: {state}"))
    return Group(*parts, *(compare_tables(compared) for compared in result.compared))


def paired_json(result: PairedResult) -> dict[str, Any]:
    """Plain objects; each comparison as ``ragbench compare --json`` writes it."""
    return {
        "version": VERSION,
        "decision": result.recommendation.decision,
        "control": result.control,
        "challenger": result.challenger,
        "reasons": list(result.recommendation.reasons),
        "guardrails": [
            {"name": w.name, "rule": w.rule, "control": w.control, "challenger": w.challenger, "kept": w.kept}
            for w in result.watched
        ],
        "comparisons": [compare_json(compared) for compared in result.compared],
    }
