"""Rich tables of an evaluation, 80 columns wide."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.core.evaluations import Arm, Comparison, Estimate, Evaluation

MARK = "llm_calls"


def llm_lines(arm: Arm) -> Iterator[str]:
    """A line for each language model within an arm; none for most arms."""
    for key in arm.notes:
        prefix, dot, last = key.rpartition(".")
        if last == MARK:
            told = {name: value for name, value in arm.notes.items() if name.rpartition(".")[0] == prefix}
            yield _line(f"{arm.name}: {prefix}" if dot else arm.name, arm, _named(told))


def _named(notes: Mapping[str, object]) -> dict[str, float]:
    found = {}
    for key, value in notes.items():
        name = key.rpartition(".")[2]
        if isinstance(value, int | float):
            found[name] = float(value)
    return found


def _line(name: str, arm: Arm, notes: Mapping[str, float]) -> str:
    calls = counted(notes[MARK], "call")
    cached = counted(notes.get("llm_cached", 0), "answer")
    when = ", when its run was stored" if arm.from_store else ""
    said = [calls, f"{cached} from the cache", counted(notes.get("llm_tokens", 0), "token")]
    if "llm_cost" in notes:
        said.append(f"{notes['llm_cost']:.4g} in cost")
    if arm.cost is not None and arm.cost.cost_per_query is not None:
        said.append(f"{arm.cost.cost_per_query:.3g} a query without the cache")
    line = f"{name}: language model{when}: {', '.join(said)}"
    if "llm_ms_p50" in notes:
        line += (
            f"; p50 {notes['llm_ms_p50']:,.0f} ms, p95 {notes['llm_ms_p95']:,.0f} ms a query, which the latency above "
            "leaves out"
        )
    if notes.get("unchanged"):
        line += f"; unchanged: {counted(notes['unchanged'], 'query', 'queries')}"
    return line


def counted(count: float, one: str, many: str = "") -> str:
    """``"1 call"``, ``"1,200 calls"``."""
    return f"{count:,.0f} {one if count == 1 else many or one + 's'}"


ARMS_PER_TABLE = 3
SIGNIFICANT = 0.05
FEW_CLUSTERS = 20


def headline(metrics: Sequence[str]) -> str:
    """The metric an evaluation is read by: nDCG@10, else the first nDCG, else the first there is."""
    for wanted in ("ndcg@10", "ndcg"):
        for name in metrics:
            if name == wanted or (wanted == "ndcg" and name.startswith("ndcg")):
                return name
    return metrics[0]


def fraction(value: float | None, *, signed: bool = False) -> str:
    """``.676``, ``1.000``, ``+.041``: three digits, no leading zero; ``-`` where there is none.

    What is no fraction gets fewer: ``2.35``, ``18.4``, ``1,234.0``.
    """
    if value is None:
        return "-"
    if abs(value) >= 1.0005:
        digits = 1 if abs(value) >= 9.995 else 2
        return f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def with_interval(value: Estimate, *, signed: bool = False) -> str:
    """``.676 [.631, .719]``; ``.676`` where there is no interval, ``1.000 (no width)`` where its ends are one."""
    mean = fraction(value.mean, signed=signed)
    if value.low is None or value.high is None:
        return mean
    if value.low == value.high:
        # Not only of equal values: it also has none where the sums of all resampling units are equal.
        return f"{mean} (no width)"
    return f"{mean} [{fraction(value.low, signed=signed)}, {fraction(value.high, signed=signed)}]"


def evaluation_tables(evaluation: Evaluation) -> RenderableType:
    """All metrics, what each arm took, warnings, and last, where the eye ends, the leaderboard and errors."""
    ran = [arm for arm in evaluation.arms if arm.status == "ok"]
    parts: list[RenderableType] = [*metric_tables(ran), cost_table(ran)] if ran else []
    parts += [*notices(evaluation), Text()]
    if ran:
        parts.append(leaderboard(ran, evaluation.comparisons))
    for arm in evaluation.failed:
        parts.append(Text(f"error: {arm.name} did not run and has no score: {arm.error}", style="bold red"))
    return Group(*parts)


def leaderboard(arms: Sequence[Arm], comparisons: Sequence[Comparison]) -> RenderableType:
    """One line an arm: the headline metric, and its paired difference to the first."""
    metric = headline(list(arms[0].metrics))
    title = f"{metric}, mean [95% interval]"
    columns = ["retriever", metric]
    if comparisons:
        title += f", and paired difference to {arms[0].name}"
        columns += ["difference", "p", "win/tie/loss"]
    table = _table()
    for column in columns:
        table.add_column(column, justify="left" if column == "retriever" else "right", overflow="fold")
    found = {c.candidate: c for c in comparisons if c.metric == metric}
    for arm in arms:
        c = found.get(arm.name)
        compared = (
            [with_interval(c.difference, signed=True), p_value(c.p), f"{c.wins}/{c.ties}/{c.losses}"] if c else []
        )
        table.add_row(
            Text(arm.name),
            with_interval(arm.metrics[metric]),
            *compared,
            style="bold" if c and c.p < SIGNIFICANT and (c.difference.mean or 0) > 0 else "",
        )
    return _titled(title, table)


def metric_tables(arms: Sequence[Arm]) -> list[RenderableType]:
    """Every metric with its interval, a few arms side by side."""
    tables: list[RenderableType] = []
    width = -(-len(arms) // -(-len(arms) // ARMS_PER_TABLE))
    for start in range(0, len(arms), width):
        shown = arms[start : start + width]
        table = _table()
        table.add_column("metric")
        for arm in shown:
            table.add_column(Text(arm.name), justify="right", overflow="fold")
        kind = ""
        for name in shown[0].metrics:
            if kind and name.split("@")[0] != kind:
                table.add_section()
            kind = name.split("@")[0]
            table.add_row(name, *(with_interval(arm.metrics[name]) for arm in shown))
        tables.append(_titled("All metrics, mean [95% interval]", table))
    return tables


def cost_table(arms: Sequence[Arm]) -> RenderableType:
    """Seconds, throughput, latency of single queries and memory."""
    table = _table()
    table.add_column("retriever", overflow="fold")
    for column in ("index s", "queries/s", "p50 ms", "p95 ms", "p99 ms", "peak MiB", "ties"):
        table.add_column(column, justify="right")
    for arm in arms:
        if arm.cost is None:
            continue
        latency = arm.cost.latency_ms
        table.add_row(
            Text(arm.name + (" (stored)" if arm.from_store else "")),
            f"{arm.cost.index_seconds:.2f}",
            f"{arm.cost.qps:,.0f}" if arm.cost.qps >= 10 else f"{arm.cost.qps:.1f}",
            f"{latency.p50:.2f}",
            f"{latency.p95:.2f}",
            f"{latency.p99:.2f}",
            f"{arm.cost.peak_memory_mib:,.0f}",
            "-" if arm.tie_rate is None else f"{arm.tie_rate:.1%}",
        )
    return _titled("What it took (latency: one query at a time)", table)


def notices(evaluation: Evaluation) -> list[RenderableType]:
    """What ran on what, what was excluded, and every warning."""
    lines = [Text(summary(evaluation))]
    clusters = int(str(_resampling(evaluation)["clusters"]))
    if 1 < clusters < FEW_CLUSTERS:
        lines.append(
            Text(
                f"warning: {clusters} resampling units are few: intervals are too narrow "
                "(simulated, a 95% interval covers 93% with 10, 86% with 5, 71% with 3)",
                style="yellow",
            )
        )
    stored = [arm.name for arm in evaluation.arms if _vectors_were_stored(arm)]
    if stored:
        lines.append(Text(f"index s leaves out embedding that was stored already: {', '.join(stored)}"))
    both = [arm.name for arm in evaluation.arms if _noted(arm, "embedded_tokens_too", True)]
    if both:
        lines.append(Text(f"index s holds the embedding of tokens too, which serves the whole run: {', '.join(both)}"))
    reused = [arm.name for arm in evaluation.arms if arm.from_store]
    if reused:
        lines.append(Text(f"taken from the run store, nothing was computed again: {', '.join(reused)}"))
    lines += [Text(line) for arm in evaluation.arms for line in llm_lines(arm)]
    for code, count in evaluation.ledger.counts().items():
        if code == "arm-failed":
            continue
        first = evaluation.ledger.of(code)[0]
        reason = first.reason.split("; ")[0]
        lines.append(Text(f"{count} x {code} (first: {first.item}: {reason})", style="yellow"))
    for arm in evaluation.arms:
        lines += [Text(f"warning: {arm.name}: {warning}", style="yellow") for warning in arm.warnings]
        if arm.empty:
            lines.append(Text(f"warning: {arm.name}: {arm.empty} queries found nothing and score 0", style="yellow"))
    return list(lines)


def _resampling(evaluation: Evaluation) -> dict[str, object]:
    resampling = evaluation.manifest["resampling"]
    assert isinstance(resampling, dict)
    return resampling


def _vectors_were_stored(arm: Arm) -> bool:
    """Whether any part of the arm embedded fewer chunks than it holds because vectors were stored."""
    return _noted(arm, "embedded", 0)


def _noted(arm: Arm, name: str, value: object) -> bool:
    """Whether the arm or a part of it notes this."""
    return any(key.split(".")[-1] == name and noted == value for key, noted in arm.notes.items())


def summary(evaluation: Evaluation) -> str:
    """One sentence: queries, items, unit, resampling."""
    chunks, resampling = evaluation.manifest["chunks"], _resampling(evaluation)
    assert isinstance(chunks, dict)
    unjudged = len(evaluation.ledger.of("no-relevant"))
    excluded = f" ({unjudged} without a relevant one, not scored)" if unjudged else ""
    queries = len(evaluation.task.queries)
    return (
        f"{queries} {'query' if queries == 1 else 'queries'}{excluded}; "
        f"{chunks['chunks']} chunks of {chunks['documents']} documents; "
        f"{evaluation.task.unit}s judged; intervals resampled by {resampling['unit']} ({resampling['clusters']})"
    )


def p_value(p: float) -> str:
    """``.034``, or ``<.001``."""
    return "<.001" if p < 0.001 else fraction(p)


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _titled(title: str, table: Table) -> RenderableType:
    """The title on lines of its own (as the table's own title it would wrap at the table's width)."""
    return Group(Text(title, style="bold"), table, Text())


def one_line(text: str, longest: int) -> str:
    """One line without control characters, of bounded length; what documents and systems say may hold anything."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
