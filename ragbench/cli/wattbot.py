"""``ragbench wattbot``: answer the questions of the WattBot task, and score submissions."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.answers.wattbot.run import Indexed, Planned, Submission
    from ragbench.workflows.wattbot import RunOptions, ScoredSubmissions, ScoreOptions

HELP_RUN = """Answer WattBot questions from reports, with a language model.

Example:
  ragbench wattbot run --metadata datasets/energy_ai/metadata.csv --documents datasets/energy_ai/pdf \\
    --questions datasets/energy_ai/test_Q.csv --llm openai:gpt-4o-mini --max-cost 1 --out runs/energy

The stages are chunks, embeddings and answers; --until ends after one of them.
Add --dry-run first: it prints calls, tokens and cost, and asks no model. If a
run is interrupted, run the same command again: it continues, and nothing is
paid twice.

Exit code 0: the stage is done; 2: an error of usage or input, or a spent budget."""

HELP_SCORE = """Score WattBot submissions: .75 value, .15 references, .10 blank or not.

Example:
  ragbench wattbot score --truth datasets/energy_ai/train_QA.csv --pred solutions.csv

If you give --pred several times, every later submission is compared with the
first. --compat lesson scores as the published lesson does, so that you can
continue a series of its scores.

Exit code 0: scored; 2: an error of usage or input."""


def show_run(options: "RunOptions", result: "Submission | Planned | Indexed", output: Output) -> None:
    """Print the numbers of documents and chunks, and what was answered or would be asked."""
    from ragbench.answers.wattbot.run import PAGES_LEDGER, Indexed
    from ragbench.render.wattbot import run_json, run_lines

    if output.as_json:
        output.object(run_json(result, options.out))
        return
    first, *others = run_lines(result, options.out)
    output.say(first)
    indexed = result if isinstance(result, Indexed) else result.indexed
    for code, count in indexed.skipped.counts().items():
        output.error(f"skipped: {count} x {code} ({PAGES_LEDGER})")
    for line in others:
        output.say(line)


def show_score(options: "ScoreOptions", result: "ScoredSubmissions", output: Output) -> None:
    """Print the score of each submission, and the comparison if there are several."""
    from ragbench.render.compare import compare_json, compare_tables
    from ragbench.render.wattbot import SCHEMA_VERSION, score_json, score_tables

    pairs = [(summary, one.ledger) for summary, one in zip(result.summaries, result.scored, strict=True)]
    comparison = result.comparison
    if output.as_json:
        output.object(
            {
                "schema_version": SCHEMA_VERSION,
                "submissions": [score_json(*one) for one in pairs],
                "comparison": None if comparison is None else compare_json(comparison),
            }
        )
    else:
        for one in pairs:
            output.table(score_tables(*one))
            output.say("")
        if comparison is not None:
            output.table(compare_tables(comparison))
    if options.rows is not None:
        output.say(f"rows written to {options.rows}")
