"""``ragbench compare``: better, worse, equivalent, or not shown."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ragbench.cli.console import console

EXAMPLE = """Compare systems that were evaluated: better, worse, equivalent, or no difference shown.

Example: ragbench compare reports/shop::bm25 reports/shop::hybrid --by type --by length

A reference is the folder of 'ragbench eval --out' (all its arms), FOLDER::ARM, or
with --qrels a run file. The first system is the baseline. Exit code 0 whatever
the verdict (for a decision in CI use gate); 2: an error of usage or input, or a
system that did not run."""

EXAMPLES_OF_ONE = 3


def compare_command(
    references: Annotated[list[str], typer.Argument(metavar="REF", help="FOLDER, FOLDER::ARM or a run file.")],
    baseline: Annotated[str | None, typer.Option(help="Name of the system to compare with.  [default: first]")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="May be repeated.  [default: ndcg@10]")] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Cut by type, length, document or a metadata column; may be repeated.")
    ] = None,
    correction: Annotated[str, typer.Option(help="holm, bh, tukey (all pairs) or none.")] = "holm",
    test: Annotated[str, typer.Option(help="auto, sign-flip, t, wilcoxon, sign or mcnemar.")] = "auto",
    margin: Annotated[float | None, typer.Option(help="Difference too small to matter: tests equivalence.")] = None,
    examples: Annotated[
        int | None, typer.Option(help="Gains and losses to show.  [default: 3 for two systems]")
    ] = None,
    intersect: Annotated[bool, typer.Option("--intersect", help="Compare the queries in common.")] = False,
    qrels: Annotated[Path | None, typer.Option(help="TREC labels, for run files.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of bootstrap and test.")] = 0,
    resamples: Annotated[int, typer.Option(help="Of bootstrap and test.")] = 10_000,
    confidence: Annotated[float, typer.Option(help="Of intervals; 1 less this is the level of tests.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="Markdown file to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Compare systems that were evaluated."""
    from ragbench.comparison.compare import CompareSettings, compare_runs
    from ragbench.comparison.references import read_references, with_baseline
    from ragbench.io.files import write_text
    from ragbench.render.compare import compare_json, compare_markdown, compare_tables
    from ragbench.render.evaluation import headline

    runs = read_references(references, qrels=qrels, metrics=metric or ["ndcg@10"])
    if baseline is not None:
        runs = with_baseline(runs, baseline)
    available = runs[0].scores.metrics
    settings = CompareSettings(
        metrics=tuple(metric or ([headline(available)] if available else ["ndcg@10"])),
        by=tuple(dict.fromkeys(by or [])),
        correction=correction,
        test=test,
        margin=margin,
        examples=examples if examples is not None else EXAMPLES_OF_ONE if len(runs) == 2 else 0,
        intersect=intersect,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
    )
    compared = compare_runs(runs, settings)
    if out is not None:
        write_text(out, compare_markdown(compared))
    if as_json:
        print(json.dumps(compare_json(compared), ensure_ascii=False, allow_nan=False))
    else:
        console().print(compare_tables(compared))
    if out is not None:
        print(f"written to {out}", file=sys.stderr if as_json else sys.stdout)
    for name, error in compared.failed.items():
        print(f"error: {name} did not run: {error}", file=sys.stderr)
    if compared.failed:
        raise typer.Exit(2)


compare_command.__doc__ = EXAMPLE
