"""The contract of a retriever.

A `Retriever` is settings; `index` turns it and the chunks into an `Index`,
which answers queries. A subclass of `Retriever` is a frozen dataclass: its
fields are its settings, its repr and its cache key.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query, Run, Unit
from ragbench.retrievers._neighbours import Approximation


class Ranking(NamedTuple):
    """Answers to a batch of queries, in any order within a row.

    Attributes:
        items: int32 (q, k), rows of ``Index.item_ids``; -1 after the last item.
        scores: float32 (q, k); higher is better. Ignored where ``items`` is -1.
        failures: reason by query position, for queries that could not be answered.
    """

    items: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    failures: Mapping[int, str] = {}


FILTERING = (
    "bm25, dense, hybrid, rerank and vector databases can. A retriever of your own sets filters = True in its "
    "Index and reads query.filter"
)
"""What applies filters, for messages."""


class Index(ABC):
    """Something that answers queries.

    Attributes:
        item_ids: the ids it can return. The list may grow during searches, because a
            service may know items that the corpus lacks.
        unit: whether these are ids of chunks or of documents.
        notes: facts about the index to report (``{"embedded": 1200}``).
        parts: the indexes it is made of.
        approximation: the approximate index that it searches, for comparison with exact search; None for others.
        degraded: reason by query id, for queries that were not searched as the settings say, such as when a language
            model gave no answer. They are scored and reported, and their run is not stored.
        cost: price of the model answers behind the queries so far, whenever they were paid for, in the currency of the
            price table; None if nothing is paid for or the price is unknown.
    """

    item_ids: Sequence[str]
    unit: Unit = "chunk"
    parts: "Sequence[Index]" = ()
    approximation: Approximation | None = None
    cost: float | None = None

    replays: ClassVar[bool] = False
    """Whether it reads rankings that were computed elsewhere. Its times are then those of a look-up, so none are
    reported."""

    longest: int = 0
    """Items of the longest ranking that it replays. An evaluation uses all of them, so that metrics without a cut-off
    see the whole run."""

    excludes: ClassVar[bool] = False
    """Whether `rank` drops excluded items itself, so that `search` need not ask it for more items."""

    @property
    def filters(self) -> bool:
        """Whether `rank` finds the best of the items that the filter of a query lets through (`Query.filter`). An index
        that is made of others does if all of them do.
        """
        return bool(self.parts) and all(part.filters for part in self.parts)

    def __init__(self, item_ids: Sequence[str], unit: Unit = "chunk") -> None:
        self.item_ids = item_ids
        self.unit = unit
        self.notes: dict[str, object] = {}
        self.degraded: dict[str, str] = {}
        self._row_by_id: tuple[Sequence[str], dict[str, int]] = ((), {})

    @abstractmethod
    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Rank at least the k best items of each query. Exclusions need not be applied (see `excludes`)."""

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """Search for the k best items of each query that are not excluded for it.

        The method asks `rank` for extra items, as many as the longest exclusion list,
        drops the excluded items, and then cuts at k. A failed query has an empty
        ranking.

        Raises:
            ArmError: a query has a filter, and the index applies none.
        """
        asked = next((query.filter for query in queries if query.filter is not None), None)
        if asked is not None and not self.filters:
            raise ArmError(f"it cannot apply the filter {str(asked)!r}; {FILTERING}")
        more = 0 if self.excludes else max((len(query.exclude) for query in queries), default=0)
        ranking = self.rank(queries, k + more)
        valid = ranking.items >= 0
        valid[list(ranking.failures)] = False
        row_of = self._rows() if any(query.exclude for query in queries) else {}
        for position, query in enumerate(queries):
            if query.exclude:
                out = [row_of[id_] for id_ in query.exclude if id_ in row_of]
                valid[position] &= ~np.isin(ranking.items[position], out)
        run = Run.of(
            [query.id for query in queries],
            np.nonzero(valid)[0],
            ranking.items[valid],
            ranking.scores[valid],
            self.item_ids,
            unit=self.unit,
            failures={queries[position].id: reason for position, reason in ranking.failures.items()},
        )
        return run.top(k)

    def _rows(self) -> dict[str, int]:
        """Row by item id, kept between searches because a corpus may have a million ids."""
        if self._row_by_id[0] is not self.item_ids or len(self._row_by_id[1]) != len(self.item_ids):
            self._row_by_id = (self.item_ids, {id_: row for row, id_ in enumerate(self.item_ids)})
        return self._row_by_id[1]

    def close(self) -> None:
        """Release what the index holds, such as processes and connections."""
        return None


class Retriever(ABC):
    """Settings of a retriever."""

    needs_chunks: ClassVar[bool] = True
    """Whether an empty index is an error. False for services that hold their own documents."""

    @property
    def parts(self) -> Sequence["Retriever"]:
        """The retrievers it is made of; empty for most."""
        return ()

    @property
    def token_embedders(self) -> frozenset[str]:
        """Fingerprints of the embedders whose token vectors it needs."""
        return frozenset[str]().union(*(part.token_embedders for part in self.parts))

    @property
    def embedders(self) -> frozenset[str]:
        """Specs of the embedders that it and its parts search with."""
        return frozenset[str]().union(*(part.embedders for part in self.parts))

    @property
    def cacheable(self) -> bool:
        """Whether the same settings and chunks always give the same run, so that it may be stored."""
        return all(part.cacheable for part in self.parts)

    @property
    def deterministic(self) -> bool:
        """Whether another run gives the same rankings for certain, so that repeats are not needed.

        Only retrievers of ragbench that ask no service and no language model are.
        """
        own = type(self).__module__.startswith("ragbench.retrievers.")
        return own and self.cacheable and all(part.deterministic for part in self.parts)

    def check(self) -> list[str]:
        """Describe faults in the settings that are visible before anything is computed."""
        return []

    @abstractmethod
    def index(self, chunks: Chunks, context: Context) -> Index:
        """Build the index that answers queries about these chunks."""

    def key(self) -> str:
        """Fingerprint of everything that decides a ranking, except the chunks."""
        return fingerprint(self)


def padded(rows: Sequence[Iterable[tuple[int, float]]], failures: Mapping[int, str] | None = None) -> Ranking:
    """Build a `Ranking` from ragged lists of (item row, score)."""
    lists = [list(row) for row in rows]
    width = max((len(row) for row in lists), default=0)
    items = np.full((len(lists), width), -1, dtype=np.int32)
    scores = np.zeros((len(lists), width), dtype=np.float32)
    for position, row in enumerate(lists):
        if row:
            items[position, : len(row)] = [item for item, _ in row]
            scores[position, : len(row)] = [score for _, score in row]
    return Ranking(items, scores, failures or {})
