"""Runs: rankings of a retriever for queries, as columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, numbered
from ragbench.core.errors import InputError
from ragbench.core.filters import Filter
from ragbench.core.fingerprint import fingerprint, fingerprint_texts
from ragbench.core.order import Scores, canonical_order, first_of_each
from ragbench.core.shown import Shown
from ragbench.core.turns import History

Unit = Literal["chunk", "document"]
Precision = Literal["double", "single"]

CONSTANT = (
    "it gives every item the same score, so its order means nothing. "
    "If it returns an order without scores, let it leave the scores out"
)
"""Why a `Run.constant` run is refused."""
MANY_TIES = 0.05
"""Share of tied items that is worth a warning."""


@brief
@dataclass(frozen=True, eq=False)
class Run(Shown):
    """Rankings in canonical order (`ragbench.core.order`), each item once per query.

    Build one with `Run.of`, which sorts the rows and removes repeated items. The rows of a query are adjacent, best
    first.

    Attributes:
        query_ids: all queries, including those with an empty ranking, length q.
        offsets: int64 (q + 1,); the ranking of query i is rows ``offsets[i]:offsets[i + 1]``.
        items: int32 (n,), index into ``item_ids``.
        scores: float32 or float64 (n,), higher is better.
        item_ids: the id vocabulary (may hold ids that were never retrieved).
        unit: whether the ids are of chunks or of documents.
        failures: reason by query id, for queries that could not be answered.
        repeated: number of rows that were dropped because their query already had the item.

    Examples:
        >>> run = rb.Run.from_dict({"q1": {"a": 0.4, "b": 0.9}})
        >>> [item for item, score in run.ranking(0)]
        ['b', 'a']
    """

    query_ids: Sequence[str]
    offsets: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    scores: Scores
    item_ids: Sequence[str]
    unit: Unit = "chunk"
    failures: Mapping[str, str] = field(default_factory=dict)
    repeated: int = 0

    @classmethod
    def of(
        cls,
        query_ids: Sequence[str],
        query_index: npt.ArrayLike,
        items: npt.ArrayLike,
        scores: npt.ArrayLike,
        item_ids: Sequence[str],
        *,
        unit: Unit = "chunk",
        failures: Mapping[str, str] | None = None,
    ) -> "Run":
        """Build a run from rows in any order.

        Args:
            query_ids: all queries, length q.
            query_index: (n,) query of each row, 0 to q - 1.
            items: (n,) index into ``item_ids``.
            scores: (n,) numbers without NaN; float32 stays single precision, and others become doubles.
            item_ids: the id vocabulary.
            unit: whether the ids are of chunks or of documents.
            failures: reason by query id.

        Raises:
            InputError: a score is NaN (the message names the query and the item).
        """
        query = np.asarray(query_index, dtype=np.int64)
        item = np.asarray(items, dtype=np.int32)
        score: Scores = np.asarray(scores)
        if score.dtype != np.float32:
            score = score.astype(np.float64)
        nan = np.isnan(score)
        if nan.any():
            at = int(np.flatnonzero(nan)[0])
            raise InputError(
                f"{int(nan.sum())} scores are NaN; the first is item {item_ids[item[at]]!r} "
                f"of query {query_ids[query[at]]!r}. A retriever must return numbers"
            )
        order = canonical_order(query, item, score, item_ids)
        if order is not None:
            query, item, score = query[order], item[order], score[order]
        keep = first_of_each(query, item, len(item_ids))
        repeated = 0
        if keep is not None:
            repeated = int(len(keep) - keep.sum())
            query, item, score = query[keep], item[keep], score[keep]
        offsets = np.searchsorted(query, np.arange(len(query_ids) + 1)).astype(np.int64)
        return cls(query_ids, offsets, item, score, item_ids, unit, dict(failures or {}), repeated)

    @classmethod
    def from_dict(cls, rankings: Mapping[str, Mapping[str, float]], *, unit: Unit = "chunk") -> "Run":
        """Build a run from ``{query id: {item id: score}}``, the form of ranx and pytrec_eval."""
        item_ids = sorted({item for ranking in rankings.values() for item in ranking})
        row = {item: i for i, item in enumerate(item_ids)}
        lengths = [len(ranking) for ranking in rankings.values()]
        return cls.of(
            list(rankings),
            np.repeat(np.arange(len(rankings)), lengths),
            [row[item] for ranking in rankings.values() for item in ranking],
            [score for ranking in rankings.values() for score in ranking.values()],
            item_ids,
            unit=unit,
        )

    def at_precision(self, precision: Precision) -> "Run":
        """Convert the scores. In single precision, more of them can be equal, and equal scores are ordered by id."""
        if self.scores.dtype == (np.float32 if precision == "single" else np.float64):
            return self
        with np.errstate(over="ignore"):
            scores = self.scores.astype(np.float32 if precision == "single" else np.float64)
        return Run.of(
            self.query_ids, self.query_index, self.items, scores, self.item_ids, unit=self.unit, failures=self.failures
        )

    def __len__(self) -> int:
        return len(self.query_ids)

    def _brief(self) -> str:
        return f"{numbered(len(self), 'query')}, {numbered(len(self.items), self.unit)}"

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(q,) Number of retrieved items per query."""
        return np.diff(self.offsets)

    @cached_property
    def query_index(self) -> npt.NDArray[np.int64]:
        """(n,) Query of each row."""
        return np.repeat(np.arange(len(self.query_ids)), self.lengths)

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """(n,) Rank of each row in its query, from 1."""
        return np.arange(1, len(self.items) + 1) - np.repeat(self.offsets[:-1], self.lengths)

    def ranking(self, query: int) -> list[tuple[str, float]]:
        """Return item ids and scores of one query (by position), best first."""
        rows = slice(int(self.offsets[query]), int(self.offsets[query + 1]))
        names = [self.item_ids[item] for item in self.items[rows]]
        return list(zip(names, self.scores[rows].tolist(), strict=True))

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Convert to ``{query id: {item id: score}}``, for ranx, pytrec_eval and other tools."""
        return {query_id: dict(self.ranking(i)) for i, query_id in enumerate(self.query_ids)}

    def top(self, k: int) -> "Run":
        """Cut the run after rank k."""
        if self.lengths.max(initial=0) <= k:
            return self
        return self.where(self.ranks <= k)

    def where(self, keep: npt.NDArray[np.bool_]) -> "Run":
        """Keep some of the rows.

        Args:
            keep: (n,) whether to keep each row.
        """
        counts = np.bincount(self.query_index[keep], minlength=len(self.query_ids))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return Run(
            self.query_ids,
            offsets,
            self.items[keep],
            self.scores[keep],
            self.item_ids,
            self.unit,
            self.failures,
            self.repeated,
        )

    def as_documents(self, document_ids: Sequence[str], document_index: npt.NDArray[np.int32]) -> "Run":
        """Convert a run of chunks to a run of documents. Each document takes the rank of its best chunk.

        Args:
            document_ids: the documents.
            document_index: (number of items,) the document of each item of this run.
        """
        run = Run.of(
            self.query_ids,
            self.query_index,
            document_index[self.items],
            self.scores,
            document_ids,
            unit="document",
            failures=self.failures,
        )
        # Several chunks of one document are not a fault of the retriever, so they do not count as repeated.
        return Run(
            run.query_ids,
            run.offsets,
            run.items,
            run.scores,
            run.item_ids,
            "document",
            run.failures,
            self.repeated,
        )

    def select(self, query_ids: Sequence[str]) -> "Run":
        """Select the rankings of these queries, in this order. A query that the run lacks gets an empty ranking."""
        if list(query_ids) == list(self.query_ids):
            return self
        row = {id_: i for i, id_ in enumerate(self.query_ids)}
        source = np.array([row.get(id_, -1) for id_ in query_ids], dtype=np.int64)
        lengths = np.where(source >= 0, self.lengths[source], 0) if len(self.query_ids) else np.zeros(len(source), int)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        rows = np.repeat(self.offsets[:-1][source] if len(self.query_ids) else source, lengths) + within
        wanted = set(query_ids)
        return Run(
            query_ids,
            offsets,
            self.items[rows],
            self.scores[rows],
            self.item_ids,
            self.unit,
            {id_: reason for id_, reason in self.failures.items() if id_ in wanted},
            self.repeated,
        )

    def tie_rate(self, k: int) -> float:
        """Share of the items in the top k (and at rank k + 1) that have the same score as a neighbour.

        It is 1.0 if every item has the same score, 0.0 if there are no ties, and NaN if nothing was retrieved.
        """
        if len(self.items) == 0:
            return float("nan")
        tied = np.zeros(len(self.items), dtype=bool)
        equal = (self.scores[1:] == self.scores[:-1]) & (self.ranks[1:] > 1)
        tied[1:] |= equal
        tied[:-1] |= equal
        return float(tied[self.ranks <= k].mean())

    def tie_warning(self, k: int) -> str | None:
        """Return a warning if more than 5% of the items in the top k are tied, else None."""
        ties = self.tie_rate(k)
        if not ties > MANY_TIES:
            return None
        return f"{ties:.0%} of its top {k} items share their score with a neighbour: their order is by id, not by merit"

    @property
    def constant(self) -> bool:
        """Whether no query has two different scores, although some query has two items."""
        if not (self.lengths > 1).any():
            return False
        return not bool(((self.scores[1:] != self.scores[:-1]) & (self.ranks[1:] > 1)).any())

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the rankings and scores."""
        names = fingerprint_texts(self.query_ids, (self.item_ids[i] for i in self.items))
        return fingerprint([names, self.offsets.tobytes().hex(), self.scores.tobytes().hex(), self.unit])


