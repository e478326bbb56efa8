"""The files that generation writes: golden set, rejects, manifest and data card."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import expm1, isnan
from pathlib import Path
from typing import NamedTuple

from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.foreign import in_code
from ragbench.core.goldens import GoldenItem, GoldenSet, fingerprint_of
from ragbench.golden.drafting import PERSONA, Failed
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import WRITER, Generated, Job, standing
from ragbench.golden.lead import LEAST_SEEDS
from ragbench.golden.masked import WITHOUT_SEEDS, Masked
from ragbench.golden.measured import Worded
from ragbench.golden.stages.round_trip import survival
from ragbench.golden.wordings import KEPT, WORDINGS
from ragbench.io.files import write_text
from ragbench.io.golden_files import write_golden
from ragbench.io.golden_files.native import manifest_of_items, row_of
from ragbench.io.golden_files.simple import card_of
from ragbench.io.tables import write_lines
from ragbench.models.llm.base import Usage
from ragbench.models.llm.costs import Price
from ragbench.stats.prediction import FEWEST_VALUES

GOLDEN, MANIFEST, REJECTED, CARD = "golden.jsonl", "manifest.json", "rejected.jsonl", "card.md"
CARD_OF_LINES = card_of(Path(GOLDEN)).name
"""Beside a golden set in the simple format."""
PERSONAS_FILE = "personas.yaml"
"""The personas that the model proposed."""
RESULTS = (GOLDEN, CARD_OF_LINES, MANIFEST, REJECTED, CARD, PERSONAS_FILE)


class Written(NamedTuple):
    """How the golden set is written.

    Attributes:
        format: native or simple.
        chunks: the chunks that the queries were written from.
        chunker: how they were cut; None if they were ready.
    """

    format: str = "native"
    chunks: Chunks | None = None
    chunker: str | None = None


@dataclass(frozen=True, eq=False)
class WrittenSet:
    """A golden set as it was written, whose queries are made of the accepted drafts when they are asked for.

    Attributes:
        name: name of the set.
        drafts: the accepted drafts.
        document_of: document id by chunk id.
    """

    name: str
    drafts: Sequence[Draft]
    document_of: Mapping[str, str] = field(repr=False)

    def __iter__(self) -> Iterator[GoldenItem]:
        return (item_of(draft, self.document_of) for draft in self.drafts)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the set."""
        return fingerprint_of(self)

    @cached_property
    def golden(self) -> GoldenSet:
        """The set in memory."""
        return GoldenSet(tuple(self), self.name)


def write_outputs(
    folder: Path,
    generated: Generated,
    document_of: Mapping[str, str],
    run: Mapping[str, object],
    card: str,
    how: Written = Written(),  # noqa: B008 - it is immutable
) -> WrittenSet:
    """Write the rejects, golden set, manifest and card, each file atomically.

    The same run gives the same bytes, however often it was interrupted.

    Args:
        folder: the folder to write to.
        generated: the result of the run.
        document_of: document id by chunk id.
        run: the run's identity, for the manifest.
        card: the text of the data card.
        how: how the set is written.

    Raises:
        InputError: no query was accepted (the rejects are written nevertheless), or the disk is full.
    """
    try:
        write_lines(folder / REJECTED, _rejects(generated))
        if how.format != "simple" or not generated.accepted:
            (folder / CARD_OF_LINES).unlink(missing_ok=True)
        if not generated.accepted:
            (folder / GOLDEN).unlink(missing_ok=True)
            raise InputError(_nothing(folder, generated))
        written = WrittenSet(folder.resolve().name, generated.accepted, document_of)
        if how.format == "native":
            write_lines(folder / GOLDEN, ((item.id, row_of(item)) for item in written))
        else:
            write_golden(written.golden, folder, how.format, chunks=how.chunks, chunker=how.chunker)
        manifest = manifest_of_items(written.name, written, written.fingerprint)
        skipped = {"skipped": dict(Counter(one.type for one in generated.skipped))} if generated.skipped else {}
        manifest["generated"] = {
            **run,
            "drafted": generated.drafted,
            "accepted": len(generated.accepted),
            **skipped,
            "rejected": {stage: len(reasons) for stage, reasons in generated.rejections().items()},
        }
        write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        write_text(folder / CARD, card)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror or error}). "
            "Every paid answer is kept: make room and run the same command again"
        ) from error
    return written


