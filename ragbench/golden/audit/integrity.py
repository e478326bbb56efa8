"""Faults of a set that make its scores wrong: missing evidence, queries without evidence, duplicates."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ragbench.core.brief import brief, numbered
from ragbench.core.documents import Corpus
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.ledger import first_ten
from ragbench.golden.audit.findings import Finding, Severity

UNANSWERABLE = "unanswerable"
_NO_WORD = re.compile(r"[\W_]+")


@brief
@dataclass(frozen=True)
class Integrity:
    """Faults by query.

    Attributes:
        duplicates: groups of ids whose texts differ only in case, punctuation or white space.
        without_evidence: queries without anything relevant that should be answerable.
        unanswerable: queries that are marked as having no answer (type ``unanswerable``, or ``is_impossible``).
        missing_documents: evidence or masked text in documents that the corpus lacks, as ``query: document``.
        outside: spans that end past their document's end, as ``query: document[start:end]``.
        blank: evidence spans that hold white space only.
        masked_evidence: evidence that lies within text that the query masks.
        findings: the faults as findings.
    """

    duplicates: tuple[tuple[str, ...], ...]
    without_evidence: tuple[str, ...]
    unanswerable: tuple[str, ...]
    missing_documents: tuple[str, ...]
    outside: tuple[str, ...]
    blank: tuple[str, ...]
    masked_evidence: tuple[str, ...]
    findings: tuple[Finding, ...]


def integrity(golden: GoldenSet, corpus: Corpus) -> Integrity:
    """Check every query and span."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for item in golden:
        same[_NO_WORD.sub(" ", item.text.casefold()).strip() or item.text].append(item.id)
    empty = [item for item in golden if not any(e.grade > 0 for e in item.evidence)]
    spans: list[tuple[GoldenItem, Evidence | Span]] = [(item, e) for item in golden for e in item.evidence]
    spans += [(item, masked) for item in golden for masked in item.masked]
    texts = {document.id: document.text for document in corpus}
    held = [(item, span, texts[span.document_id]) for item, span in spans if span.document_id in texts]
    parts = [(item, span, span.end, text) for item, span, text in held if span.end is not None]
    found = {
        "without_evidence": tuple(item.id for item in empty if not says_unanswerable(item)),
        "missing_documents": _unique(f"{i.id}: {s.document_id}" for i, s in spans if s.document_id not in texts),
        "outside": _unique(f"{i.id}: {_place(s)}" for i, s, end, text in parts if end > len(text)),
        "blank": _unique(
            f"{i.id}: {_place(s)}"
            for i, s, end, text in parts
            if isinstance(s, Evidence) and end <= len(text) and not text[s.start : end].strip()
        ),
        "masked_evidence": _unique(
            f"{item.id}: {_place(e)}"
            for item in golden
            for e in item.evidence
            if any(_within(e, s) for s in item.masked)
        ),
    }
    duplicates = tuple(tuple(ids) for ids in same.values() if len(ids) > 1)
    return Integrity(
        duplicates=duplicates,
        unanswerable=tuple(item.id for item in empty if says_unanswerable(item)),
        findings=tuple(_findings(golden, duplicates, found)),
        **found,
    )


def says_unanswerable(item: GoldenItem) -> bool:
    """Whether a query is meant to have no answer in the corpus."""
    return item.type == UNANSWERABLE or item.metadata.get("is_impossible") is True


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _place(span: Evidence | Span) -> str:
    return f"{span.document_id}[{span.start}:{'' if span.end is None else span.end}]"


def _within(evidence: Evidence, masked: Span) -> bool:
    if evidence.document_id != masked.document_id or evidence.grade <= 0:
        return False
    if masked.end is None:
        return True
    return evidence.end is not None and masked.start <= evidence.start and evidence.end <= masked.end


RULES: tuple[tuple[str, Severity, str, str], ...] = (
    ("missing_documents", "error", "spans lie in documents that the corpus lacks", "use the set's own corpus"),
    ("outside", "error", "spans end past their document's end", "the documents changed; locate the evidence anew"),
    ("masked_evidence", "error", "pieces of evidence are masked by their own query", "remove one of the two"),
    ("blank", "warning", "evidence spans contain only white space", "mark the text that answers the query"),
    (
        "without_evidence",
        "warning",
        "queries have nothing relevant and are not marked as unanswerable; they are not scored",
        "add evidence, or give them the type 'unanswerable'",
    ),
)  # fmt: skip


def _findings(
    golden: GoldenSet, duplicates: tuple[tuple[str, ...], ...], found: dict[str, tuple[str, ...]]
) -> list[Finding]:
    findings = [
        Finding(severity, key.replace("_", "-"), f"{len(found[key])} {what}: {first_ten(found[key])}", action)
        for key, severity, what, action in RULES
        if found[key]
    ]
    if duplicates:
        evidence = {item.id: {e.document_id for e in item.evidence if e.grade > 0} for item in golden}
        differ = sum(any(evidence[id_] != evidence[ids[0]] for id_ in ids) for ids in duplicates)
        findings.append(
            Finding(
                "warning",
                "duplicates",
                f"several queries share {numbered(len(duplicates), 'text')}: "
                + first_ten(" = ".join(ids) for ids in duplicates)
                + (f"; {differ} of them with different relevant documents" if differ else ""),
                "keep one query of each text and give it the evidence of all",
            )
        )
    return findings
