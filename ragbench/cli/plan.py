"""``ragbench plan``: how many queries a golden set needs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ragbench.cli.console import console

EXAMPLE = """Plan a golden set: what so many queries can show, and how many more a smaller difference takes.

Example: ragbench plan reports/shop::bm25 reports/shop::hybrid --delta .02
Example: ragbench plan --sd .3 --icc .3 --per-document 5 --queries 300

Two systems that were evaluated are the pilot: how their differences vary is
measured. Without them the figures are assumptions. Exit code 2: an error of
usage or input."""


def plan_command(
    references: Annotated[
        list[str] | None, typer.Argument(metavar="REF", help="The pilot: FOLDER, FOLDER::ARM or a run file.")
    ] = None,
    metric: Annotated[str, typer.Option(help="What the plan is of.")] = "ndcg@10",
    delta: Annotated[float | None, typer.Option(help="Difference to be shown.  [default: a smaller round one]")] = None,
    margin: Annotated[float | None, typer.Option(help="Margin of the gate, for an equally good candidate.")] = None,
    queries: Annotated[int | None, typer.Option(help="How many there are.  [default: the pilot's]")] = None,
    per_document: Annotated[
        float | None, typer.Option(help="Queries of one document.  [default: the pilot's, or 1]")
    ] = None,
    sd: Annotated[float | None, typer.Option(help="Standard deviation of differences, without a pilot.")] = None,
    icc: Annotated[
        float | None, typer.Option(help="How alike differences of one document are, 0 to 1.  [default: the pilot's]")
    ] = None,
    power: Annotated[float, typer.Option(help="Chance of showing what is there.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Level of the test.")] = 0.05,
    qrels: Annotated[Path | None, typer.Option(help="TREC labels, for run files.")] = None,
    intersect: Annotated[bool, typer.Option("--intersect", help="Use the queries both systems have.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of what tells how well the pilot knows.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Plan a golden set."""
    from ragbench.comparison.pilot import read_pilot
    from ragbench.comparison.plan import PlanSettings, make_plan
    from ragbench.render.plan import plan_json, plan_tables

    settings = PlanSettings(metric, delta, margin, queries, per_document, sd, icc, power, alpha, seed)
    pilot = read_pilot(references, metric, qrels=qrels, intersect=intersect) if references else None
    plan = make_plan(settings, pilot)
    if as_json:
        print(json.dumps(plan_json(plan), ensure_ascii=False, allow_nan=False))
        return
    console(highlight=False).print(plan_tables(plan))


plan_command.__doc__ = EXAMPLE