def item_of(draft: Draft, document_of: Mapping[str, str]) -> GoldenItem:
    """Make the golden item of an accepted draft, with its provenance and the opinions of review."""
    source = draft.provenance.get("source") or document_of.get(draft.chunk_ids[0] if draft.chunk_ids else "")
    metadata: dict[str, object] = {"language": draft.language, **draft.provenance, "chunks": list(draft.chunk_ids)}
    if draft.quotes:
        metadata["quotes"] = list(draft.quotes)
    metadata["review"] = [_told(opinion) for opinion in draft.opinions if opinion.reason or opinion.detail]
    return GoldenItem(
        id=draft.id,
        text=draft.text,
        type=draft.type,
        answer=draft.answer,
        evidence=draft.evidence,
        masked=draft.masked,
        source=str(source) if source else None,
        metadata=metadata,
    )


def _told(opinion: Opinion) -> dict[str, object]:
    """Describe an opinion without its cost, because an answer from the cache costs nothing and the bytes must be the
    same.
    """
    written: dict[str, object] = {"stage": opinion.stage, "accepted": opinion.accepted}
    if opinion.reason:
        written["reason"] = opinion.reason
    if opinion.detail:
        written["detail"] = dict(opinion.detail)
    return written


def _rejects(generated: Generated) -> Iterator[tuple[str, dict[str, object]]]:
    yield from ((draft.id, _reject(draft)) for draft in generated.rejected)
    yield from ((", ".join(item.chunk_ids), _missing("draft", item)) for item in generated.failed)
    yield from ((", ".join(item.chunk_ids), _missing("skipped", item)) for item in generated.skipped)


def _reject(draft: Draft) -> dict[str, object]:
    stage, reason = standing(draft)
    return {
        "stage": stage,
        "reason": reason,
        "id": draft.id,
        "text": draft.text,
        "type": draft.type,
        "answer": draft.answer,
        "quotes": list(draft.quotes),
        "language": draft.language,
        "chunks": list(draft.chunk_ids),
        "evidence": [{"document_id": e.document_id, "start": e.start, "end": e.end} for e in draft.evidence],
        "masked": [{"document_id": s.document_id, "start": s.start, "end": s.end} for s in draft.masked],
        "provenance": dict(draft.provenance),
        "review": [_told(opinion) for opinion in draft.opinions],
    }


def _missing(stage: str, item: Failed) -> dict[str, object]:
    return {
        "stage": stage,
        "reason": item.reason,
        "type": item.type,
        "chunks": list(item.chunk_ids),
        "raw": item.raw,
    }


def _nothing(folder: Path, generated: Generated) -> str:
    lines = [f"no query was accepted of {generated.drafted} drafted; no golden set was written"]
    lines += [f"{stage}: {len(reasons)} rejected, the first: {reasons[0]}"
              for stage, reasons in generated.rejections().items()]  # fmt: skip
    return "\n".join([*lines, f"every reject with its reason is in {folder / REJECTED}"])


def counts_by(drafts: Iterable[Draft], key: str) -> dict[str, int]:
    """Count drafts by an attribute (``type``, ``language``), sorted."""
    found: dict[str, int] = {}
    for draft in drafts:
        value = str(getattr(draft, key))
        found[value] = found.get(value, 0) + 1
    return dict(sorted(found.items()))


Paid = Mapping[str, tuple[int, Usage, Price | None]]
"""Answers, tokens and price by model, over all runs in the folder."""


