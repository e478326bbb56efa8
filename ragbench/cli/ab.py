"""``ragbench ab``: an online experiment, or two evaluation runs, to a recommendation."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.ab.paired_runs import PairedResult
    from ragbench.comparison.ab.results import AbResult
    from ragbench.workflows.ab import Options

HELP = """Analyse an A/B test: promote the challenger, roll back, or go on?

Example:
  ragbench ab datasets/experiment/events.csv --outcome converted --guardrail latency_ms:max_increase=5%

EVENTS has one row per event: the unit (user_id), the variant (variant_id), and
outcomes. A column of 0 and 1 is a rate of units, a column of numbers is a mean of
the units' totals, and A/B is a ratio of totals. The first --outcome decides.
--runs A B compares two evaluations of the same queries instead. Exit code 0:
promote; 1: roll back; 3: go on, or no verdict; 2: an error of usage or input."""

PIPE_WIDTH = 100
EXIT = {"promote": 0, "roll back": 1, "go on": 3, "no verdict": 3}


def show(options: "Options", result: "AbResult | PairedResult", output: Output) -> int:
    """Print the analysis, and give the exit code of its recommendation."""
    from ragbench.comparison.ab.results import AbResult
    from ragbench.render.ab import ab_json, ab_tables, paired_json, paired_tables

    if output.as_json:
        output.object(ab_json(result) if isinstance(result, AbResult) else paired_json(result))
    else:
        shown = ab_tables(result) if isinstance(result, AbResult) else paired_tables(result)
        output.table(shown, pipe_width=PIPE_WIDTH)
    return EXIT[result.recommendation.decision]
