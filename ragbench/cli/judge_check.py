"""``ragbench judge check``: a judge or a signal against people's labels."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbench.cli.console import console

if TYPE_CHECKING:
    from ragbench.cli.language_models import ModelOptions
    from ragbench.harness.score_answers import Judge

EXAMPLE = """Hold a judge or a signal against people's labels.

Example: ragbench judge check --labels labels.csv --metric grounding --out reports/grounding
Example: ragbench judge check --labels labels.csv --metric column:judge_score

The labels are a JSON Lines, CSV, TSV or Parquet file with the columns answer,
contexts and label (yes or no), or votes (the labels of several people); with
--format qags, qags-summary or begin, a file of those collections. The folder of
--out holds a calibration: 'ragbench score --calibration' corrects later reports
by it. Exit code 0: checked, whatever came out; 2: an error of usage or input."""

JUDGED = "judge-answers.sqlite"


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
    max_cost: Annotated[float | None, typer.Option(help="Most to spend on the judge.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls of the judge at a time.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Folder for the report, the items and the calibration.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and resampling.")] = 0,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples, of kappa and alpha.")] = 2_000,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Hold a judge or a signal against people's labels."""
    from ragbench.answers.calibrate.label_files import read_labels
    from ragbench.answers.calibrate.label_words import Words
    from ragbench.cli.language_models import ModelOptions
    from ragbench.cli.progress import Progress
    from ragbench.cli.score import _columns
    from ragbench.core.context import Context
    from ragbench.harness.judge_check import CheckSettings, check_judge
    from ragbench.harness.judge_signal import OF_FILE, signal_of
    from ragbench.harness.score_answers import named_metrics
    from ragbench.io.cache import cache_folder
    from ragbench.report.judge import judge_json, judge_tables
    from ragbench.report.judge_files import write_check

    settings = CheckSettings(threshold, tuple(slice or ()), seed, resamples)
    if not metric.startswith(OF_FILE):
        named_metrics([metric], judge=judge is not None)
    words = Words(tuple(positive or ()), tuple(leave_out or ()))
    found = read_labels(labels, format=format, columns=_columns(columns), words=words)
    folder = cache_folder(cache)
    options = ModelOptions({} if judge is None else {"judge": judge}, base_url, concurrency,
                           max_cost=max_cost, seed=seed)  # fmt: skip
    with _judging(options, (out or folder) / JUDGED) as judging:
        signal = signal_of(
            found,
            metric,
            column=score,
            lower_is_better=lower_is_better,
            judge=judging,
            context=Context(cache=folder, seed=seed, progress=Progress()),
        )
    check = check_judge(found, signal, settings)
    if out is not None:
        write_check(check, out)
    if as_json:
        print(json.dumps(judge_json(check), ensure_ascii=False, allow_nan=False))
    else:
        console(highlight=False).print(judge_tables(check))
    if out is not None:
        print(f"written to {out}", file=sys.stderr if as_json else sys.stdout)


check_command.__doc__ = EXAMPLE


@contextmanager
def _judging(options: "ModelOptions", kept: Path) -> "Iterator[Judge | None]":
    """The judge, its answers kept so that they are paid for once; None where none is named."""
    if not options.models:
        yield None
        return
    from ragbench.cli.language_models import Models
    from ragbench.core.loop import LoopThread
    from ragbench.harness.score_answers import Judge

    kept.parent.mkdir(parents=True, exist_ok=True)
    models, loop = Models(options), LoopThread("judge")
    try:
        models.open(kept)
        yield Judge(models.clients["judge"], options.models["judge"], loop)
    finally:
        try:
            loop.run(models.aclose())
        finally:
            loop.close()
            models.close()
        for name, took in models.totals().items():
            print(f"judge {name}: {took['calls']} calls, {took['from_cache']} from the cache", file=sys.stderr)
