"""What ``generate``, ``batch``, ``chunk`` and ``golden`` print, and their help."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.core.traces import Traces
    from ragbench.golden.annotators.review import AppliedReview, ReviewSample
    from ragbench.golden.audit.audit import Audit
    from ragbench.golden.masked_corpus import WithoutMasked
    from ragbench.golden.seeds import Seeds
    from ragbench.workflows.audit import Options as AuditOptions
    from ragbench.workflows.batch import BatchState, Fetched, FetchOptions, StatusOptions, SubmitOptions, Submitted
    from ragbench.workflows.chunk import ChunkedCorpus
    from ragbench.workflows.chunk import Options as ChunkOptions
    from ragbench.workflows.generate import GenerateResult, Plan, SetOptions
    from ragbench.workflows.ingest_traces import Options as TracesOptions
    from ragbench.workflows.review import ApplyOptions, ExportOptions
    from ragbench.workflows.seeds import Options as SeedsOptions
    from ragbench.workflows.seeds import SeedsPlan
    from ragbench.workflows.without_masked import Options as CorpusOptions

HELP_GENERATE = """Write a golden set from documents, by a language model or without one.

Example:
  ragbench generate --corpus docs/ --out golden/docs
  ragbench generate --corpus docs/ --seed-queries seeds.txt --llm openai:gpt-4o-mini
      --per-chunk 5 --max-cost 10 --out golden/docs

Without --llm, sentences and clauses of the documents are masked: this needs no
model and no key, and costs nothing. With --llm, run it with --dry-run first: it prints calls,
tokens and cost, and asks no model. If a run is interrupted, repeat the command:
it continues where it was, and no answer is paid for twice. Exit code 0: a set
was written; 2: an error, a spent budget, or no query was accepted."""


def show_generate(options: "SetOptions", result: "GenerateResult | Plan", output: Output) -> None:
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
                    result.generated, out=options.out, fingerprint=result.written.fingerprint, chunks=result.chunks,
                    totals=result.totals, skipped=list(result.skipped),
                )
            )  # fmt: skip
            return
        lines = [*generated_lines(result.generated, result.totals), f"written to {options.out}"]
    for line in lines:
        output.say(line)


HELP_BATCH_SUBMIT = """Send what is missing for a golden set as batches, or write the set if nothing is missing.

Example:
  ragbench batch submit --corpus docs/ --llm openai:gpt-4o-mini --max-cost 10 --out golden/docs

This command takes the options of 'ragbench generate'. It sends the requests that
can be sent by now. Get the answers with 'ragbench batch fetch', and run this command
again for the next round. The last round writes the same files as generate. If the
command is interrupted, repeat it: it continues, and starts no batch twice.
The limits on concurrency, rates and time have no effect on batches. Exit code 0:
batches were sent, or the set was written; 2: an error, or a spent budget."""
HELP_BATCH_STATUS = """Show the batches of a run and their states.

Example:
  ragbench batch status golden/docs"""
HELP_BATCH_FETCH = """Get the answers of the batches that have ended.

Example:
  ragbench batch fetch golden/docs --wait

Afterwards, run 'ragbench batch submit' again: it sends the next round, or writes
the set."""


def show_batch_submit(options: "SubmitOptions", result: "Submitted | GenerateResult | Plan", output: Output) -> None:
    """Print what is under way and what to do next, or the result of the run."""
    from ragbench.workflows.batch import Submitted

    if not isinstance(result, Submitted):
        show_generate(options, result, output)
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


def show_batch_status(options: "StatusOptions", states: "Sequence[BatchState]", output: Output) -> None:
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


def show_batch_fetch(options: "FetchOptions", fetched: "Fetched", output: Output) -> None:
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


HELP_INGEST_TRACES = """Read queries, rankings and answers from the traces of a running system.

Example:
  ragbench ingest traces spans.jsonl --out live/may
  ragbench seeds live/may/log.jsonl --out seeds.txt

It reads OpenTelemetry spans with the attributes of OpenInference, OpenLLMetry or
OpenTelemetry GenAI (OTLP JSON, or a table with a row per span, as Phoenix writes it),
and exports of Langfuse and LangSmith. The folder gets log.jsonl for seeds, drift
and shadow, rankings.json (a run file), answers/ for score, and feedback.jsonl.
Exit code 2: an error of usage or input, or no request is in the traces."""


def show_ingest_traces(options: "TracesOptions", found: "Traces", output: Output) -> None:
    """Print what was read, found and skipped."""
    from ragbench.core.brief import numbered
    from ragbench.render.blocks import terminal
    from ragbench.render.traces import traces_blocks, traces_json

    if output.as_json:
        output.object({**traces_json(found), "out": str(options.out) if options.out else None})
        return
    output.table(terminal(traces_blocks(found)))
    if options.out is not None:
        output.say(f"{numbered(len(found), 'request')} written to {options.out}")


HELP_SEEDS = """Make seed queries from the log of a search service.

Example:
  ragbench seeds datasets/shop/log.csv --out seeds.txt
  ragbench generate --corpus docs/ --seed-queries seeds.txt --mix seeds --llm openai:gpt-4o-mini
      --out golden/docs

