"""A draft's quotes -> its evidence."""

from dataclasses import replace

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import Evidence
from ragbench.golden.drafts import Draft
from ragbench.golden.locate import locate


def with_evidence(draft: Draft, corpus: Corpus, chunks: Chunks) -> Draft:
    """The draft with its quotes as spans, sorted, overlapping ones as one; without evidence if any is not found.

    Quotes are looked for in the chunks the draft was written from, then in the rest of their documents.
    """
    if draft.evidence or not draft.quotes:
        return draft
    spans: dict[str, list[tuple[int, int]]] = {}
    for quote in draft.quotes:
        found = find_quote(draft, quote, corpus, chunks)
        if found is None:
            return draft
        spans.setdefault(found.document_id, []).append((found.start, found.end or 0))
    evidence = tuple(
        Evidence(document_id, start, end) for document_id in sorted(spans) for start, end in _joined(spans[document_id])
    )
    return replace(draft, evidence=evidence)


def find_quote(draft: Draft, quote: str, corpus: Corpus, chunks: Chunks) -> Evidence | None:
    """Where one quote stands, or None."""
    for whole in (False, True):
        for chunk_id in draft.chunk_ids:
            chunk = chunks[chunks.row[chunk_id]]
            text = corpus.by_id[chunk.document_id].text
            found = locate(text, quote) if whole else _inside(text, quote, chunk.start, chunk.end)
            if found is not None:
                return Evidence(chunk.document_id, *found)
    return None


def _inside(text: str, quote: str, start: int, end: int) -> tuple[int, int] | None:
    found = locate(text[start:end], quote)
    return (start + found[0], start + found[1]) if found else None


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out
