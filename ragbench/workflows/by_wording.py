"""Search of a masked set in several wordings: the queries of each search the copy of the corpus that belongs to it.

A document is embedded once for all copies that leave it alone, because vectors are stored by text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.core.runs import Query, Run
from ragbench.corpus.chunk import Chunked, choose_chunker, chunk
from ragbench.corpus.load import Loaded
from ragbench.engine import joined
from ragbench.golden.masked_corpus import copies_without
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.retrievers.run import UNASKED
from ragbench.retrievers.run import Run as RunFile


class Copies(NamedTuple):
    """What a masked set in wordings is evaluated on.

    Attributes:
        golden: the queries that keep evidence, as they are in the set.
        chunks: chunks of the copy of each wording.
    """

    golden: GoldenSet
    chunks: Mapping[str, Chunks]

    @property
    def unmasked(self) -> GoldenSet:
        """The queries without what they mask, because the copies lack it."""
        return replace(self.golden, items=tuple(replace(item, masked=()) for item in self.golden))

    def search_in(self, retriever: Retriever) -> Retriever:
        """The retriever over the copies. Rankings that were computed elsewhere are read as they are."""
        if isinstance(retriever, RunFile):
            return retriever
        return ByWording(retriever, self.chunks, {item.id: item.wording or "" for item in self.golden})


def copies_for(golden: GoldenSet, loaded: Loaded, chunked: Chunked) -> Copies | None:
    """Cut the copies; None for a set without wordings, or for a file of chunks, which cannot be cut again.

    Raises:
        InputError: masked text is not in the corpus, or no query has evidence left.
    """
    if loaded.chunks is not None or not any(item.masked and item.wording for item in golden):
        return None
    chunker = choose_chunker(chunked.chunker, passages=loaded.passages).chunker
    copies = copies_without(loaded.corpus, golden).copies
    kept = {item.id for copy in copies.values() for item in copy.golden}
    entries = Ledger(tuple(entry for copy in copies.values() for entry in copy.golden.ledger.entries))
    return Copies(
        GoldenSet(tuple(item for item in golden if item.id in kept), golden.name, golden.ledger + entries.entries),
        {wording: chunk(copy.corpus, chunker)[0] for wording, copy in copies.items()},
    )


@dataclass(frozen=True, eq=False)
class ByWording(Retriever):
    """A retriever that searches another copy of the documents for each wording.

    Attributes:
        retriever: what searches.
        chunks: the chunks by wording.
        wordings: wording by query id.
    """

    retriever: Retriever
    chunks: Mapping[str, Chunks] = field(repr=False)
    wordings: Mapping[str, str] = field(repr=False)

    @property
    def parts(self) -> Sequence[Retriever]:
        """The retriever that searches."""
        return (self.retriever,)

    @property
    def deterministic(self) -> bool:
        """Whether the retriever that searches always gives the same ranking."""
        return self.retriever.deterministic

    def key(self) -> str:
        """Fingerprint of the retriever and the copies."""
        copies = {wording: chunks.fingerprint for wording, chunks in self.chunks.items()}
        return fingerprint([self.retriever.key(), copies, self.wordings])

    def index(self, chunks: Chunks, context: Context) -> "ByWordingIndex":
        """Index every copy.

        Raises:
            ArmError: the retriever holds documents of its own, where nothing is masked.
        """
        if not self.retriever.needs_chunks:
            raise ArmError(
                "it searches documents of its own, which still have the text that the queries were taken from. Let it "
                "search the copies that 'ragbench golden corpus' writes, one evaluation for each"
            )
        found: dict[str, Index] = {}
        try:
            for wording, copy in self.chunks.items():
                found[wording] = self.retriever.index(copy, context)
        except Exception:
            for index in found.values():
                index.close()
            raise
        return ByWordingIndex(found, self.chunks, self.wordings, chunks)


class ByWordingIndex(Index):
    """One index per wording. Its items are the documents of the corpus."""

    def __init__(
        self, indexes: Mapping[str, Index], copies: Mapping[str, Chunks], wordings: Mapping[str, str], chunks: Chunks
    ) -> None:
        self._row = {id_: row for row, id_ in enumerate(chunks.document_ids)}
        self._ids = list(chunks.document_ids)
        super().__init__(self._ids, "document")
        self._indexes, self._wordings = indexes, wordings
        self._places = {
            wording: {
                "document": self._rows_of(copy.document_ids),
                "chunk": self._rows_of(copy.document_ids)[copy.document_index],
            }
            for wording, copy in copies.items()
        }
        self.parts = tuple(indexes.values())
        self.longest = max(index.longest for index in self.parts)
        self._note()

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Not used: `search` asks the indexes."""
        raise NotImplementedError

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """Search each query in the copy of its wording."""
        asked: dict[str, list[Query]] = {}
        for query in queries:
            asked.setdefault(self._wordings[query.id], []).append(query)
        runs = [self._documents(wording, self._indexes[wording].search(its, k)) for wording, its in asked.items()]
        self._note()
        return joined(runs).select([query.id for query in queries])

    def close(self) -> None:
        """Close every index."""
        for index in self.parts:
            index.close()

    def _documents(self, wording: str, run: Run) -> Run:
        place = self._places[wording][run.unit]
        strangers = run.item_ids[len(place) :]
        if strangers:
            place = np.concatenate([place, self._rows_of(strangers)])
        return run.as_documents(self._ids, place)

    def _rows_of(self, ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Rows of documents. Ids that the corpus lacks become documents of their own."""
        rows = []
        for id_ in ids:
            if id_ not in self._row:
                self._row[id_] = len(self._ids)
                self._ids.append(id_)
            rows.append(self._row[id_])
        return np.array(rows, dtype=np.int32)

    def _note(self) -> None:
        for name in dict.fromkeys(name for index in self.parts for name in index.notes):
            self.notes[name] = _together(name, [i.notes[name] for i in self.parts if name in i.notes])


def _together(name: str, noted: Sequence[object]) -> object:
    """Combine the notes of several indexes: add up counts, and keep equal notes once."""
    if name.split(".")[-1] == UNASKED:
        return [id_ for id_ in noted[0] if all(id_ in other for other in noted)]  # type: ignore[attr-defined, operator]
    if all(isinstance(one, int) and not isinstance(one, bool) for one in noted):
        return sum(noted)  # type: ignore[arg-type]
    return noted[0] if all(one == noted[0] for one in noted) else list(noted)
