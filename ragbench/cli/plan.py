"""``ragbench plan``: how many queries a golden set needs."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.gate.forecast import Forecast
    from ragbench.comparison.plan import Plan
    from ragbench.workflows.plan import Options

HELP = """Find out how many queries a golden set needs.

Example:
  ragbench plan reports/shop::bm25 reports/shop::hybrid --delta .02
  ragbench plan --metric hit@10 --level .84 --margin .04
  ragbench plan --qrels qrels.txt --level .5
  ragbench plan --rules gate.yaml --baseline main

Two systems that were evaluated are the pilot: the plan measures how their
differences vary. Without a pilot the figures are assumptions, from the level of
the metric, or from --sd. With --rules, it is the chance that a gate passes a
candidate as good as the baseline. Exit code 2: an error of usage or input."""


def show(options: "Options", plan: "Plan | Forecast", output: Output) -> None:
    """Print the plan."""
    from ragbench.comparison.gate.forecast import Forecast
    from ragbench.render.forecast import forecast_json, forecast_table
    from ragbench.render.plan import plan_json, plan_tables

    if output.as_json:
        output.object(forecast_json(plan) if isinstance(plan, Forecast) else plan_json(plan))
    else:
        output.table(forecast_table(plan) if isinstance(plan, Forecast) else plan_tables(plan))
