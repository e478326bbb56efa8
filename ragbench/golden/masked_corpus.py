"""A copy of the corpus without the masked text, and the golden set that belongs to the copy."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from ragbench.core.brief import brief
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.io.files import write_text
from ragbench.io.golden_files import write_golden

MARK, _OLD_MARK = "masked_from_corpus", "struck_from_corpus"
"""Metadata key for masked spans (in the original offsets) that were removed from the corpus."""

CORPUS, GOLDEN = "corpus.jsonl", "golden"
"""Names inside a folder that `write_without` writes."""


@brief
class Without(NamedTuple):
    """A corpus without masked text.

    Attributes:
        corpus: the shortened documents. A document that is masked whole is dropped, and the corpus's issue log lists
            it.
        golden: the queries, with their evidence at its new offsets and nothing left to mask. Its issue log lists
            what lost its evidence.
    """

    corpus: Corpus
    golden: GoldenSet


def without_masked(corpus: Corpus, golden: GoldenSet) -> Without:
    """Remove from the corpus every span that any query of the set masks.

    All spans are removed for all queries, so one index serves the whole set; `copies_without` keeps wordings apart. A
    sentence that became a query is therefore missing for the other queries too. If it held evidence for them, that
    evidence is lost, and the issue log says so. The ids in ``exclude`` stay as they are and may not exist in the new
    chunking. A corpus that was read from a file of chunks becomes a corpus of documents, which you chunk again.

    Raises:
        InputError: a masked span names a document that the corpus lacks or reaches past the document's end, or no query
            has evidence left.
    """
    cuts = _cuts(corpus, golden)
    documents, gone = [], []
    for document in corpus:
        text = cuts[document.id].text(document.text) if document.id in cuts else document.text
        if text.strip():
            documents.append(replace(document, text=text))
        else:
            gone.append(LedgerEntry("golden", document.id, "all of its text is masked", "masked-whole"))
    absent = {entry.item for entry in gone}
    entries: list[LedgerEntry] = []
    items = []
    for item in golden:
        moved = _moved(item, cuts, absent, entries)
        if moved is not None:
            items.append(moved)
    if not items:
        raise InputError(f"golden set {golden.name!r}: every query's evidence is masked by another one")
    return Without(
        Corpus(tuple(documents), corpus.ledger + gone, corpus.passages),
        GoldenSet(tuple(items), golden.name, golden.ledger + entries),
    )


@brief
@dataclass(frozen=True)
class WithoutMasked:
    """Copies of a corpus without the text that a golden set masks.

    Attributes:
        copies: the copy of each wording. A set without wordings has one, under the empty name.
    """

    copies: Mapping[str, Without]

    @property
    def corpus(self) -> Corpus:
        """The shortened documents.

        Raises:
            InputError: there are several copies.
        """
        return self._only.corpus

    @property
    def golden(self) -> GoldenSet:
        """The set that belongs to them.

        Raises:
            InputError: there are several copies.
        """
        return self._only.golden

    @property
    def ledger(self) -> Ledger:
        """Issue log of what was skipped in all copies."""
        ledgers = [copy.corpus.ledger + copy.golden.ledger.entries for copy in self.copies.values()]
        return Ledger(tuple(dict.fromkeys(entry for ledger in ledgers for entry in ledger.entries)))

    @property
    def _only(self) -> Without:
        if len(self.copies) > 1:
            raise InputError(
                f"the set asks in {len(self.copies)} wordings, and each masks other text: choose one of the copies, "
                f"such as .copies[{next(iter(self.copies))!r}]"
            )
        return next(iter(self.copies.values()))


def copies_without(corpus: Corpus, golden: GoldenSet) -> WithoutMasked:
    """Remove what the queries of each wording mask from a copy of the corpus for that wording.

    Text that one wording masks stays in the copies of the others. A set without wordings, or without masks, has one
    copy, under the empty name.

    Raises:
        InputError: as in `without_masked`.
    """
    parts = golden.by_wording() if any(item.masked for item in golden) else {"": golden}
    return WithoutMasked({wording: without_masked(corpus, part) for wording, part in parts.items()})


@dataclass(frozen=True)
class _Cut:
    """The cuts in one document: spans in order that neither overlap nor touch."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> "_Cut":
        merged: list[list[int]] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        return cls(tuple(start for start, _ in merged), tuple(end for _, end in merged))

    def text(self, text: str) -> str:
        """Remove the spans. White space on both sides stays, so that no two words are joined."""
        kept = [text[low:high] for low, high in zip((0, *self.ends), (*self.starts, len(text)), strict=True)]
        return "".join(kept)

    def place(self, at: int) -> int:
        """Map an offset of the old text to the new text. An offset inside a cut maps to the place of the cut."""
        before = bisect_right(self.starts, at)
        removed = [0, *accumulate(end - start for start, end in zip(self.starts, self.ends, strict=True))]
        inside = max(0, self.ends[before - 1] - at) if before else 0
        return at - removed[before] + inside