def card(name: str, job: Job, generated: Generated, paid: Paid, corpus_name: str) -> str:
    """Write the data card in Markdown. An interrupted run and an uninterrupted one give the same card."""
    settings = job.settings
    parts = [f"# Golden set {name}", _what(job, corpus_name), "## Counts", _counts(job, generated)]
    parts += [_table("query type", "accepted", {t: str(n) for t, n in counts_by(generated.accepted, "type").items()})]
    if len(settings.languages) > 1:
        spoken = {code: str(n) for code, n in counts_by(generated.accepted, "language").items()}
        parts.append(_table("language", "accepted", spoken))
    parts += _personas(job, generated)
    parts += ["## Wordings", _wordings(job, generated)]
    rejections = {stage: f"{len(reasons)} | {_cell(reasons[0])}" for stage, reasons in generated.rejections().items()}
    if rejections:
        parts += ["## Rejected, by stage", _table("stage", "queries | first reason", rejections, columns=3)]
    found = survival(chain(generated.accepted, generated.rejected))
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
    settings = job.settings
    begin = (
        f"Search queries for {_cell(corpus_name)} ({len(job.corpus)} documents, {len(job.chunks)} chunks, "
        f"{len(job.rows)} of them asked about), written by `ragbench generate`, seed {job.settings.seed}."
    )
    alike = len(job.seeds) < LEAST_SEEDS and len(settings.shares) > 1 and job.writer.lists
    note = f" **Note**: {WITHOUT_SEEDS}." if alike else ""
    if WRITER not in job.models:
        return (
            f"{begin} **No language model took part**: each query is a sentence or a clause of a document, "
            f"masked in the document (inverse cloze task), and a retriever must find the rest of the document.{note}"
        )
    who = ", ".join(f"{role} {in_code(model)}" for role, model in sorted(job.models.items()))
    if job.writer.about:
        begin += f" About it: {_cell(job.writer.about)}"
    if job.writer.own:
        begin += f" The prompt is the user's own (`{job.writer.prompt.label}`)."
    style = (
        f" Every prompt showed {job.settings.examples} of {len(job.seeds)} seed queries."
        if job.seeds and settings.examples
        else ""
    )
    return f"{begin} Models: {who}.{style}{note}"


def _counts(job: Job, generated: Generated) -> str:
    overruled = sum(
        bool(o.detail.get("overruled")) for d in chain(generated.accepted, generated.rejected) for o in d.opinions
    )
    lines = [
        f"- drafted: {generated.drafted}",
        f"- accepted: {len(generated.accepted)}",
        f"- rejected: {len(generated.rejected)}",
        f"- asked for and never written: {len(generated.failed)}",
        f"- review: {', '.join(generated.stages)}",
    ]
    if generated.skipped:
        types = Counter(one.type for one in generated.skipped)
        lines.append(
            f"- skipped by the writer, because the chunk does not suit the type: {len(generated.skipped)} "
            f"({', '.join(f'{name} {count}' for name, count in sorted(types.items()))}); {generated.again} of them "
            "were asked of another chunk"
        )
    if "reconsider" in generated.stages:
        lines.append(f"- judge overruled by reconsideration: {overruled}")
    return "\n".join(lines)


def _personas(job: Job, generated: Generated) -> list[str]:
    """Who asks, and how many queries each has; nothing without personas."""
    counts = Counter(draft.provenance.get(PERSONA) for draft in generated.accepted)
    rows = {
        _cell(one.name): f"{_cell(one.description)} | {one.share:.2f} | {counts[one.name]}"
        for one in job.writer.personas
    }
    return ["## Personas", _table("persona", "who it is | share | accepted", rows, columns=4)] if rows else []


def _wordings(job: Job, generated: Generated) -> str:
    """What each wording is, how many queries it has, and which wordings the seeds are like."""
    worded, masked = generated.worded, generated.masked
    accepted = Counter(draft.provenance["wording"] for draft in generated.accepted)
    rows = {
        f"`{name}`": f"{WORDINGS[name].written if masked is None else WORDINGS[name].masked} | {report.share:.2f} | "
        f"{report.wanted} | {report.written} | {accepted[name]} | {_number(report.words, 1)} | "
        f"{_number(report.overlap)} | {_number(report.lead)}"
        for name, report in worded.wordings.items()
    }
    what = "what is measured" if masked is None else "what is masked"
    header = f"{what} | share | wanted | written | accepted | mean words | mean overlap | mean lead"
    if masked is not None:
        kept = (
            "Each query has its `wording`. The text that it masks is masked for the queries of the same wording only."
        )
    elif job.writer.lists:
        kept = (
            "The prompt asks for each query in one of these wordings. A model does not always follow, so `wording` is "
            "the one that was measured; `wording_asked` has the other."
        )
    else:
        kept = "The user's prompt decides how queries are worded. `wording` is what was measured."
    lines = [
        f"{kept} Overlap: the share of its words that {'its' if masked is None else 'the rest of its'} document has, "
        "as the mean for words and stems. Lead: the share of its stems in the document that has the most of them, "
        "minus that in the second. Rare words weigh more.",
        _table("wording", header, rows, columns=9),
        *_seeds(worded),
    ]
    lines += [
        f"- Of the queries wanted as `{name}`, {sum(others.values())} came in another wording: "
        f"{', '.join(f'{count} as `{other}`' for other, count in others.items())}."
        for name, others in worded.relabelled.items()
    ]
    few = [name for name in worded.wordings if accepted[name] < FEWEST_VALUES]
    if few:
        lines.append(
            f"- {', '.join(f'`{name}`' for name in few)}: fewer than {FEWEST_VALUES} accepted queries. Comparisons "
            "ignore such a wording when they ask whether a difference depends on the wording."
        )
    if masked is not None:
        lines += _documents(masked)
    return "\n\n".join(lines)