@brief
class Query(NamedTuple):
    """One query as a retriever sees it, without its labels.

    Attributes:
        id: the golden item's id.
        text: text to search for.
        exclude: item ids that must not appear in its ranking.
        history: the conversation before it, oldest turn first.
        filter: the items that it may find, or None for all.
    """

    id: str
    text: str
    exclude: frozenset[str] = frozenset()
    history: History = ()
    filter: Filter | None = None


LOOKED_UP = 1000
"""After so many single look-ups, all ids are decoded."""


class ArrowIds(Sequence[str]):
    """The ids of a file, as a sequence of texts over an Arrow array of strings without nulls.

    A run has many ids, and scoring needs few of them as text. Nothing is decoded before an id is asked for.

    Args:
        arrow: a ``pyarrow.StringArray``.
    """

    def __init__(self, arrow: Any) -> None:
        self.arrow = arrow
        self._texts: list[str] | None = None
        self._looked_up = 0

    def __len__(self) -> int:
        return len(self.arrow)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        self._looked_up += 1
        if self._texts is None and not isinstance(at, slice) and self._looked_up <= LOOKED_UP:
            text: str = self.arrow[int(at)].as_py()
            return text
        return self._all()[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> list[str]:
        if self._texts is None:
            self._texts = self.arrow.to_pylist()
        return self._texts