def _cuts(corpus: Corpus, golden: GoldenSet) -> dict[str, _Cut]:
    spans: dict[str, set[tuple[int, int]]] = {}
    unknown, outside = set(), set()
    for item in golden:
        for span in item.masked:
            document = corpus.by_id.get(span.document_id)
            if document is None:
                unknown.add(span.document_id)
                continue
            end = len(document.text) if span.end is None else span.end
            if not 0 <= span.start <= end <= len(document.text):
                outside.add(item.id)
            elif end > span.start:
                spans.setdefault(span.document_id, set()).add((span.start, end))
    if unknown:
        raise InputError(
            f"golden set {golden.name!r} masks text of {len(unknown)} documents that the corpus lacks: "
            f"{first_ten(sorted(unknown))}. Is it the right corpus?"
        )
    if outside:
        raise InputError(
            f"golden set {golden.name!r}: {len(outside)} queries mask text past the end of their document: "
            f"{first_ten(sorted(outside))}. Has the corpus changed since they were written?"
        )
    return {id_: _Cut.of(places) for id_, places in spans.items()}


def _moved(item: GoldenItem, cuts: dict[str, _Cut], absent: set[str], entries: list[LedgerEntry]) -> GoldenItem | None:
    evidence = []
    for one in item.evidence:
        cut = cuts.get(one.document_id)
        placed = one
        if cut is not None and one.end is not None:
            placed = replace(one, start=cut.place(one.start), end=cut.place(one.end))
        if one.document_id in absent or (
            placed.end is not None and one.end != one.start and placed.end == placed.start
        ):
            entries.append(LedgerEntry("golden", item.id, f"its evidence {_at(one)} is masked", "evidence-masked"))
        else:
            evidence.append(placed)
    if any(e.grade > 0 for e in item.evidence) and not any(e.grade > 0 for e in evidence):
        entries.append(LedgerEntry("golden", item.id, "no evidence is left, so it is dropped", "no-evidence-left"))
        return None
    metadata = dict(item.metadata)
    if item.masked:
        metadata[MARK] = [_json(span) for span in item.masked]
    return replace(item, evidence=tuple(evidence), masked=(), metadata=metadata)


def _at(span: Evidence | Span) -> str:
    return f"{span.document_id}[{span.start}:{'' if span.end is None else span.end}]"


def _json(span: Span) -> dict[str, object]:
    return {"document_id": span.document_id, "start": span.start, "end": span.end}


def rows_of(corpus: Corpus) -> list[dict[str, object]]:
    """Convert the corpus to JSON objects that the ``jsonl`` loader reads back unchanged."""
    return [_row(document) for document in corpus]


def _row(document: Document) -> dict[str, object]:
    row: dict[str, object] = {"id": document.id}
    if document.title:
        row["title"] = document.title
    row["text"] = document.text
    if document.metadata:
        row["metadata"] = dict(document.metadata)
    return row


def write_without(corpus: Corpus, golden: GoldenSet, out: Path) -> WithoutMasked:
    """Write ``corpus.jsonl`` and ``golden/`` (ragbench's own format), each atomically, and return them by wording.

    They are in ``out``, or in a folder of ``out`` for each wording.

    Raises:
        InputError: as in `without_masked`; or no query masks anything.
    """
    if not any(item.masked for item in golden):
        done = any(mark in item.metadata for item in golden for mark in (MARK, _OLD_MARK))
        why = "its masked text was taken out before" if done else "no query has 'masked' spans"
        raise InputError(f"golden set {golden.name!r}: nothing to mask: {why}. Evaluate on the corpus as it is")
    without = copies_without(corpus, golden)
    for wording, copy in without.copies.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(copy.corpus)]
        write_text(out / wording / CORPUS, "".join(lines))
        write_golden(copy.golden, out / wording / GOLDEN)
    return without
