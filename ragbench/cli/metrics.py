"""``ragbench metrics``: score run files, with no corpus and no query texts."""

import sys
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.metrics import Options, ScoredRuns

HELP = """Score run files against relevance labels.

Example:
  ragbench metrics qrels.txt bm25.run dense.run
  ragbench metrics --format trec_eval -q -m official qrels.txt bm25.run

It needs no corpus and no query texts. The table shows the runs side by side,
averaged over all judged queries that have a relevant item. The format trec_eval
prints what trec_eval prints, for scripts. Exit code 2: an error of usage or
input."""


def show(options: "Options", scored: "ScoredRuns", output: Output) -> None:
    """Print the scores."""
    if options.trec:
        _show_trec(options, scored, output)
    elif output.as_json:
        from ragbench.render.metrics import metrics_json

        output.object(metrics_json(scored.scores, scored.notes, per_query=options.per_query))
    else:
        from ragbench.render.metrics import metrics_tables

        tables = metrics_tables(
            scored.scores, scored.notes, per_query=options.per_query, summary=not options.no_summary
        )
        output.table(tables)


def _show_trec(options: "Options", scored: "ScoredRuns", output: Output) -> None:
    """Print what trec_eval prints, and nothing else on standard output."""
    if output.as_json:
        from ragbench.render.metrics import trec_json

        output.object(trec_json(scored.trec, scored.notes, per_query=options.per_query))
        return
    for note in scored.notes:
        output.error(f"warning: {note}")
    for one in scored.trec.values():
        lines = one.lines(per_query=options.per_query, summary=not options.no_summary)
        sys.stdout.writelines(f"{line}\n" for line in lines)
