"""``ragbench wattbot score``: a submission against the truth, or several against each other."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ragbench.cli.console import console

HELP = """Score WattBot answers: .75 value, .15 references, .10 blank or not.

Example: ragbench wattbot score --truth datasets/energy_ai/train_QA.csv --pred solutions.csv

With several --pred each is scored and compared with the first. --compat lesson
computes the score as the published lesson does, to go on with old figures.
Exit code 0: scored; 2: an error of usage or input."""

RULES = ("strict", "lesson")


def score(
    truth: Annotated[Path, typer.Option(help="CSV file of questions with their answers.")],
    pred: Annotated[list[Path], typer.Option(help="CSV file of answers; may be repeated.")],
    compat: Annotated[str, typer.Option(help="Rules: strict or lesson.")] = "strict",
    metadata: Annotated[Path | None, typer.Option(help="metadata.csv, to tell references to unknown ids.")] = None,
    worst: Annotated[int, typer.Option(help="How many of the worst rows to show.")] = 5,
    rows: Annotated[Path | None, typer.Option(help="CSV file to write every row to.")] = None,
    margin: Annotated[float | None, typer.Option(help="Difference too small to matter, for the comparison.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of intervals and tests.")] = 0,
    resamples: Annotated[int, typer.Option(help="Of intervals and tests.")] = 10_000,
    confidence: Annotated[float, typer.Option(help="Of intervals; 1 less this is the level of tests.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Score WattBot answers."""
    from ragbench.answers.wattbot.score.summary import summarise
    from ragbench.core.errors import SettingError, did_you_mean
    from ragbench.io.files import write_bytes
    from ragbench.render.wattbot import SCHEMA_VERSION, rows_csv, score_json, score_tables

    if compat not in RULES:
        raise SettingError(f"--compat {compat!r}: there are no such rules{did_you_mean(compat, RULES)}")
    every = _scored(truth, pred, compat, metadata)
    summaries = [
        summarise(one, rules=compat, worst=worst, seed=seed, resamples=resamples, confidence=confidence)
        for one in every
    ]
    settings = {"margin": margin, "seed": seed, "resamples": resamples, "confidence": confidence}
    compared = _compared(every, compat, settings) if len(every) > 1 else None
    if rows is not None:
        # With the mark, spreadsheets read it as UTF-8.
        write_bytes(rows, rows_csv(every).encode("utf-8-sig"))
    pairs = list(zip(summaries, (one.ledger for one in every), strict=True))
    if as_json:
        from ragbench.render.compare import compare_json

        told: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "submissions": [score_json(*one) for one in pairs]}
        told["comparison"] = None if compared is None else compare_json(compared)
        print(json.dumps(told, ensure_ascii=False, allow_nan=False))
    else:
        from ragbench.render.compare import compare_tables

        out = console(highlight=False)
        for one in pairs:
            out.print(score_tables(*one))
            out.print()
        if compared is not None:
            out.print(compare_tables(compared))
    if rows is not None:
        print(f"rows written to {rows}", file=sys.stderr if as_json else sys.stdout)


score.__doc__ = HELP


def _scored(truth: Path, preds: list[Path], compat: str, metadata: Path | None) -> list[Any]:
    from ragbench.answers.wattbot.inputs import read_metadata
    from ragbench.answers.wattbot.score.lesson import read_lesson_frame, score_lesson
    from ragbench.answers.wattbot.score.sheet import read_sheet
    from ragbench.answers.wattbot.score.strict import score_strict

    names = _names(preds)
    if compat == "lesson":
        frame = read_lesson_frame(truth)
        return [
            score_lesson(frame, read_lesson_frame(path), (str(truth), name))
            for path, name in zip(preds, names, strict=True)
        ]
    documents = None if metadata is None else read_metadata(metadata).urls
    sheet = read_sheet(truth)
    return [
        score_strict(sheet, read_sheet(path, name), documents=documents)
        for path, name in zip(preds, names, strict=True)
    ]


def _names(preds: list[Path]) -> list[str]:
    """File names where they differ, else those of their folders, else whole paths."""
    from ragbench.core.errors import SettingError

    paths = [str(path) for path in preds]
    if len(set(paths)) < len(paths):
        raise SettingError("--pred names one file twice; a submission cannot be compared with itself")
    # Not resolved, which fails on a link to itself before the file's own error can be told.
    whole = [Path(os.path.normpath(path.absolute())) for path in preds]
    for names in ([path.name for path in preds], [path.parent.name for path in whole]):
        if len(set(names)) == len(names):
            return names
    return paths


def _compared(every: list[Any], compat: str, settings: dict[str, Any]) -> Any:
    """The comparison; by the lesson's rules only rows with a prediction are there, so those in common."""
    from ragbench.answers.wattbot.score.parts import METRICS
    from ragbench.answers.wattbot.score.summary import scored_run
    from ragbench.comparison.compare import CompareSettings, compare_runs

    return compare_runs(
        [scored_run(one) for one in every],
        CompareSettings(metrics=METRICS, by=("type",), examples=3, intersect=compat == "lesson", **settings),
    )
