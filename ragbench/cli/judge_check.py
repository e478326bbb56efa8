"""``ragbench judge check``: a judge or a signal against people's labels."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """Hold a judge or a signal against people's labels.

Example: ragbench judge check --labels labels.csv --metric grounding --out reports/grounding

Example: ragbench judge check --labels labels.csv --metric column:judge_score

The labels are a JSON Lines, CSV, TSV or Parquet file with the columns answer,
contexts and label (yes or no), or votes (the labels of several people); with
--format qags, qags-summary or begin, a file of those collections. The folder of
--out holds a calibration: 'ragbench score --calibration' corrects later reports
by it. Exit code 0: checked, whatever came out; 2: an error of usage or input, or
a spent budget."""


def check_command(
    labels: Annotated[list[Path], typer.Option(help="File of labelled answers; may be repeated.")],
    metric: Annotated[str, typer.Option(help="NAME or NAME:key=value,... of an answer metric, or column:NAME.")],
    format: Annotated[str, typer.Option(help="table, qags, qags-summary or begin.")] = "table",
    columns: Annotated[str | None, typer.Option(help="Columns of the labels: label=NAME,answer=NAME,...")] = None,
    positive: Annotated[list[str] | None, typer.Option(help="Label that means yes; may be repeated.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="Label to leave out; may be repeated.")] = None,
    score: Annotated[str | None, typer.Option(help="Which one, of a metric that gives several columns.")] = None,
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="Low scores mean yes.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Yes from this score on.  [default: chosen]")] = None,
    slice: Annotated[list[str] | None, typer.Option(help="Column to cut the figures by; may be repeated.")] = None,
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
    out: Annotated[Path | None, typer.Option(help="Folder for the report, the items and the calibration.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and resampling.")] = 0,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples, of kappa and alpha.")] = 2_000,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Hold a judge or a signal against people's labels."""
    from ragbench.answers.judge_check.check import CheckSettings
    from ragbench.answers.judge_check.labels import Words
    from ragbench.answers.judging import ROLE
    from ragbench.cli.judge_check_run import Options, run
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
            labels=tuple(labels), metric=metric, format=format, columns=columns,
            words=Words(tuple(positive or ()), tuple(leave_out or ())), score=score, lower_is_better=lower_is_better,
            settings=CheckSettings(threshold, tuple(slice or ()), seed, resamples), out=out, cache=cache,
            dry_run=dry_run, as_json=as_json, asking=asking,
        )
    )  # fmt: skip


check_command.__doc__ = EXAMPLE
