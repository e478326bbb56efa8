"""``ragbench batch``: make a golden set through a provider's batch API."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.cli import generate
from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.batch import BatchState, Fetched, FetchOptions, StatusOptions, SubmitOptions, Submitted
    from ragbench.workflows.generate import GenerateResult, Plan

HELP_SUBMIT = """Send what is missing for a golden set as batches, or write the set if nothing is missing.

Example:
  ragbench batch submit --corpus docs/ --llm openai:gpt-4o-mini --max-cost 10 --out golden/docs

This command takes the options of 'ragbench generate'. Each call sends the
requests that can be sent by now, 'ragbench batch fetch' gets the answers, and the
same call again sends the next round. The last call writes the same files as
generate. If it is interrupted, repeat it: it continues, and starts no batch twice.
The limits on concurrency, rates and time have no effect on batches. Exit code 0:
batches were sent, or the set was written; 2: an error, or a spent budget."""
HELP_STATUS = """Show the batches of a run and how they stand.

Example:
  ragbench batch status golden/docs"""
HELP_FETCH = """Get the answers of the batches that have ended.

Example:
  ragbench batch fetch golden/docs --wait

Afterwards, run 'ragbench batch submit' again: it sends the next round, or writes
the set."""


def show_submit(options: "SubmitOptions", result: "Submitted | GenerateResult | Plan", output: Output) -> None:
    """Print what is under way and what to do next, or the result of the run."""
    from ragbench.workflows.batch import Submitted

    if not isinstance(result, Submitted):
        generate.show(options, result, output)
        return
    if output.as_json:
        output.object(
            {
                "version": 1, "finished": False, "out": str(options.out), "sent": result.sent,
                "under_way": {"batches": result.batches, "requests": result.requests},
                "held_back": list(result.held_back),
            }
        )  # fmt: skip
        return
    for line in result.held_back:
        output.say(f"held back: {line}")
    if result.batches:
        output.say(f"under way: {result.requests:,} requests in {result.batches} batches")
        output.say(f"next: ragbench batch fetch {options.out}, then this command again")


def show_status(options: "StatusOptions", states: "Sequence[BatchState]", output: Output) -> None:
    """Print a row for each batch."""
    from ragbench.render.blocks import Block, terminal

    if output.as_json:
        output.object({"version": 1, "folder": str(options.folder), "batches": [vars(state) for state in states]})
        return
    rows = []
    for state in states:
        fetched = state.step == "fetched"
        done = state.answered if fetched else state.done
        rows.append(
            (state.batch, state.model, state.state or state.step, f"{state.requests:,}",
             "" if done is None else f"{done:,}", f"{state.failed:,}" if fetched else "")
        )  # fmt: skip
    lines = [f"{state.batch}: {state.reason}" for state in states if state.reason]
    if any(state.step == "created" for state in states):
        lines.append("next: ragbench batch fetch gets the answers of batches that have ended")
    head = ("batch", "model", "state", "requests", "answered", "failed")
    output.table(terminal([Block("", head, tuple(rows), tuple(lines), align="lllrrr")]))


def show_fetch(options: "FetchOptions", fetched: "Fetched", output: Output) -> None:
    """Print which batches are still under way, and what to do next."""
    if output.as_json:
        output.object(
            {
                "version": 1,
                "fetched": [
                    {"batch": batch.name, "model": batch.model, "state": batch.state, "answered": batch.answered,
                     "failed": batch.failed, "reason": batch.reason}
                    for batch in fetched.fetched
                ],
                "under_way": len(fetched.under_way), "unsent": list(fetched.unsent),
            }
        )  # fmt: skip
        return
    if not fetched.fetched:
        output.say("no batch has ended since the last look")
    for batch in fetched.under_way:
        output.say(f"{batch.name}: {batch.lines} requests to {batch.model}, {batch.state}")
    if fetched.unsent:
        output.say(f"half sent: {', '.join(fetched.unsent)}; run batch submit again")
    elif not fetched.under_way:
        output.say("next: run the same batch submit again; it sends the next round, or writes the set")
