"""Chunk labels of a golden set: numbers of chunks within a document become spans of its text."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import ChunkLabels, Evidence, GoldenItem, GoldenSet
from ragbench.core.spelling import named
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.io.golden_files.common import CHUNK

LABEL_CHUNKER = "recursive:size=1000,overlap=200"
"""The chunker whose chunks are counted where neither the user nor the golden set names one."""


def has_chunk_labels(golden: GoldenSet) -> bool:
    """Whether a query names the chunk that is relevant."""
    return any(CHUNK in item.metadata for item in golden)


def label_chunker(golden: GoldenSet, chosen: str | None) -> str:
    """The chunker that the labels count: the user's choice, else that of the set's card, else `LABEL_CHUNKER`."""
    return chosen or (golden.chunk_labels or ChunkLabels()).chunker or LABEL_CHUNKER


def label_chunks(corpus: Corpus, written: str) -> Chunks:
    """Cut the documents as the labels count them. Chunks that were ready are counted as they are.

    Raises:
        SettingError: no such chunker, or it has no such setting.
        InputError: no document gave a chunk.
    """
    if corpus.ready is not None:
        return corpus.ready
    return chunk(corpus, choose_chunker(written, passages=corpus.passages).chunker)[0]


def with_chunk_labels(golden: GoldenSet, chunks: Chunks, chunker: str) -> GoldenSet:
    """Replace evidence for whole documents by the spans of the chunks that the queries name.

    Args:
        golden: the set.
        chunks: the chunks that the labels count.
        chunker: how the chunks are cut, for messages.

    Raises:
        InputError: a query names a chunk that does not exist, or one chunk for several documents; the message has the
            line.
    """
    order = np.argsort(chunks.document_index, kind="stable")
    bounds = np.searchsorted(chunks.document_index[order], np.arange(len(chunks.document_ids) + 1)).tolist()
    rows = {id_: order[bounds[at] : bounds[at + 1]].tolist() for at, id_ in enumerate(chunks.document_ids)}
    labelled = _Labelled(chunks, rows, chunker, golden)
    return replace(golden, items=tuple(labelled.item(item) if CHUNK in item.metadata else item for item in golden))


class _Labelled:
    """The state of one `with_chunk_labels`."""

    def __init__(self, chunks: Chunks, rows: Mapping[str, list[int]], chunker: str, golden: GoldenSet) -> None:
        self.chunks, self.rows, self.chunker, self.name = chunks, rows, chunker, golden.name
        self.places = (golden.chunk_labels or ChunkLabels()).places

    def item(self, item: GoldenItem) -> GoldenItem:
        labels = item.metadata[CHUNK]
        documents = list(dict.fromkeys(e.document_id for e in item.evidence))
        if not isinstance(labels, Mapping):
            if len(documents) > 1:
                raise InputError(
                    f"{self.where(item, documents[0])}: {len(documents)} documents and {CHUNK} {labels!r:.60}, which "
                    "does not say whose chunk it is. Write a line for each document"
                )
            labels = dict.fromkeys(documents, labels)
        evidence: list[Evidence] = []
        for one in item.evidence:
            if one.whole and one.document_id in labels and one.document_id in self.rows:
                found = labels[one.document_id]
                evidence += [self.span(item, one, label) for label in (found if isinstance(found, list) else [found])]
            else:
                evidence.append(one)
        return replace(item, evidence=tuple(evidence))

    def span(self, item: GoldenItem, whole: Evidence, label: object) -> Evidence:
        rows = self.rows[whole.document_id]
        row = self.chunks.row.get(label) if isinstance(label, str) else None
        if row is None and str(label).isdecimal() and int(str(label)) < len(rows):
            row = rows[int(str(label))]
        if row is None or row not in rows:
            numbers = "chunk 0 alone" if len(rows) == 1 else f"chunks 0 to {len(rows) - 1}"
            raise InputError(
                f"{self.where(item, whole.document_id)}: {CHUNK} is {label!r:.60}, but {whole.document_id} has "
                f"{numbers} ({self.chunker}). Correct the line, or name the chunker that made the chunks: "
                f"{named('label_chunker')}"
            )
        return Evidence(
            whole.document_id, int(self.chunks.starts[row]), int(self.chunks.ends[row]), whole.grade, chunk=True
        )

    def where(self, item: GoldenItem, document: str) -> str:
        return self.places.get((item.id, document), f"{self.name}, query {item.id!r}")
