"""``ragbench answer``: answer the questions of a golden set."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.answer import AnswerPlan, AnswerResult, Options

HELP = """Answer the questions of a golden set from documents, or import answers made elsewhere.

Example:
  ragbench answer --corpus docs/ --golden golden/docs --retriever hybrid
      --llm openai:gpt-4o-mini --k 5 --max-cost 10 --out answers/run1

With --endpoint URL, a running RAG service answers instead (see
docs/reference/answers-http.md), and the times to the first and the last piece are
kept. With --answers FILE, answers of another system (JSON Lines, CSV or Parquet)
are converted to the same format. Run it with --dry-run first: it searches, prints
calls, tokens and cost, and asks no model. If a run is interrupted, repeat the
command: it continues where it was, and no answer is paid for twice. Exit code 0:
the answers were written (failed queries are counted, and listed in
ledger.jsonl); 2: an error, or a spent budget."""


def show(options: "Options", result: "AnswerResult | AnswerPlan", output: Output) -> None:
    """Print the counts of a run, or the estimate of a dry run."""
    from ragbench.render.answers import answering_json, answering_lines, answering_plan_lines
    from ragbench.workflows.answer import AnswerPlan

    if isinstance(result, AnswerPlan):
        if output.as_json:
            output.object({"version": 1, "not_asked": result.settled, "plan": vars(result.estimate)})
            return
        lines = [*answering_plan_lines(result.estimate, result.settled)]
    else:
        if output.as_json:
            output.object(answering_json(result.answers, result.totals, options.out))
            return
        lines = [*answering_lines(result.answers, result.totals), f"written to {options.out}"]
    for line in lines:
        output.say(line)
