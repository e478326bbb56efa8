"""``ragbench score``: answers against a golden set."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.answers.judging import JudgePlan
    from ragbench.workflows.score import Options, ScoredAnswers

HELP = """Score the answers of a system against a golden set.

Example:
  ragbench score answers.jsonl --golden datasets/shop --metric token_f1 --metric citation --out reports/answers

ANSWERS is a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file
with the columns query, answer and, for citations, sources and cited. 'ragbench
plugins' lists the metrics. The commands compare, gate and ab --runs take the
folder of --out.

Some metrics, such as faithfulness, ask the model of --judge. Add --dry-run
first: it prints calls, tokens and cost, and asks no model. If a run is
interrupted, run the same command again: it continues, and nothing is paid twice.

Exit code 0: scored; 2: an error of usage or input, or a spent budget."""


def show(options: "Options", result: "ScoredAnswers | JudgePlan", output: Output) -> None:
    """Print the scores, or what the judge would take. A judge that stopped early is an error."""
    from ragbench.answers.judging import JudgePlan
    from ragbench.core.errors import RagbenchError
    from ragbench.render.answers import answers_json, answers_tables

    if isinstance(result, JudgePlan):
        show_plan(result, output, {"version": 1})
        return
    if output.as_json:
        models = {"models": result.totals} if result.totals else {}
        output.object({**answers_json(result.evaluation), **models})
    else:
        output.table(answers_tables(result.evaluation, result.totals), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.evaluation.stopped:
        raise RagbenchError(result.evaluation.stopped)


def show_plan(plan: "JudgePlan", output: Output, version: Mapping[str, int]) -> None:
    """Print what the judge would take. ``version`` is the version of the JSON object, under its key."""
    from ragbench.render.answers import judge_plan_lines

    if output.as_json:
        output.object({**version, "plan": vars(plan.estimate)})
        return
    for line in judge_plan_lines(plan):
        output.say(line)
