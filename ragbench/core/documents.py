"""Corpora of documents, and the chunks that are cut from them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, numbered
from ragbench.core.document import Chunk, Document
from ragbench.core.errors import InputError, nearest_of
from ragbench.core.fields import Fields
from ragbench.core.fingerprint import fingerprint, fingerprint_texts
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.shown import Shown

__all__ = ["Chunk", "Chunks", "Corpus", "Document"]


@brief
@dataclass(frozen=True)
class Corpus(Shown):
    """Documents with unique ids, and what was skipped while they were loaded.

    Attributes:
        documents: the documents, in the order of their source.
        ledger: what was skipped.
        passages: whether all documents are ready-made passages (rows of a table), which the chunker ``auto`` does not
            split.
        ready: the chunks, if the source was a file of chunks.

    Raises:
        InputError: two documents share an id, or there is no document.

    Examples:
        >>> corpus = rb.Corpus((rb.Document("a", "red apples"), rb.Document("b", "blue sky")))
        >>> len(corpus), corpus.by_id["b"].text
        (2, 'blue sky')
        >>> corpus[0].id, corpus["b"].text
        ('a', 'blue sky')
        >>> corpus
        Corpus(2 documents)
    """

    documents: tuple[Document, ...]
    ledger: Ledger = field(default_factory=Ledger)
    passages: bool = field(default=False, compare=False)
    ready: "Chunks | None" = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.documents:
            raise InputError("the corpus is empty: no document was read" + _skipped(self.ledger))
        twice = [id_ for id_, n in Counter(d.id for d in self.documents).items() if n > 1]
        if twice:
            raise InputError(
                f"{len(twice)} document ids occur more than once: {first_ten(sorted(twice))}. "
                "Give each document an id of its own"
            )

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def __getitem__(self, which: int | str) -> Document:
        """Return a document by its position or its id.

        Raises:
            InputError: there is no document with that id.
        """
        if isinstance(which, str):
            if which not in self.by_id:
                raise InputError(f"no document {which!r}{nearest_of(which, self.by_id)}")
            return self.by_id[which]
        return self.documents[which]

    def _brief(self) -> str:
        return numbered(len(self), "document")

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """Document by id."""
        return {document.id: document for document in self.documents}

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of ids, titles, texts and metadata, in order."""
        texts = fingerprint_texts(
            (d.id for d in self.documents), (d.title for d in self.documents), (d.text for d in self.documents)
        )
        return fingerprint([texts, [d.metadata for d in self.documents]])


def _skipped(ledger: Ledger) -> str:
    if not len(ledger):
        return ""
    return f" ({len(ledger)} skipped: {first_ten(f'{e.item}: {e.reason}' for e in ledger.entries)})"


@brief
@dataclass(frozen=True, eq=False)
class Chunks(Sequence[Chunk], Shown):
    """All chunks of a corpus, as columns.

    Attributes:
        ids: chunk ids, length n, unique.
        texts: chunk texts, length n.
        document_ids: the documents, length d, each once, in order of first appearance.
        document_index: int32 (n,), the row of ``document_ids`` each chunk belongs to.
        starts, ends: int64 (n,), character offsets in the document's text.
        titles: document titles, length d ("" where there is none).
        metadata: what else is known of each document, length d; empty if nobody knows. It is no part of the
            fingerprint.
        ledger: what was skipped between files and chunks.

    Raises:
        InputError: there is no chunk, or an id occurs twice.

    Examples:
        >>> chunks = rb.Chunks.of([rb.Chunk("a#1", "a", "red", 0, 3), rb.Chunk("a#2", "a", "apples", 4, 10)])
        >>> chunks.ids, chunks.document_ids
        (['a#1', 'a#2'], ['a'])
        >>> chunks[1].text
        'apples'
    """

    ids: Sequence[str]
    texts: Sequence[str]
    document_ids: Sequence[str]
    document_index: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    titles: Sequence[str]
    ledger: Ledger = field(default_factory=Ledger)
    metadata: Sequence[Mapping[str, object]] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.ids:
            raise InputError("there is nothing to index: the corpus has no chunk (are its documents empty?)")
        if len(set(self.ids)) != len(self.ids):
            twice = sorted(id_ for id_, n in Counter(self.ids).items() if n > 1)
            raise InputError(f"{len(twice)} chunk ids occur more than once: {first_ten(twice)}")

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Chunks":
        """Build the columns from single chunks, in their order."""
        rows = list(chunks)
        documents: dict[str, int] = {}
        titles: list[str] = []
        index = np.empty(len(rows), dtype=np.int32)
        for i, row in enumerate(rows):
            at = documents.setdefault(row.document_id, len(documents))
            if at == len(titles):
                titles.append(row.title)
            index[i] = at
        return cls(
            ids=[row.id for row in rows],
            texts=[row.text for row in rows],
            document_ids=list(documents),
            document_index=index,
            starts=np.fromiter((row.start for row in rows), np.int64, len(rows)),
            ends=np.fromiter((row.end for row in rows), np.int64, len(rows)),
            titles=titles,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def _brief(self) -> str:
        return f"{numbered(len(self), 'chunk')} of {numbered(len(self.document_ids), 'document')}"

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> list[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | list[Chunk]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = int(self.document_index[index])
        return Chunk(
            id=self.ids[index],
            document_id=self.document_ids[at],
            text=self.texts[index],
            start=int(self.starts[index]),
            end=int(self.ends[index]),
            title=self.titles[at],
        )

    @cached_property
    def row(self) -> dict[str, int]:
        """Row by chunk id."""
        return {id_: i for i, id_ in enumerate(self.ids)}

    @cached_property
    def document_row(self) -> dict[str, int]:
        """Row of ``document_ids`` by document id."""
        return {id_: i for i, id_ in enumerate(self.document_ids)}

    @cached_property
    def fields(self) -> Fields:
        """What the documents can be filtered by."""
        return Fields(self.document_ids, self.titles, self.metadata)

    @cached_property
    def contents(self) -> list[str]:
        """What a retriever indexes for each chunk: title and text, joined by a space."""
        titles = self.titles
        return [
            f"{titles[at]} {text}" if titles[at] else text
            for at, text in zip(self.document_index.tolist(), self.texts, strict=True)
        ]

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of every column."""
        columns = fingerprint_texts(self.ids, self.texts, self.document_ids, self.titles)
        numbers = fingerprint_texts(
            [self.document_index.tobytes().hex(), self.starts.tobytes().hex(), self.ends.tobytes().hex()]
        )
        return fingerprint([columns, numbers])
