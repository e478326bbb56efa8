"""The texts of the items that a page names: whole if there is room, else the evidence and the beginning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ragbench.core.goldens import GoldenItem
from ragbench.core.scored import ScoredRun
from ragbench.render.html.rankings import Items
from ragbench.render.html.texts import Indexed, Texts

ROOM, ROOM_PER_QUERY, MOST_ROOM = 3_000_000, 2_000, 40_000_000
"""Most bytes of text: 1,000 queries stay under 5 MB and 20,000 under 40 MB."""
WHOLE = 1_500
"""Most characters of a text that is shown whole."""
BEGINNING = 400
AROUND = 250
"""Characters shown before and after evidence."""
STUB = 120
"""Characters of a text when there is no more room."""
QUOTE = 600
"""Most characters of a piece of evidence beside the rankings."""

Piece = tuple[int, str]
"""Position in the item's text, and the text."""


@dataclass(frozen=True)
class Excerpts:
    """Texts for the page, in the rows of `Items`.

    Attributes:
        titles: title of the item's document, or empty.
        documents: row of ``document_ids``; -1 if nothing is known of the item.
        starts: start of the item in the text of its document.
        lengths: length of the whole text; -1 if it is not available.
        pieces: pieces of the text.
        document_ids: ids of the documents, including those of evidence.
        shortened: number of shortened texts.
    """

    titles: list[str]
    documents: list[int]
    starts: list[int]
    lengths: list[int]
    pieces: list[list[Piece]]
    document_ids: dict[str, int]
    shortened: int


def excerpts(items: Items, runs: Sequence[ScoredRun], texts: Texts, queries: int) -> Excerpts:
    """Collect the text of every available item, the best ranked first, until the room is used up."""
    found = Excerpts([], [], [], [], [], {}, 0)
    whole: list[str] = []
    for id_, owner in zip(items.ids, items.owner, strict=True):
        run = runs[owner]
        text = _place(found, id_, run, texts.indexed.get(run.name))
        whole.append(text)
    spans = _spans(texts.items.values())
    room = min(ROOM + ROOM_PER_QUERY * queries, MOST_ROOM)
    shortened = 0
    names = list(found.document_ids)
    found.pieces.extend([] for _ in whole)
    for row in sorted(range(len(whole)), key=lambda row: (items.best.get(row, 0), row)):
        text = whole[row]
        if not text:
            continue
        evidence = spans.get(names[found.documents[row]], ())
        start = found.starts[row]
        inside = [(a - start, b - start) for a, b in evidence if a < start + len(text) and b > start]
        pieces = [(0, text)] if len(text) <= WHOLE else _windows(text, inside)
        if room <= 0:
            pieces = [(0, text[:STUB])]
        found.pieces[row] = pieces
        shortened += sum(len(piece) for _, piece in pieces) < len(text)
        room -= sum(len(piece.encode("utf-8", "replace")) for _, piece in pieces)
    return Excerpts(**{**found.__dict__, "shortened": shortened})


def _place(found: Excerpts, id_: str, run: ScoredRun, indexed: Indexed | None) -> str:
    """Record what is known of an item. Returns its text, or an empty one."""
    title, document, start, text = "", "", 0, ""
    if indexed is not None and run.run is not None:
        if run.run.unit == "chunk" and (row := indexed.chunks.row.get(id_)) is not None:
            chunk = indexed.chunks[row]
            title, document, start, text = chunk.title, chunk.document_id, chunk.start, chunk.text
        elif run.run.unit == "document" and (known := indexed.corpus.by_id.get(id_)) is not None:
            title, document, text = known.title, known.id, known.text
    found.titles.append(title)
    found.documents.append(found.document_ids.setdefault(document, len(found.document_ids)) if document else -1)
    found.starts.append(start)
    found.lengths.append(len(text) if text else -1)
    return text


def _spans(items: Iterable[GoldenItem]) -> Mapping[str, list[tuple[int, int]]]:
    """Return the evidence within each document, and its masked text, by document."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for item in items:
        ranges = [(one.document_id, one.start, one.end) for one in item.evidence]
        ranges += [(span.document_id, span.start, span.end) for span in item.masked]
        for document, start, end in ranges:
            if end is not None:
                spans.setdefault(document, []).append((start, end))
    return spans


def _windows(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Return the beginning and the surroundings of evidence, joined; at most twice `WHOLE` characters."""
    ranges = sorted([(0, BEGINNING), *((max(a - AROUND, 0), min(b + AROUND, len(text))) for a, b in spans)])
    joined: list[list[int]] = []
    for low, high in ranges:
        if joined and low <= joined[-1][1]:
            joined[-1][1] = max(high, joined[-1][1])
        else:
            joined.append([low, high])
    pieces, left = list[Piece](), 2 * WHOLE
    for low, high in joined:
        piece = text[low : min(high, low + left)]
        if piece:
            pieces.append((low, piece))
            left -= len(piece)
    return pieces


def quote(document_id: str, start: int, end: int | None, indexed: Iterable[Indexed]) -> str:
    """Return the first `QUOTE` characters of a piece of evidence; empty if the document is not available."""
    for one in indexed:
        document = one.corpus.by_id.get(document_id)
        if document is not None:
            stop = len(document.text) if end is None else end
            return document.text[start : min(stop, start + QUOTE)]
    return ""
