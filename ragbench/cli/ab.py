"""``ragbench ab``: an online experiment, or two evaluation runs, to a recommendation."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ragbench.cli.console import console

PIPE_WIDTH = 100
HELP = """Analyse an A/B test: promote the challenger, roll back, or go on?

Example: ragbench ab datasets/experiment/events.csv --outcome converted
--outcome order_value --guardrail latency_ms:max_increase=5%

EVENTS has one row per event: who (user_id), which variant (variant_id), and
outcomes. A column of 0 and 1 is a rate of units, a column of numbers a mean of
the units' totals, A/B a ratio of totals. The first --outcome decides.
With --runs A B two evaluations of the same queries are compared instead.
Exit code 0: promote; 1: roll back; 3: go on, or no verdict; 2: an error."""

Many = list[str] | None
EXIT = {"promote": 0, "roll back": 1, "go on": 3, "no verdict": 3}


def ab(
    events: Annotated[Path | None, typer.Argument(help="CSV or Parquet file, one row per event.")] = None,
    runs: Annotated[tuple[str, str], typer.Option(
        metavar="A B", help="Instead of events: two runs of 'ragbench eval', FOLDER::ARM.")] = ("", ""),
    unit: Annotated[str, typer.Option(help="Column of the unit, or 'row'.  [default: user_id]")] = "",
    variant: Annotated[str, typer.Option(help="Column of the variant.  [default: variant_id]")] = "",
    outcome: Annotated[Many, typer.Option(
        help="COLUMN or A/B, with :any, :sum, :mean or :lower; repeatable.  [default: converted, order_value]")] = None,
    guardrail: Annotated[Many, typer.Option(help="COLUMN:max_increase=5% or COLUMN:max_decrease=0.01.")] = None,
    before: Annotated[Many, typer.Option(help="Pre-period COLUMN for CUPED, or OUTCOME=COLUMN.")] = None,
    time: Annotated[str, typer.Option(help="Column of the time, for the rate of arrival.  [default: timestamp]")] = "",
    control: Annotated[str, typer.Option(help="Name of the control.  [default: found by its name]")] = "",
    split: Annotated[str, typer.Option(help="Promised shares: control=50,treatment=50.  [default: equal]")] = "",
    effect: Annotated[str, typer.Option(help="Smallest effect that matters on the first outcome: 2%.")] = "",
    final: Annotated[bool, typer.Option("--final", help="This is the only look: the one-look tests decide.")] = False,
    over_time: Annotated[bool, typer.Option("--over-time", help="Also by day, and of all units so far.")] = False,
    horizon: Annotated[int, typer.Option(help="Units at which any-look tests are sharpest; fix it first.")] = 10_000,
    alpha: Annotated[float, typer.Option(help="Error rate of the verdict.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance of finding the effect, for planning.")] = 0.8,
    srm_alpha: Annotated[float, typer.Option(help="Below this p the split is broken.")] = 0.001,
    max_mixed: Annotated[str, typer.Option(help="Share of units in two variants that is borne.")] = "1%",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Analyse an A/B test."""
    from ragbench.comparison.ab.analyse import analyse
    from ragbench.comparison.ab.outcomes import number, parse_guardrail, parse_outcome
    from ragbench.comparison.ab.settings import AbSettings
    from ragbench.core.errors import SettingError

    settings = AbSettings(
        unit=unit, variant=variant, time=time, control=control,
        outcomes=tuple(parse_outcome(text) for text in outcome or ()),
        guardrails=tuple(parse_guardrail(text) for text in guardrail or ()),
        before=_pairs(before or []),
        split={name: number(value, "--split") for name, value in _named(split).items()},
        effect=number(effect, "--effect: a share of the control such as 2% or 0.02") if effect else None,
        most_mixed=number(max_mixed, "--max-mixed"),
        alpha=alpha, srm_alpha=srm_alpha, power=power, horizon=horizon, final=final,
        over_time=over_time,
    )  # fmt: skip
    if any(runs):
        if events is not None:
            raise SettingError("give a file of events or --runs, not both")
        _paired(runs, settings, as_json)
    if events is None:
        raise SettingError("name a file of events, for example: ragbench ab datasets/experiment/events.csv")
    result = analyse(events, settings)
    _print(result, as_json)
    raise typer.Exit(EXIT[result.recommendation.decision])


ab.__doc__ = HELP


def _paired(runs: tuple[str, str], settings: Any, as_json: bool) -> NoReturn:
    """Two evaluation runs over the same queries."""
    from ragbench.comparison.ab.paired_runs import analyse_runs
    from ragbench.comparison.references import read_references
    from ragbench.render.ab import paired_json, paired_tables

    metrics = [outcome.column for outcome in settings.outcomes] or ["ndcg@10"]
    scored = read_references(list(runs), qrels=None, metrics=metrics)
    result = analyse_runs(scored, metrics, settings.guardrails, alpha=settings.alpha)
    if as_json:
        print(json.dumps(paired_json(result), ensure_ascii=False, allow_nan=False))
    else:
        console(pipe_width=PIPE_WIDTH, highlight=False).print(paired_tables(result))
    raise typer.Exit(EXIT[result.recommendation.decision])


def _print(result: Any, as_json: bool) -> None:
    if as_json:
        from ragbench.render.ab import ab_json

        print(json.dumps(ab_json(result), ensure_ascii=False, allow_nan=False))
        return
    from ragbench.render.ab import ab_tables

    console(pipe_width=PIPE_WIDTH, highlight=False).print(ab_tables(result))


def _pairs(texts: list[str]) -> dict[str, str]:
    """``pre`` is for every outcome, under the empty name; ``OUTCOME=pre`` for one."""
    found = {}
    for text in texts:
        name, is_named, column = text.partition("=")
        found[name if is_named else ""] = column if is_named else name
    return found


def _named(text: str) -> dict[str, str]:
    from ragbench.core.errors import SettingError

    found = {}
    for part in filter(None, text.split(",")):
        name, is_named, weight = part.rpartition("=")
        if not is_named:
            raise SettingError(f"--split {text!r}: write it as control=50,treatment=50")
        found[name.strip()] = weight.strip()
    return found
