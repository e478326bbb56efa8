"""``ragbench judge``: check a judge against the labels of annotators."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output
from ragbench.cli.score import show_plan

if TYPE_CHECKING:
    from ragbench.answers.judging import JudgePlan
    from ragbench.workflows.check_judge import CheckedJudge, Options

HELP_CHECK = """Compare a judge, or any other score of answers, with the labels of annotators.

Examples:
  ragbench judge check --labels labels.csv --metric grounding --out reports/grounding
  ragbench judge check --labels labels.csv --metric column:judge_score

The labels are a JSON Lines, CSV, TSV or Parquet file with the columns answer,
contexts and label (yes or no), or votes (the labels of several annotators).
Files of the collections QAGS and BEGIN are read with --format.

The folder of --out holds a calibration: 'ragbench score --calibration' uses it
to correct later reports.

Exit code 0: checked, whatever the result; 2: an error of usage or input, or a
spent budget."""


def show_check(options: "Options", result: "CheckedJudge | JudgePlan", output: Output) -> None:
    """Print the check, or what the judge would take. A judge that stopped early is an error."""
    from ragbench.answers.judging import JudgePlan
    from ragbench.core.errors import RagbenchError
    from ragbench.render.judge import SCHEMA_VERSION, judge_json, judge_tables

    if isinstance(result, JudgePlan):
        show_plan(result, output, {"schema_version": SCHEMA_VERSION})
        return
    if output.as_json:
        models = {"models": result.totals} if result.totals else {}
        output.object({**judge_json(result.check), **models})
    else:
        output.table(judge_tables(result.check, result.totals))
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.check.signal.stopped:
        raise RagbenchError(result.check.signal.stopped)
