"""The basis of a decision on a query: its evidence, its reference answer, and the items that the systems ranked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, Span
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.golden.annotators.labels import Label
from ragbench.render.html.excerpts import quote
from ragbench.render.html.texts import Indexed, Texts

DEPTH = 10
"""Ranks of each system that are shown."""
SHOWN = 3_000
"""Most characters of an item."""


class Item:
    """A ranked item: its id, and where it is if its document is known.

    Attributes:
        id: as the systems return it.
        place: its document and characters, or the whole document; None if the documents lack it.
        title: title of its document, or empty.
        text: its text, or empty.
    """

    def __init__(self, id_: str, unit: str, indexed: Indexed | None) -> None:
        self.id = id_
        self.place: Span | None = None
        self.title = self.text = ""
        if indexed is None:
            return
        if unit == "chunk" and id_ in indexed.chunks.row:
            chunk = indexed.chunks[indexed.chunks.row[id_]]
            self.title, self.text = chunk.title, chunk.text
            document = indexed.corpus.by_id.get(chunk.document_id)
            if document is not None and chunk.text == document.text:
                self.place = Span(chunk.document_id)
            elif chunk.end > chunk.start:
                self.place = Span(chunk.document_id, chunk.start, chunk.end)
        elif unit == "document" and id_ in indexed.corpus.by_id:
            whole = indexed.corpus.by_id[id_]
            self.title, self.text, self.place = whole.title, whole.text, Span(id_)


def places(items: Iterable[str], unit: str, indexed: Indexed | None) -> dict[str, Span]:
    """Return where these items are.

    Raises:
        InputError: the documents lack one of them.
    """
    found = {}
    for id_ in items:
        place = Item(id_, unit, indexed).place
        if place is None:
            raise InputError(f"the documents have no item {id_!r}; to label items, start the viewer with --corpus")
        found[id_] = place
    return found


def unit_of(scored: Sequence[ScoredRun]) -> str:
    """Return what the systems rank, chunks or documents; empty for scored answers."""
    return next((one.run.unit for one in scored if one.run is not None), "")


def query_view(
    id_: str, scored: Sequence[ScoredRun], texts: Texts, key: str, labels: Sequence[Label]
) -> dict[str, Any]:
    """Return the evidence and the ranked items of a query, as JSON values.

    Args:
        id_: the query.
        scored: the systems of the evaluation, with their rankings.
        texts: documents and golden set.
        key: key of the documents in ``texts``.
        labels: labels that annotators gave in the table so far.
    """
    ran = [one for one in scored if one.run is not None]
    indexed = texts.indexed.get(key)
    golden = texts.items.get(id_)
    ranks: dict[str, list[int | None]] = {}
    for at, one in enumerate(ran):
        for rank, item in enumerate(_top(one.run, id_), 1):
            ranks.setdefault(item, [None] * len(ran))[at] = rank
    judged = _judged(ran, id_)
    given = {label.place: label.grade for label in labels}
    order = sorted(ranks, key=lambda item: (min(r for r in ranks[item] if r), _mean(ranks[item]), item))
    unit = unit_of(ran)
    return {
        "systems": [one.name for one in ran],
        "answer": (golden.answer or "") if golden else "",
        "evidence": _evidence(golden, indexed),
        "items": [_shown(Item(item, unit, indexed), ranks[item], judged, given, golden) for item in order],
        "missing": list(texts.missing),
    }


def _top(run: Run | None, id_: str) -> list[str]:
    if run is None or id_ not in run.query_ids:
        return []
    return [item for item, _ in run.ranking(run.query_ids.index(id_))[:DEPTH]]


def _judged(ran: Sequence[ScoredRun], id_: str) -> Mapping[str, int]:
    """Return the labels of the query."""
    judgements = next((one.judgements for one in ran if one.judgements is not None), None)
    if judgements is None or id_ not in judgements.query_ids:
        return {}
    at = judgements.query_ids.index(id_)
    rows = slice(int(judgements.offsets[at]), int(judgements.offsets[at + 1]))
    names = [judgements.item_ids[item] for item in judgements.items[rows].tolist()]
    return dict(zip(names, judgements.labels[rows].tolist(), strict=True))


def _mean(ranks: Sequence[int | None]) -> float:
    known = [DEPTH + 1 if rank is None else rank for rank in ranks]
    return sum(known) / len(known)


def _evidence(golden: GoldenItem | None, indexed: Indexed | None) -> list[dict[str, Any]]:
    return [
        {
            "document": one.document_id, "start": one.start, "end": one.end, "grade": one.grade,
            "text": quote(one.document_id, one.start, one.end, [indexed] if indexed else []),
        }
        for one in sorted(golden.evidence if golden else (), key=lambda one: -one.grade)
        if one.grade > 0
    ]  # fmt: skip


def _shown(
    item: Item, ranks: list[int | None], judged: Mapping[str, int], given: Mapping[Span, int], golden: GoldenItem | None
) -> dict[str, Any]:
    text = item.text[:SHOWN]
    marks = []
    if item.place is not None and golden is not None:
        offset = item.place.start
        marks = [
            (max(one.start - offset, 0), min(one.end - offset, len(text)))
            for one in golden.evidence
            if one.document_id == item.place.document_id and one.end is not None and one.grade > 0 and not one.chunk
        ]
    return {
        "id": item.id,
        "title": item.title,
        "text": text,
        "more": max(len(item.text) - SHOWN, 0),
        "marks": [mark for mark in marks if mark[0] < mark[1]],
        "ranks": ranks,
        "label": judged.get(item.id),
        "given": None if item.place is None else given.get(item.place),
        "known": item.place is not None,
    }