Queries with personal data are dropped and listed: e-mail addresses, telephone and
card numbers, IBANs and IP addresses. Names and postal addresses are not found.
Without --llm, rules for English classify the queries. Exit code 2: an error of
usage or input, or no query is left."""


def show_seeds(options: "SeedsOptions", result: "Seeds | SeedsPlan", output: Output) -> None:
    """Print what was read and dropped, and the types; or the estimate of a dry run."""
    from ragbench.render.blocks import terminal
    from ragbench.render.generate import estimates_json, estimates_lines
    from ragbench.render.seeds import seeds_blocks, seeds_json
    from ragbench.workflows.seeds import SeedsPlan

    if isinstance(result, SeedsPlan):
        estimates = {"classify": result.estimate} if result.estimate is not None else {}
        if output.as_json:
            output.object({"queries": result.queries, **estimates_json(estimates)})
            return
        output.say(f"{result.queries} queries to classify")
        for line in estimates_lines({"classify": options.llm}, estimates) if estimates else ():
            output.say(line)
        return
    if output.as_json:
        output.object({**seeds_json(result), "out": str(options.out) if options.out else None})
        return
    output.table(terminal(seeds_blocks(result)))
    if options.out is not None:
        output.say(f"{len(result.chosen)} seed queries written to {options.out}, their counts to {options.counts}")
    else:
        for query in result.chosen:
            output.say(query.text)


HELP_CHUNK = """Load documents, cut them into chunks and write these to a file.

Example:
  ragbench chunk --corpus docs/ --chunker recursive:size=800,overlap=100 --out chunks.parquet

The file can be given to other commands as their corpus. Without --out the
command prints the numbers and writes nothing. Exit code 2: an error of usage or
input."""


def show_chunk(options: "ChunkOptions", result: "ChunkedCorpus", output: Output) -> None:
    """Print the numbers of documents and chunks, and what was skipped."""
    from ragbench.render.chunks import chunks_json, chunks_lines

    found = chunks_json(result.chunks, result.documents, result.chunker, result.ledger)
    if output.as_json:
        output.object({**found, "out": str(options.out) if options.out else None})
        return
    for line in chunks_lines(found, result.ledger):
        output.say(line)
    if options.out is not None:
        output.say(f"written to {options.out}")


HELP_GOLDEN_AUDIT = """Look for what makes a golden set misleading, and say what to do about it.

Example:
  ragbench golden audit --golden datasets/shop --corpus datasets/shop/product_catalog.csv

The audit needs no key and no network. With --llm, a language model grades items
that nobody judged; --max-cost holds for this run, and answers are cached. With
--human, human queries measure the validity of the set. Exit code 0: no finding
is an error; 1: at least one is; 2: an error of usage or input."""
HELP_GOLDEN_CORPUS = """Write the corpus without the text that a golden set masks, and the set that belongs to it.

Example:
  ragbench golden corpus --golden golden/shop --corpus shop.csv --out golden/shop-masked

A set in several wordings gets a copy for each, in a folder of its name. ragbench
eval makes the same copies itself; write them to index them in a system of your own.
Without --out the command prints the numbers and writes nothing. Exit code 2: an
error of usage or input."""
HELP_GOLDEN_REVIEW_EXPORT = """Write a sample of queries into a table for annotators.

Example:
  ragbench golden review export --golden golden/shop --corpus shop.csv --sample 50 --out review.csv

Annotators fill in these columns: decision (accept, edit or reject), edited_text,
grade (0 to 3, or blank) and comment. Exit code 2: an error of usage or input."""
HELP_GOLDEN_REVIEW_IMPORT = """Apply the decisions of annotators to a golden set, and compare them with the judge's.

Example:
  ragbench golden review import --decisions review.csv --golden golden/shop --out golden/shop-reviewed

Rejected queries and their history are written to rejected_by_people.jsonl in the
folder. Exit code 2: an error of usage or input."""


def show_golden_audit(options: "AuditOptions", audit: "Audit", output: Output) -> int:
    """Print the audit, or what grading would take. Give 1 if a finding is an error."""
    from ragbench.golden.audit.audit import VERSION
    from ragbench.io.files import json_values
    from ragbench.render.audit import audit_blocks, plan_lines
    from ragbench.render.blocks import terminal

    if audit.grading_plan is not None:
        if output.as_json:
            output.object({"version": VERSION, "dry_run": json_values(audit.grading_plan.estimate)})
        else:
            for line in plan_lines(audit.grading_plan, str(options.llm)):
                output.say(line)
        return 0
    if output.as_json:
        output.object(audit.record())
    else:
        output.table(terminal(audit_blocks(audit)))
    if options.out is not None:
        output.say(f"written to {options.out}")
    return int(any(finding.severity == "error" for finding in audit.findings))


def show_golden_corpus(options: "CorpusOptions", without: "WithoutMasked", output: Output) -> None:
    """Print what was written, and what was skipped."""
    from ragbench.render.golden import without_json, without_lines

    if output.as_json:
        output.object(without_json(without, options.out))
        return
    for line in without_lines(without, options.out):
        output.say(line)


def show_golden_review_export(options: "ExportOptions", sample: "ReviewSample", output: Output) -> None:
    """Print the counts of the sample."""
    from ragbench.render.golden import sample_json, sample_lines

    if output.as_json:
        output.object({**sample_json(sample), "out": str(options.out)})
        return
    output.say(f"{len(sample.items)} of {sample.of} queries written to {options.out}")
    for line in sample_lines(sample):
        output.say(line)


def show_golden_review_import(options: "ApplyOptions", applied: "AppliedReview", output: Output) -> None:
    """Print the decisions, and how far the judge agrees with them."""
    from ragbench.render.golden import review_lines

    if output.as_json:
        output.object(applied.record(options.out))
        return
    for line in review_lines(applied):
        output.say(line)
    where = "; name a folder to write with --out" if options.out is None else f" written to {options.out}"
    output.say(f"{len(applied.golden)} queries{where}")
