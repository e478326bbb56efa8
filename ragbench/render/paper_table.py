"""A table for a paper: the means of all systems, with marks where they differ significantly from a baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragbench.comparison.compare import Compared, compare_runs
from ragbench.core.foreign import in_markdown
from ragbench.core.scores import beside, headline
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Cell, markdown_table
from ragbench.render.compare import CORRECTIONS, comparisons
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.sections import estimate, failed
from ragbench.render.latex import in_latex
from ragbench.render.numbers import counted, fraction

Mark = Literal["", "better", "worse", "different"]
MARKS: dict[Mark, tuple[str, str]] = {
    "": ("", ""),
    "better": ("\u2020", r"\dagger"),
    "worse": ("\u2021", r"\ddagger"),
    "different": ("\u00a7", r"\S"),
}
"""The signs of a difference in Markdown and in the mathematics of LaTeX."""


@dataclass(frozen=True)
class Value:
    """The mean of a system in one metric.

    Attributes:
        mean: None if the system has no value.
        mark: how it differs significantly from the baseline; empty if it does not.
        best: whether no other system is better.
    """

    mean: float | None
    mark: Mark = ""
    best: bool = False


@dataclass(frozen=True)
class Sign:
    """A mark within a caption."""

    mark: Mark


@dataclass(frozen=True)
class PaperTable:
    """Means of systems in some metrics.

    Attributes:
        metrics: names of the columns.
        rows: the values of each system, one for each metric.
        baseline: the system that the others are compared with; empty for a single system.
        caption: texts about the queries, the marks, the test and the correction, with the marks between them.
    """

    metrics: tuple[str, ...]
    rows: Mapping[str, tuple[Value, ...]]
    baseline: str
    caption: "tuple[str | Sign, ...]"


def metrics_of(data: ReportData) -> tuple[str, ...]:
    """The headline metric, and some others that every system has: those with the same cut-off first."""
    known = [name for name in data.runs[0].scores.metrics if all(name in run.scores.metrics for run in data.runs)]
    first = headline(known) if data.metric not in known else data.metric
    return (first, *beside(known, first))


def paper_table(data: ReportData, metrics: Sequence[str] = ()) -> PaperTable:
    """Compare the systems of a report with its baseline in several metrics.

    p-values are corrected over all systems and metrics of the table together, by Holm's method.

    Args:
        data: the evaluations.
        metrics: the columns; by default those of `metrics_of`.

    Raises:
        InputError: a system does not have one of the metrics.
    """
    columns = tuple(metrics) or metrics_of(data)
    names = [run.name for run in data.runs]
    errors = failed(data)
    if len(names) == 1:
        values = tuple(Value(estimate(data.arms[names[0]], metric).mean) for metric in columns)
        n = estimate(data.arms[names[0]], columns[0]).n
        return PaperTable(columns, {names[0]: values}, "", (f"Means over {counted(n, 'query')}.", *_missing(errors)))
    compared = compare_runs(data.runs, replace(data.settings, metrics=columns, by=(), examples=0, correction="holm"))
    found = {(one.candidate, one.metric): one for one in compared.verdicts}
    means = {(one.candidate, one.metric): one.candidate_mean for one in compared.verdicts}
    for one in compared.verdicts:
        if one.baseline_mean is not None:
            means[one.baseline, one.metric] = one.baseline_mean
    best = {metric: _best({name: means.get((name, metric)) for name in names}, data, metric) for metric in columns}
    rows = {
        name: tuple(
            Value(means.get((name, metric)), _mark(found.get((name, metric))), name in best[metric])
            for metric in columns
        )
        for name in names
    }
    return PaperTable(columns, rows, compared.baseline, (*_caption(compared, rows), *_missing(errors)))


def _best(means: Mapping[str, float | None], data: ReportData, metric: str) -> set[str]:
    """The systems with the best mean; none if neither higher nor lower values are better."""
    direction = data.runs[0].scores.direction(metric)
    known = {name: mean for name, mean in means.items() if mean is not None}
    if direction == "none" or not known:
        return set()
    top = min(known.values()) if direction == "lower" else max(known.values())
    return {name for name, mean in known.items() if mean == top}


def _mark(verdict: Verdict | None) -> Mark:
    decision = "" if verdict is None else verdict.decision
    return decision if decision in ("better", "worse", "different") else ""


def _caption(compared: Compared, rows: Mapping[str, Sequence[Value]]) -> list[str | Sign]:
    verdicts = [one for one in compared.verdicts if one.test != "none"]
    if not verdicts:
        return [f"No system can be compared with {compared.baseline}."]
    first = verdicts[0]
    clusters = f" from {counted(first.clusters, 'document')}" if first.clusters < first.n else ""
    parts: list[str | Sign] = [f"Means over {counted(first.n, first.item)}{clusters}. "]
    if any(value.best for values in rows.values() for value in values):
        parts.append("The best value of each metric is bold. ")
    used = [mark for mark in MARKS if mark and any(one.mark == mark for values in rows.values() for one in values)]
    for at, mark in enumerate(used):
        parts += [", " if at else "", Sign(mark), f" significantly {mark}"]
    if not used:
        parts.append("No value differs significantly")
    than = "than" if used and "different" not in used else "from"
    parts.append(f" {than} {compared.baseline} ({_test(compared, verdicts)}).")
    return parts


def _test(compared: Compared, verdicts: Sequence[Verdict]) -> str:
    """The tests with their metrics, the correction and the level."""
    metrics: dict[str, list[str]] = {}
    for one in verdicts:
        metrics[one.test] = list(dict.fromkeys([*metrics.get(one.test, []), one.metric]))
    apart = len(set().union(*metrics.values())) == sum(map(len, metrics.values()))
    each = [f"{test} for {', '.join(of)}" if len(metrics) > 1 and apart else test for test, of in metrics.items()]
    tests = comparisons(compared.verdicts)
    method = CORRECTIONS[compared.settings.correction]
    correction = [f"{method}'s correction for {tests} comparisons"] if tests > 1 else []
    return ", ".join(
        [
            "; ".join(each) if apart else " / ".join(each),
            *correction,
            f"p < {1 - verdicts[0].confidence:.2g}".replace("0.", "."),
        ]
    )


def _missing(errors: Mapping[str, str]) -> list[str]:
    return [f" {name} did not run." for name in errors]


def paper_markdown(table: PaperTable) -> str:
    """The table as Markdown, with its caption below."""
    rows: list[tuple[str | Cell, ...]] = []
    for name, values in table.rows.items():
        cells = [Cell(fraction(one.mean) + MARKS[one.mark][0], "strong" if one.best else "") for one in values]
        rows.append((name, *cells))
    head = ("system", *table.metrics)
    shown = markdown_table(head, rows, "l" + "r" * len(table.metrics))
    caption = [MARKS[one.mark][0] if isinstance(one, Sign) else _between(one, in_markdown) for one in table.caption]
    return "\n\n".join([shown, "".join(caption)]) + "\n"


def paper_latex(table: PaperTable, *, label: str = "tab:results") -> str:
    """The table as a LaTeX environment; it needs the package ``booktabs`` and compiles with pdflatex.

    Args:
        table: what to show.
        label: for ``\\ref``.
    """
    phantoms = [{values[at].mark for values in table.rows.values()} - {""} for at in range(len(table.metrics))]
    lines = []
    for name, values in table.rows.items():
        cells = [_latex_cell(one, phantoms[at]) for at, one in enumerate(values)]
        lines.append(" & ".join([in_latex(name), *cells]) + r" \\")
    signs = [f"${MARKS[one.mark][1]}$" if isinstance(one, Sign) else _between(one, in_latex) for one in table.caption]
    head = " & ".join(["System", *map(in_latex, table.metrics)])
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs} in the preamble.",
            r"\begin{table}[t]",
            r"  \centering",
            rf"  \caption{{{''.join(signs)}}}",
            rf"  \label{{{label}}}",
            rf"  \begin{{tabular}}{{l{'r' * len(table.metrics)}}}",
            r"    \toprule",
            rf"    {head} \\",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_cell(value: Value, marks: set[Mark]) -> str:
    number = "--" if value.mean is None else fraction(value.mean).replace("-", "$-$")
    shown = rf"\textbf{{{number}}}" if value.best else number
    if value.mark:
        return f"{shown}$^{{{MARKS[value.mark][1]}}}$"
    # An invisible mark keeps the digits of the column aligned.
    return shown + (rf"\phantom{{$^{{{MARKS[min(marks)][1]}}}$}}" if marks else "")


def _between(text: str, escape: Callable[[str], str]) -> str:
    """The escaped text with the blanks at its ends."""
    return " " * text.startswith(" ") + escape(text.strip()) + " " * (text.endswith(" ") and bool(text.strip()))