def _seeds(worded: Worded) -> list[str]:
    """Which wordings the seeds are like; nothing with too few seeds."""
    if worded.seeds is None:
        return []
    seeds = worded.seeds
    near = sorted(worded.wordings, key=lambda name: -worded.wordings[name].share)[:2]
    return [
        f"The {seeds.seeds} seed queries have a mean lead of {seeds.mean:.3f} (standard error {seeds.error:.3f}) and "
        f"{expm1(seeds.length):.0f} words (geometric mean). {KEPT:.0%} of each share stays, and the rest goes to "
        "wordings whose lead and length are near those of the seeds. The largest shares have "
        f"{' and '.join(f'`{name}`' for name in near)}."
    ]


def _documents(masked: Masked) -> list[str]:
    """What the documents could not give."""
    lines = [
        f"- `{name}`: the documents gave {report.written} of {report.wanted} queries. They have no more text with "
        "this overlap."
        for name, report in masked.wordings.items()
        if report.written < report.wanted
    ]
    if masked.in_windows:
        lines.append(
            f"- {masked.in_windows} of {masked.documents} documents have no sentence that stands alone (transcripts, "
            "notes, titles, tables or code). They were cut into windows of words."
        )
    if masked.without:
        lines.append(f"- {masked.without} of {masked.documents} documents have nothing that can be masked.")
    return lines


def _number(value: float, digits: int = 3) -> str:
    return "-" if isnan(value) else f"{value:.{digits}f}"


def _paid(paid: Paid) -> str:
    rows = {}
    for model, (count, usage, price) in sorted(paid.items()):
        cost = f"{price.cost(usage):.4f}" if price else "price not known"
        rows[in_code(model)] = f"{count} | {usage.input_tokens} | {usage.output_tokens} | {cost}"
    sources = sorted({price.source for _, _, price in paid.values() if price and price.source})
    table = _table("model", "answers | tokens in | tokens out | cost", rows, columns=5)
    return "\n\n".join([table, *([f"Prices: {_cell('; '.join(sources))}."] if sources else [])])


def _limits(job: Job) -> str:
    lines = [
        "- Absolute scores on this set say little; it is made for comparing retriever settings on these documents.",
        "- Only the passage a query was written from is labelled. Others may answer it too and count as wrong: "
        "`ragbench golden audit` looks for them.",
        "- A difference that is not the same in all wordings depends on how users ask: look at it `--by wording`.",
    ]
    if WRITER not in job.models:
        lines.append(
            "- The queries are parts of the documents, not what users type, and have no reference answers: use them to "
            "rank retrievers, not to test answers or query understanding."
        )
        return "\n".join(lines)
    judges = {job.models.get("judge"), job.models.get("reconsider")} - {None}
    if job.models[WRITER] in judges:
        lines.append(
            "- One model both wrote and judged the queries. It tends to find its own work good: name another by "
            "`--judge`, or let annotators review a sample."
        )
    if not judges:
        lines.append("- No model judged the queries; only the mechanical stages did.")
    lines.append("- Nobody has reviewed the queries yet: `ragbench golden review` exports a sample for annotators.")
    return "\n".join(lines)


def _table(first: str, rest: str, rows: Mapping[str, str], *, columns: int = 2) -> str:
    if not rows:
        return ""
    body = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"| {first} | {rest} |", "|" + "---|" * columns, *body])


def _cell(text: str) -> str:
    """Escape untrusted text for a cell of a Markdown table."""
    flat = " ".join(text.split())[:160]
    return "".join(f"\\{char}" if char in "|<>[]`*_\\" else char for char in flat)
