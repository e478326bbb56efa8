"""``ragbench golden``: audit a golden set, have annotators review it, write the corpus that belongs to it."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.golden.annotators.review import AppliedReview, ReviewSample
    from ragbench.golden.audit.audit import Audit
    from ragbench.golden.masked_corpus import WithoutMasked
    from ragbench.workflows.audit import Options as AuditOptions
    from ragbench.workflows.review import ApplyOptions, ExportOptions
    from ragbench.workflows.without_masked import Options as CorpusOptions

HELP_AUDIT = """Look for what makes a golden set misleading, and say what to do about it.

Example:
  ragbench golden audit --golden datasets/shop --corpus datasets/shop/product_catalog.csv

The audit needs no key and no network. With --llm, a language model grades items
that nobody judged; --max-cost holds for this run, and answers are cached. With
--human, human queries measure the validity of the set. Exit code 0: no finding
is an error; 1: at least one is; 2: an error of usage or input."""
HELP_CORPUS = """Write a copy of the corpus without the text that a golden set masks, and the set that belongs to it.

Example:
  ragbench golden corpus --golden golden/shop --corpus shop.csv --out golden/shop-masked

A set in several wordings gets a copy for each, in a folder of its name. ragbench
eval makes the same copies itself; write them to index them in a system of your own.
Without --out the command prints the numbers and writes nothing. Exit code 2: an
error of usage or input."""
HELP_REVIEW_EXPORT = """Write a sample of queries into a table for annotators.

Example:
  ragbench golden review export --golden golden/shop --corpus shop.csv --sample 50 --out review.csv

Annotators fill in these columns: decision (accept, edit or reject), edited_text,
grade (0 to 3, or blank) and comment. Exit code 2: an error of usage or input."""
HELP_REVIEW_IMPORT = """Apply the decisions of annotators to a golden set, and compare them with the judge's.

Example:
  ragbench golden review import --decisions review.csv --golden golden/shop --out golden/shop-reviewed

Rejected queries and their history are written to rejected_by_people.jsonl in the
folder. Exit code 2: an error of usage or input."""


def show_audit(options: "AuditOptions", audit: "Audit", output: Output) -> int:
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


def show_corpus(options: "CorpusOptions", without: "WithoutMasked", output: Output) -> None:
    """Print what was written, and what was skipped."""
    from ragbench.render.golden import without_json, without_lines

    if output.as_json:
        output.object(without_json(without, options.out))
        return
    for line in without_lines(without, options.out):
        output.say(line)


def show_review_export(options: "ExportOptions", sample: "ReviewSample", output: Output) -> None:
    """Print the counts of the sample."""
    from ragbench.render.golden import sample_json, sample_lines

    if output.as_json:
        output.object({**sample_json(sample), "out": str(options.out)})
        return
    output.say(f"{len(sample.items)} of {sample.of} queries written to {options.out}")
    for line in sample_lines(sample):
        output.say(line)


def show_review_import(options: "ApplyOptions", applied: "AppliedReview", output: Output) -> None:
    """Print the decisions, and how far the judge agrees with them."""
    from ragbench.render.golden import review_lines

    if output.as_json:
        output.object(applied.record(options.out))
        return
    for line in review_lines(applied):
        output.say(line)
    where = "; name a folder to write with --out" if options.out is None else f" written to {options.out}"
    output.say(f"{len(applied.golden)} queries{where}")
