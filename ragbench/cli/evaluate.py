"""What ``eval``, ``metrics`` and ``report`` print, and their help."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.core.evaluations import Evaluation
    from ragbench.core.experiments import Experiments
    from ragbench.workflows.evaluate import Options as EvalOptions
    from ragbench.workflows.experiments import Options as ExperimentsOptions
    from ragbench.workflows.metrics import Options as MetricsOptions
    from ragbench.workflows.metrics import ScoredRuns
    from ragbench.workflows.report import Options as ReportOptions
    from ragbench.workflows.report import Report

HELP_EVAL = """Evaluate retrievers on a golden set.

Examples:
  ragbench eval --corpus datasets/shop/product_catalog.csv --golden datasets/shop
      --retriever bm25 --retriever "hybrid:fusion=minmax" --out reports/shop
  ragbench eval --config experiments.yaml --out reports/experiments

Without --retriever the four defaults run: bm25, dense, hybrid and rerank. Write
the settings of a retriever behind a colon: "bm25:k1=1.2,b=0.75". A file of
--config may list named systems, and each is compared with the one before
(docs/guides/evaluate.md). The tables fit on one screen; --all-metrics prints all of
them, and --out keeps them in summary.md. Exit code 0: every system ran; 2: an error
of usage or input, or a system that did not run."""


def show_eval(options: "EvalOptions", evaluation: "Evaluation", output: Output) -> int:
    """Print the evaluation. Give 2 if a system did not run."""
    if output.as_json:
        from ragbench.render.evaluation import evaluation_json

        output.object(evaluation_json(evaluation))
    else:
        from ragbench.render.evaluation import evaluation_tables

        output.table(evaluation_tables(evaluation, all_metrics=options.all_metrics, out=options.out))
    if options.out is not None:
        output.say(f"written to {options.out}")
    for arm in evaluation.failed if output.as_json else ():
        output.error(f"error: {arm.name} did not run: {arm.error}")
    return 2 if evaluation.failed else 0


HELP_METRICS = """Score run files against relevance labels.

Example:
  ragbench metrics qrels.txt bm25.run dense.run
  ragbench metrics --format trec_eval -q -m official qrels.txt bm25.run

It needs no corpus and no query texts. The table shows the runs side by side,
averaged over all judged queries that have a relevant item. The format trec_eval
prints what trec_eval prints, for scripts. Exit code 2: an error of usage or
input."""


def show_metrics(options: "MetricsOptions", scored: "ScoredRuns", output: Output) -> None:
    """Print the scores."""
    if options.trec:
        _show_trec(options, scored, output)
    elif output.as_json:
        from ragbench.render.metrics import metrics_json

        output.object(metrics_json(scored.scores, scored.notes, per_query=options.per_query, holes=scored.holes))
    else:
        from ragbench.render.metrics import metrics_tables

        tables = metrics_tables(
            scored.scores, scored.notes, per_query=options.per_query, summary=not options.no_summary,
            holes=scored.holes,
        )  # fmt: skip
        output.table(tables)


def _show_trec(options: "MetricsOptions", scored: "ScoredRuns", output: Output) -> None:
    """Print what trec_eval prints, and nothing else on standard output."""
    if output.as_json:
        from ragbench.render.metrics import trec_json

        output.object(trec_json(scored.trec, scored.notes, per_query=options.per_query))
        return
    for note in scored.notes:
        output.error(f"warning: {note}")
    for one in scored.trec.values():
        lines = one.lines(per_query=options.per_query, summary=not options.no_summary)
        output.lines("\n".join(lines))


HELP_REPORT = """Write evaluations as one HTML page that you can send: it loads nothing from anywhere.

Examples:
  ragbench report reports/shop --out report.html
  ragbench report reports/shop --baseline bm25 --latex results.tex

RUN is the folder of 'ragbench eval --out' or 'ragbench score --out' (all its
systems), or FOLDER::ARM. The first system is the baseline. An evaluation does not
keep texts, but it records where its corpus, golden set and answers are: the page
shows what is still there and unchanged. You can name inputs that were moved; their
fingerprints must be those that were evaluated. Exit code 0: written; 2: an error
of usage or input."""


def show_report(options: "ReportOptions", report: "Report", output: Output) -> None:
    """Print what was written, and which texts the page does not show."""
    from ragbench.render.html.page import written_json

    if output.as_json:
        written = written_json(report.page, report.figures, report.markdown, report.missing)
        output.object({**written, "tables": list(map(str, report.tables))})
        return
    if options.figures is not None:
        output.say(f"{len(report.figures)} figures written to {options.figures}")
    if report.markdown is not None:
        output.say(f"comment written to {report.markdown}")
    for path in report.tables:
        output.say(f"table written to {path}")
    for line in report.missing:
        output.say(f"note: {line}")
    output.say(f"written to {report.page} ({report.page.stat().st_size / 1e6:.1f} MB)")


HELP_EXPERIMENTS = """List the systems of every evaluation in one table, oldest first.

Example:
  ragbench experiments reports --golden shop --system "bm25*" --out over-time.html

FOLDER is searched for the folders of 'ragbench eval --out' and the other commands
that write evaluations; reports is the default. Scores of different golden sets do
not compare: choose one with --golden. --out writes a chart of the metric over
time. To find out whether two evaluations differ, use 'ragbench compare'. Exit code
0: listed, also if folders could not be read, which are named; 2: an error of
usage or input."""


def show_experiments(options: "ExperimentsOptions", experiments: "Experiments", output: Output) -> None:
    """Print the table, and write the chart."""
    if output.as_json:
        from ragbench.render.experiments import experiments_json

        output.object(experiments_json(experiments))
    else:
        from ragbench.render.experiments import experiments_table

        output.table(experiments_table(experiments))
    if options.out is not None:
        from ragbench.render.charts.experiments import experiments_chart, experiments_frame
        from ragbench.render.figures import write_chart_page

        write_chart_page(experiments_chart(experiments_frame(experiments), experiments), options.out)
        output.say(f"written to {options.out}")
