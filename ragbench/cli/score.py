"""``ragbench score``: answers against a golden set."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """Score answers: what was said, against a golden set.

Example: ragbench score answers.jsonl --golden datasets/shop --metric token_f1 --metric citation --out reports/answers

ANSWERS is a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file
with the columns query, answer and, for citations, sources and cited. Without
--metric: exact_match, token_f1 and abstention; 'ragbench plugins' lists the
others. The folder of --out is what compare, gate and ab --runs take. Metrics that
need a judge (faithfulness and others) ask the model of --judge; add --dry-run
first: it prints calls, tokens and cost, and asks nothing. Interrupted at any
moment, the same command goes on where it was and pays nothing twice. Exit code 0:
scored; 2: an error of usage or input, or a spent budget."""

DEFAULT_METRICS = ("exact_match", "token_f1", "abstention")


def score_command(
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Folder or file of answers.")],
    golden: Annotated[Path, typer.Option(help="Golden set: a file or a folder.")],
    metric: Annotated[list[str] | None, typer.Option(help="NAME or NAME:key=value,...; may be repeated.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Documents or chunks, to find cited passages in (metric citation).")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of the answers: query=NAME,answer=NAME,...")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the system.  [default: as the answers say]")] = None,
    golden_format: Annotated[str | None, typer.Option(help="Format of the golden set, if not to be guessed.")] = None,
    judge: Annotated[str | None, typer.Option(help="Model that judges, PROVIDER:MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the judge's service, if not the provider's.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most to spend, all runs in the folder together.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of the judge, in and out together.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls of the judge at a time.")] = 8,
    rpm: Annotated[float | None, typer.Option(help="Requests per minute.")] = None,
    tpm: Annotated[float | None, typer.Option(help="Tokens per minute.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds one call may take.")] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what the judge would take; spend nothing.")] = False,
    calibration: Annotated[
        list[Path] | None, typer.Option(help="Calibration of 'ragbench judge check' to correct by; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores, details and ledger.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.")] = 10_000,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Score answers."""
    from ragbench.answers.judging import ROLE
    from ragbench.cli.score_run import Options, run
    from ragbench.models.llm.roles import CallOptions, ModelOptions

    asking = ModelOptions(
        {ROLE: judge} if judge else {},
        CallOptions(
            base_url=base_url,
            max_cost=max_cost,
            max_tokens=max_tokens,
            prices=prices,
            concurrency=concurrency,
            rpm=rpm,
            tpm=tpm,
            timeout=timeout,
        ),
        seed,
    )
    run(
        Options(
            answers=answers, golden=golden, metrics=tuple(metric or DEFAULT_METRICS), corpus=corpus, columns=columns,
            name=name, golden_format=golden_format, out=out, seed=seed, resamples=resamples, cache=cache,
            dry_run=dry_run, as_json=as_json, asking=asking, calibrations=tuple(calibration or ()),
        )
    )  # fmt: skip


score_command.__doc__ = EXAMPLE
