"""``ragbench eval``: retrievers on a golden set."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ragbench.cli.console import console

EXAMPLE = """Evaluate retrievers on a golden set.

Example: ragbench eval --corpus datasets/shop/product_catalog.csv --golden datasets/shop
--retriever bm25 --retriever "hybrid:fusion=minmax" --out reports/shop

Without --retriever the four defaults run: bm25, dense, hybrid, rerank. Settings
are written behind a colon, "bm25:k1=1.2,b=0.75". Exit code 0: every arm ran;
2: an error of usage or input, or an arm that did not really run."""

Many = list[str] | None


def evaluate_command(
    corpus: Annotated[Path | None, typer.Option(help="File or folder of documents, or a file of chunks.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden set: a file or a folder.")] = None,
    retriever: Annotated[Many, typer.Option(help="NAME or NAME:key=value,...; may be repeated.")] = None,
    k: Annotated[str | None, typer.Option(help="Cut-offs.  [default: 1,5,10,100]")] = None,
    metric: Annotated[Many, typer.Option(help="Metric such as ndcg@10; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results, runs and scores.")] = None,
    chunker: Annotated[str | None, typer.Option(help="NAME or NAME:key=value,...  [default: auto]")] = None,
    loader: Annotated[str | None, typer.Option(help="Loader of the corpus, if not to be guessed.")] = None,
    golden_format: Annotated[str | None, typer.Option(help="Format of the golden set, if not to be guessed.")] = None,
    golden_columns: Annotated[
        str | None, typer.Option(help="Columns of a simple or CSV set: query=NAME,document=NAME,...")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Which qrels of a BEIR folder.  [default: test]")] = None,
    queries: Annotated[Path | None, typer.Option(help="File of the queries, for TREC qrels.")] = None,
    exclude_source: Annotated[
        bool | None, typer.Option("--exclude-source", help="Leave the chunk a query was written from out.")
    ] = None,
    level: Annotated[str | None, typer.Option(help="Judge chunk or document.  [default: auto]")] = None,
    overlap: Annotated[float | None, typer.Option(help="Share that makes a chunk relevant.  [default: 0.5]")] = None,
    ties: Annotated[str | None, typer.Option(help="trec or expected.  [default: trec]")] = None,
    allow_missing: Annotated[bool | None, typer.Option("--allow-missing", help="Missing documents: go on.")] = None,
    drop_self: Annotated[bool | None, typer.Option("--drop-self", help="Drop the query's own document.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.  [default: 0]")] = None,
    resamples: Annotated[int | None, typer.Option(help="Bootstrap resamples.  [default: 10000]")] = None,
    jobs: Annotated[int | None, typer.Option(help="Arms at a time.  [default: 1]")] = None,
    fresh: Annotated[bool | None, typer.Option("--fresh", help="Run again what is stored.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with these options; the command line wins.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Evaluate retrievers on a golden set."""
    given = {
        "corpus": corpus, "golden": golden, "retrievers": retriever, "k": k, "metrics": metric, "out": out,
        "chunker": chunker, "loader": loader, "golden_format": golden_format, "golden_columns": golden_columns,
        "split": split, "queries": queries,
        "exclude_source": exclude_source, "level": level,
        "overlap": overlap, "ties": ties, "allow_missing": allow_missing, "drop_self": drop_self, "seed": seed,
        "resamples": resamples, "jobs": jobs, "fresh": fresh, "cache": cache,
    }  # fmt: skip
    run({key: value for key, value in given.items() if value is not None}, config, as_json)


evaluate_command.__doc__ = EXAMPLE


def run(given: dict[str, Any], config: Path | None, as_json: bool) -> None:
    """Read, evaluate, write, print."""
    from ragbench.cli.eval_config import EvalConfig
    from ragbench.cli.progress import Progress
    from ragbench.core.context import Context
    from ragbench.io.places import cache_folder
    from ragbench.render.evaluation import ReportFolder, evaluation_json
    from ragbench.workflows.evaluate import evaluate, named

    wanted = EvalConfig.merged(config, given)
    named(wanted.retrievers)
    say = _say(as_json)
    cache = cache_folder(wanted.cache)
    golden = wanted.load_golden()
    chunks = wanted.load_chunks(say)
    folder = ReportFolder(wanted.out, wanted.inputs) if wanted.out is not None else None
    evaluation = evaluate(
        chunks,
        golden,
        wanted.retrievers,
        wanted.settings,
        context=Context(cache=cache, progress=Progress()),
        on_arm=folder.arm if folder else None,
    )
    if folder is not None:
        folder.finish(evaluation)
    if as_json:
        print(json.dumps(evaluation_json(evaluation), ensure_ascii=False))
    else:
        from ragbench.render.evaluation import evaluation_tables

        console().print(evaluation_tables(evaluation))
    if folder is not None:
        say(f"written to {folder.folder}")
    if evaluation.failed:
        for arm in evaluation.failed if as_json else ():
            print(f"error: {arm.name} did not run: {arm.error}", file=sys.stderr)
        raise typer.Exit(2)


def _say(as_json: bool) -> Any:
    return lambda text: print(text, file=sys.stderr if as_json else sys.stdout)
