"""``ragbench generate``: write a golden set from documents."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.generate import GenerateResult, Options, Plan

HELP = """Write a golden set from documents, by a language model or without one.

Example:
  ragbench generate --corpus docs/ --out golden/docs
  ragbench generate --corpus docs/ --seed-queries seeds.txt --llm openai:gpt-4o-mini
      --per-chunk 5 --max-cost 10 --out golden/docs

Without --llm, sentences and clauses of the documents are masked: this needs no
model and no key, and costs nothing. With --llm, run it with --dry-run first: it prints calls,
tokens and cost, and asks no model. If a run is interrupted, repeat the command:
it continues where it was, and no answer is paid for twice. Exit code 0: a set
was written; 2: an error, a spent budget, or no query was accepted."""


def show(options: "Options", result: "GenerateResult | Plan", output: Output) -> None:
    """Print the result of a run, or the estimate of a dry run."""
    from ragbench.render.generate import estimates_json, estimates_lines, generated_json, generated_lines
    from ragbench.workflows.generate import Plan

    if isinstance(result, Plan):
        if output.as_json:
            output.object(estimates_json(result.estimates))
            return
        lines = [*estimates_lines(result.models, result.estimates)]
    else:
        if output.as_json:
            output.object(
                generated_json(
                    result.generated, out=options.out, fingerprint=result.golden.fingerprint, chunks=result.chunks,
                    totals=result.totals, skipped=list(result.skipped),
                )
            )  # fmt: skip
            return
        lines = [*generated_lines(result.generated, result.totals), f"written to {options.out}"]
    for line in lines:
        output.say(line)
