"""Indexes whose answers come from outside, as ids that the corpus may lack."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ragbench.core.documents import Chunks
from ragbench.core.queries import Query
from ragbench.core.runs import Run, Unit
from ragbench.retrievers.base import Index, Ranking, padded


class Failed(NamedTuple):
    """A query that got no answer.

    Attributes:
        reason: why.
        stray: whether what came was no answer to any query (a log line, say).
    """

    reason: str
    stray: bool = False


Answer = list[tuple[str, float]] | Failed
"""Item ids with scores (higher is better), or the reason why there are none."""


class OwnIdsIndex(Index):
    """An index over a service, a program or a file that names its results itself.

    Ids that the corpus lacks keep their ranks: `item_ids` grows by them, and
    ``notes`` counts them. An id of the other unit (a document's id where chunks
    were promised) fails its query, because scoring it could only give a false 0.

    Args:
        chunks: the corpus.
        unit: what the answers name; the user's setting ``returns``.
    """

    def __init__(self, chunks: Chunks, unit: Unit) -> None:
        own, other = (chunks.ids, chunks.document_ids) if unit == "chunk" else (chunks.document_ids, chunks.ids)
        self._ids = list(own)
        super().__init__(self._ids, unit)
        self._chunks = chunks
        self._row = {id_: row for row, id_ in enumerate(self._ids)}
        self._known = len(self._row)
        self._other = frozenset(other) - self._row.keys()

    def ranking(self, answers: Iterable[Answer]) -> Ranking:
        """The `Ranking` of one answer per query."""
        rows: list[list[tuple[int, float]]] = []
        failures: dict[int, str] = {}
        for position, answer in enumerate(answers):
            rows.append([])
            if isinstance(answer, Failed):
                failures[position] = answer.reason
                continue
            foreign = next((id_ for id_, _ in answer if id_ in self._other), None)
            if foreign is not None:
                failures[position] = self._wrong_unit(foreign)
            else:
                rows[-1] = [(self._row_of(id_), score) for id_, score in self._once(answer)]
        if len(self._row) > self._known:
            self.notes["ids_not_in_corpus"] = len(self._row) - self._known
        return padded(rows, failures)

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """As `Index.search`; a document is left out if every chunk of it is to be left out."""
        if self.unit == "document" and any(query.exclude for query in queries):
            queries = [query._replace(exclude=self._documents(query.exclude)) for query in queries]
        return super().search(queries, k)

    def _once(self, answer: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """Each document once, where its best chunk stood; repeated chunks are left for `Run` to count."""
        if self.unit == "chunk":
            return answer
        best: dict[str, float] = {}
        for id_, score in answer:
            best[id_] = max(score, best.get(id_, score))
        return list(best.items())

    def _row_of(self, id_: str) -> int:
        row = self._row.setdefault(id_, len(self._row))
        if row == len(self._ids):
            self._ids.append(id_)
        return row

    def _wrong_unit(self, id_: str) -> str:
        right = "document" if self.unit == "chunk" else "chunk"
        return f"{id_!r} is the id of a {right}, not of a {self.unit}: set returns={right}"

    def _documents(self, exclude: frozenset[str]) -> frozenset[str]:
        """Excluded ids as documents: those named themselves, and those none of whose chunks is left."""
        chunks = self._chunks
        rows = [chunks.row[id_] for id_ in exclude if id_ in chunks.row]
        named = {id_ for id_ in exclude if id_ not in chunks.row}
        masked = Counter(chunks.document_index[rows].tolist())
        whole = {at for at, n in masked.items() if n == np.count_nonzero(chunks.document_index == at)}
        return frozenset(named | {chunks.document_ids[at] for at in whole})


def by_rank(ids: Sequence[str]) -> list[tuple[str, float]]:
    """Scores that keep the order given: n, n - 1, ... 1."""
    return [(id_, float(len(ids) - at)) for at, id_ in enumerate(ids)]
