"""An evaluation as Markdown, for a pull request."""

from collections.abc import Sequence

from ragbench.harness.results import Evaluation
from ragbench.report.llm_notes import llm_lines
from ragbench.report.tables import fraction, headline, p_value, summary, with_interval


def evaluation_markdown(evaluation: Evaluation) -> str:
    """Leaderboard, metrics and cost as Markdown tables."""
    ran = [arm for arm in evaluation.arms if arm.status == "ok"]
    parts = ["# Evaluation", summary(evaluation) + "."]
    if ran:
        metric = headline(list(ran[0].metrics))
        found = {c.candidate: c for c in evaluation.comparisons if c.metric == metric}
        rows = []
        for arm in ran:
            c = found.get(arm.name)
            difference = (
                [with_interval(c.difference, signed=True), p_value(c.p), f"{c.wins}/{c.ties}/{c.losses}"]
                if c
                else [""] * 3
            )
            rows.append([arm.name, with_interval(arm.metrics[metric]), *difference])
        first = f"difference to {ran[0].name}"
        parts.append(table(["retriever", f"{metric} [95% interval]", first, "p", "win/tie/loss"], rows))
        parts.append(
            table(
                ["metric", *(arm.name for arm in ran)],
                [[name, *(with_interval(arm.metrics[name]) for arm in ran)] for name in ran[0].metrics],
            )
        )
        cost = [
            [
                arm.name + (" (stored)" if arm.from_store else ""),
                f"{arm.cost.index_seconds:.2f}",
                f"{arm.cost.qps:.1f}",
                f"{arm.cost.latency_ms.p50:.2f} / {arm.cost.latency_ms.p95:.2f} / {arm.cost.latency_ms.p99:.2f}",
                f"{arm.cost.peak_memory_mib:.0f}",
                fraction(arm.tie_rate),
            ]
            for arm in ran
            if arm.cost is not None
        ]
        parts.append(table(["retriever", "index s", "queries/s", "p50 / p95 / p99 ms", "peak MiB", "tie rate"], cost))
    warnings = [f"- {arm.name}: {warning}" for arm in evaluation.arms for warning in arm.warnings]
    warnings += [f"- **{arm.name} did not run**: {arm.error}" for arm in evaluation.failed]
    warnings += [f"- {escaped(line)}" for arm in evaluation.arms for line in llm_lines(arm)]
    warnings += [f"- {count} x {code}" for code, count in evaluation.ledger.counts().items() if code != "arm-failed"]
    if warnings:
        parts.append("\n".join(["## To know", "", *warnings]))
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what would break a cell is escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(escaped(cell) for cell in cells) + " |"

    return "\n".join([line(head), "|" + " --- |" * len(head), *(line(row) for row in rows)])


def escaped(text: str) -> str:
    """Text that stays text inside a Markdown cell."""
    for sign in "\\|<>`*_":
        text = text.replace(sign, "\\" + sign)
    # Intervals stay readable; of brackets only the middle of a link is taken apart.
    return text.replace("](", "]\\(").replace("\n", " ")
