"""Audits of golden sets, golden sets in other formats, and corpora without their masked text."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ragbench.api.bind import call
from ragbench.api.documents import CORPUS
from ragbench.api.views import TableView, html_table
from ragbench.golden.audit.audit import Audit
from ragbench.workflows import audit as audit_workflow
from ragbench.workflows import export as export_workflow
from ragbench.workflows import without_masked as without_workflow

GOLDEN = "a path of a golden set, or a golden set, as rb.load_golden(path) reads one"
CALLED = {"golden": GOLDEN, "corpus": CORPUS, "other": GOLDEN, "human": GOLDEN}

audit = call("audit", audit_workflow.Options, audit_workflow.run, called=CALLED)
export = call("export", export_workflow.Options, export_workflow.run, called=CALLED)
without_masked = call("without_masked", without_workflow.Options, without_workflow.run, called=CALLED)


class AuditView(TableView):
    """One row per finding, the worst first."""

    def frame(self, thing: Audit) -> Any:
        """Columns ``severity``, ``code``, ``message``, ``action``."""
        import pandas as pd

        rows = [(one.severity, one.code, one.message, one.action) for one in thing.findings]
        return pd.DataFrame(rows, columns=["severity", "code", "message", "action"])

    def sentences(self, thing: Audit) -> Sequence[str]:
        """The contents of the set, and how it agrees with human queries."""
        types = ", ".join(f"{count} {name or 'untyped'}" for name, count in thing.mix.types.items())
        lines = [
            f"Golden set {thing.golden}: {thing.mix.queries:,} queries ({types}) from {thing.mix.units:,} "
            f"independent sources; the median query has {thing.mix.words['p50']:g} words",
        ]
        if thing.leak is not None:
            share = thing.leak.document["mean"]
            lines.append(f"On average, a query shares {share:.0%} of its content words with its document")
        if thing.sibling_grades is not None:
            graded = thing.sibling_grades
            lines.append(f"{graded.model} found an answer in {graded.answering} of {len(graded.grades)} unjudged items")
        if thing.validity is not None:
            tau, ceiling = thing.validity.tau, thing.validity.ceiling
            lines.append(f"Kendall's tau with human queries is {tau.tau:.2f}; their halves agree at {ceiling.tau:.2f}")
        if not thing.findings:
            lines.append("Nothing was found")
        return lines

    def html(self, thing: Audit) -> str:
        """The findings in full, and below them the metric by the share of words."""
        found = "".join(
            f"<li><b>{escape(one.severity)}</b> {escape(one.code)}: {escape(one.message)}<br>"
            f"&rarr; {escape(one.action)}</li>"
            for one in thing.findings
        )
        above = "".join(f"<p>{escape(line)}</p>" for line in self.sentences(thing))
        return above + (f"<ul>{found}</ul>" if found else "") + _bands(thing)


def _bands(thing: Audit) -> str:
    """The metric by the share of words that queries have in common with their document."""
    if thing.leak is None or not thing.leak.bands:
        return ""
    import pandas as pd

    rows = [
        {"shared words": f"{band.low:.2f} to {band.high:.2f}", "queries": band.queries, **band.means}
        for band in thing.leak.bands
    ]
    return f"<p>Mean {escape(thing.leak.metric)} by shared words:</p>" + html_table(pd.DataFrame(rows))
