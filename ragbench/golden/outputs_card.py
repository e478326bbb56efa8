"""The data card of a generated set."""

from collections.abc import Mapping

from ragbench.golden.generate import WRITER, Generated, Job
from ragbench.golden.masked import WITHOUT_SEEDS
from ragbench.golden.masked_seeds import LEAST_SEEDS
from ragbench.golden.outputs import counts_by
from ragbench.golden.stages.round_trip import survival
from ragbench.models.llm.base import Usage
from ragbench.models.llm.prices import Price

Paid = Mapping[str, tuple[int, Usage, Price | None]]
"""Answers, tokens and price by model, over all runs in the folder."""


def card(name: str, job: Job, generated: Generated, paid: Paid, corpus_name: str) -> str:
    """The card, Markdown. It holds nothing that differs between an interrupted run and one that was not."""
    settings = job.settings
    parts = [f"# Golden set {name}", _what(job, corpus_name), "## Counts", _counts(job, generated)]
    parts += [_table("query type", "accepted", {t: str(n) for t, n in counts_by(generated.accepted, "type").items()})]
    if len(settings.languages) > 1:
        spoken = {code: str(n) for code, n in counts_by(generated.accepted, "language").items()}
        parts.append(_table("language", "accepted", spoken))
    rejections = {stage: f"{len(reasons)} | {_cell(reasons[0])}" for stage, reasons in generated.rejections().items()}
    if rejections:
        parts += ["## Rejected, by stage", _table("stage", "queries | first reason", rejections, columns=3)]
    found = survival([*generated.accepted, *generated.rejected])
    if found:
        parts += [
            "## Round trip",
            "Share of the queries with evidence that each retriever alone found. A retriever with a higher share had "
            "more say in what was kept, so compare scores with and without this filter (the ranks are in each "
            "query's metadata).",
            _table("retriever", "share found", {spec: f"{share:.3f}" for spec, share in found.items()}),
        ]
    if paid:
        parts += ["## Paid for", _paid(paid)]
    parts += ["## Limits", _limits(job)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(job: Job, corpus_name: str) -> str:
    begin = (
        f"Search queries for {_cell(corpus_name)} ({len(job.corpus)} documents, {len(job.chunks)} chunks, "
        f"{len(job.rows)} of them asked about), written by `ragbench generate`, seed {job.settings.seed}."
    )
    if WRITER not in job.models:
        return (
            f"{begin} **No language model took part**: each query is a sentence of a document, of low overlap with "
            "the rest, masked in the document (inverse cloze task); the rest of the document is what must be found."
            + ("" if len(job.seeds) >= LEAST_SEEDS else f" **Warning**: {WITHOUT_SEEDS}.")
        )
    who = ", ".join(f"{role} `{_cell(model)}`" for role, model in sorted(job.models.items()))
    style = f" Every prompt showed {job.settings.examples} of {len(job.seeds)} seed queries." if job.seeds else ""
    return f"{begin} Models: {who}.{style}"


def _counts(job: Job, generated: Generated) -> str:
    overruled = sum(
        bool(o.detail.get("overruled")) for d in (*generated.accepted, *generated.rejected) for o in d.opinions
    )
    lines = [
        f"- drafted: {generated.drafted}",
        f"- accepted: {len(generated.accepted)}",
        f"- rejected: {len(generated.rejected)}",
        f"- asked for and never written: {len(generated.failed)}",
        f"- review: {', '.join(generated.stages)}",
    ]
    if "reconsider" in generated.stages:
        lines.append(f"- judge overruled by reconsideration: {overruled}")
    return "\n".join(lines)


def _paid(paid: Paid) -> str:
    rows = {}
    for model, (count, usage, price) in sorted(paid.items()):
        cost = f"{price.cost(usage):.4f}" if price else "price not known"
        rows[f"`{_cell(model)}`"] = f"{count} | {usage.input_tokens} | {usage.output_tokens} | {cost}"
    return _table("model", "answers | tokens in | tokens out | cost", rows, columns=5)


def _limits(job: Job) -> str:
    lines = [
        "- Absolute scores on this set say little; it is made for comparing retriever settings on these documents.",
        "- Only the passage a query was written from is labelled. Others may answer it too and count as wrong: "
        "`ragbench golden audit` looks for them.",
    ]
    if WRITER not in job.models:
        lines.append(
            "- The queries are statements in the documents' own style, not what people type, and have no reference "
            "answers: use them to rank retrievers, not to test answers or query understanding."
        )
        return "\n".join(lines)
    judges = {job.models.get("judge"), job.models.get("reconsider")} - {None}
    if job.models[WRITER] in judges:
        lines.append(
            "- One model both wrote and judged the queries. It tends to find its own work good: name another by "
            "`--judge`, or have people look at a sample."
        )
    if not judges:
        lines.append("- No model judged the queries; only the mechanical stages did.")
    lines.append("- Nobody has looked at the queries yet: `ragbench golden review` exports a sample for people.")
    return "\n".join(lines)


def _table(first: str, rest: str, rows: Mapping[str, str], *, columns: int = 2) -> str:
    if not rows:
        return ""
    body = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"| {first} | {rest} |", "|" + "---|" * columns, *body])


def _cell(text: str) -> str:
    """Text of others, made harmless in a Markdown table."""
    flat = " ".join(text.split())[:160]
    return "".join(f"\\{char}" if char in "|<>[]`*_\\" else char for char in flat)
