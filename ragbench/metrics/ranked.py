"""The judged rows of a run, from which every metric is computed.

Few of the retrieved items are judged, so the columns are short. Each metric needs a few counts over them instead of a
matrix of queries by ranks.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements
from ragbench.core.runs import ArrowIds, Run
from ragbench.metrics.lookup import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MANY_IDS = 20_000
"""Above this number of ids, Arrow looks them up faster than a dict even if it must be imported first."""


@dataclass(frozen=True, eq=False)
class Relevant:
    """The retrieved items with at least a given label.

    Attributes:
        total: (q,) R, the number of relevant items of each query, retrieved or not.
        query, rank: (r,) query and rank (from 1) of each relevant retrieved item, ascending.
    """

    total: Ints
    query: Ints
    rank: Ints
    _found: dict[int, Ints] = field(default_factory=dict, repr=False)

    @cached_property
    def bounds(self) -> Ints:
        """(q + 1,), the rows of query i are ``bounds[i]:bounds[i + 1]``."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.query, minlength=len(self.total)))))

    @cached_property
    def nth(self) -> Ints:
        """(r,) Number of each relevant item within its query: 1 for the first, 2 for the second, ..."""
        nth: Ints = np.arange(1, len(self.query) + 1) - self.bounds[:-1].take(self.query)
        return nth

    def found(self, k: int) -> Ints:
        """(q,) Number of relevant items in the top k."""
        if k not in self._found:
            self._found[k] = np.bincount(self.query[self.rank <= k], minlength=len(self.total))
        return self._found[k]


@dataclass(frozen=True, eq=False)
class Ranked:
    """The judged rows of a run, in the order of the queries of the judgements.

    Attributes:
        judgements: the judgements, q queries.
        retrieved: (q,) number of retrieved items of each query, judged or not.
        query, rank: int64 (h,) query and rank (from 1) of each judged retrieved item, ascending.
        label: int32 (h,) its label.
        above: int64 (h,) number of items of the query with a higher score, or None if ties do not matter.
        tied: int64 (h,) number of items of the query with the same score, itself included, or None.
        judgement: int64 (h,) row of the judgements of each row.
    """

    judgements: Judgements
    retrieved: Ints
    query: Ints
    rank: Ints
    label: npt.NDArray[np.int32]
    above: Ints | None = None
    tied: Ints | None = None
    judgement: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _levels: dict[int, Relevant] = field(default_factory=dict, repr=False)
    _totals: dict[int, Ints] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.judgements.query_ids)

    def relabelled(self, labels: npt.NDArray[np.int32]) -> "Ranked":
        """The same rows with other labels.

        Args:
            labels: (n,) a label for each row of the judgements.
        """
        judgements = replace(self.judgements, labels=labels)
        return replace(self, judgements=judgements, label=labels.take(self.judgement), _levels={}, _totals={})

    def sum(self, query: Ints, weight: Floats) -> Floats:
        """(q,) Sum of ``weight`` per query."""
        return np.bincount(query, weights=weight, minlength=len(self)).astype(np.float64, copy=False)

    def total(self, level: int) -> Ints:
        """(q,) R, the number of items with a label of at least ``level``."""
        if level not in self._totals:
            relevant = np.concatenate(([0], np.cumsum(self.judgements.labels >= level)))
            self._totals[level] = np.diff(relevant.take(self.judgements.offsets))
        return self._totals[level]

    def relevant(self, level: int) -> Relevant:
        """The retrieved items with a label of at least ``level``."""
        if level not in self._levels:
            rows = np.flatnonzero(self.label >= level)
            self._levels[level] = Relevant(self.total(level), self.query.take(rows), self.rank.take(rows))
        return self._levels[level]

    @cached_property
    def condensed(self) -> "Ranked":
        """The same rankings without the items that have no label of 0 or above."""
        rows = np.flatnonzero(self.label >= 0)
        query = self.query.take(rows)
        retrieved = np.bincount(query, minlength=len(self))
        start = np.concatenate(([0], np.cumsum(retrieved)))[:-1].take(query)
        above = tied = None
        if self.above is not None:
            # Items of one score are adjacent, and have the same number of items above them.
            higher = self.above.take(rows)
            fresh = np.ones(len(rows) + 1, dtype=bool)
            fresh[1:-1] = (query[1:] != query[:-1]) | (higher[1:] != higher[:-1])
            bounds = np.flatnonzero(fresh)
            tied = np.repeat(np.diff(bounds), np.diff(bounds))
            above = np.repeat(bounds[:-1], np.diff(bounds)) - start
        rank = np.arange(1, len(rows) + 1) - start
        judgement = self.judgement.take(rows)
        return Ranked(self.judgements, retrieved, query, rank, self.label.take(rows), above, tied, judgement)

    @cached_property
    def ideal(self) -> tuple[Ints, Ints, npt.NDArray[np.int64]]:
        """Query, rank and label of every positive judgement, in the best possible order."""
        labels = self.judgements.labels
        rows = np.flatnonzero(labels > 0)
        label = labels.take(rows).astype(np.int64)
        query = self.judgements.query_index.take(rows)
        if len(rows):
            top = int(label.max())
            first = query * (top + 1)
            label = top - (_sorted(first + (top - label)) - first)
        before = np.concatenate(([0], np.cumsum(self.total(1))))[:-1]
        return query, np.arange(1, len(rows) + 1) - before.take(query), label


def look_through(run: Run, judgements: Judgements, *, ties: bool) -> Ranked:
    """Find the judged rows of a run.

    Args:
        run: the run; its queries, their order and its item vocabulary may differ from the judgements'.
        judgements: the queries to score.
        ties: whether `Ranked.above` and `Ranked.tied` are needed.
    """
    query_ids, item_ids = judgements.query_ids, judgements.item_ids
    items = judgements.items
    if not _same(run.item_ids, item_ids):
        items = _translate(items, item_ids, run.item_ids)
    if not _same(run.query_ids, query_ids):
        run = run.select(query_ids)
    offsets = run.offsets
    found = Table(judgements.offsets, items).find(offsets, run.items)
    query = judgements.query_index.take(found.judgement)
    rank = found.row + 1 - offsets.take(query)
    above = tied = None
    if ties:
        above, tied = _tied(run, found.row)
    label = judgements.labels.take(found.judgement)
    return Ranked(judgements, np.diff(offsets), query, rank, label, above, tied, found.judgement)


def _sorted(keys: Ints) -> Ints:
    """Sort keys (from 0). If their range is small, they are counted, which takes a tenth of the time."""
    cells = int(keys.max()) + 1
    if cells <= 4 * len(keys):
        return np.repeat(np.arange(cells), np.bincount(keys))
    return np.sort(keys)


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    return one is other or (len(one) == len(other) and list(one) == list(other))


def _translate(items: npt.NDArray[np.int32], item_ids: Sequence[str], run_ids: Sequence[str]) -> npt.NDArray[np.int32]:
    """Map the judged items to the run's vocabulary; -1 if the run lacks an item."""
    if isinstance(item_ids, ArrowIds) and isinstance(run_ids, ArrowIds):
        return _rows_in(item_ids, run_ids).take(items)
    seen = np.zeros(len(item_ids), dtype=bool)
    seen[items] = True
    judged = np.flatnonzero(seen)
    names = [item_ids[item] for item in judged.tolist()]
    row = np.full(len(item_ids), -1, dtype=np.int32)
    row[judged] = _places(names, run_ids)
    return row.take(items)


def _places(names: Sequence[str], ids: Sequence[str]) -> Sequence[int] | npt.NDArray[np.int32]:
    """Row of each name in the ids; -1 if it is not there."""
    if len(ids) > MANY_IDS:
        import pyarrow as pa
        from pyarrow import compute

        # An id with half of a surrogate pair does not fit in Arrow's UTF-8.
        with suppress(UnicodeEncodeError):
            at = compute.index_in(pa.array(names, pa.string()), value_set=pa.array(ids, pa.string()))
            found: npt.NDArray[np.int32] = at.fill_null(-1).to_numpy()
            return found
    place = {id_: i for i, id_ in enumerate(ids)}
    return [place.get(name, -1) for name in names]


def _rows_in(wanted: ArrowIds, ids: ArrowIds) -> npt.NDArray[np.int32]:
    """Row of each wanted id in the others; -1 if it is not there. Few are wanted, so their table is the small one."""
    from pyarrow import compute

    found = compute.index_in(ids.arrow, value_set=wanted.arrow)
    missing, places = found.buffers()
    at = np.frombuffer(places, np.int32, count=len(found), offset=4 * found.offset)
    if missing is None:
        known = np.arange(len(found))
    else:
        bits = np.unpackbits(np.frombuffer(missing, np.uint8), bitorder="little")
        known = np.flatnonzero(bits[found.offset : found.offset + len(found)])
    row = np.full(len(wanted), -1, dtype=np.int32)
    row[at[known]] = known
    return row


def _tied(run: Run, row: Ints) -> tuple[Ints, Ints]:
    """Count, for rows of a run, the items of the query that score higher, and those that score the same."""
    fresh = np.ones(len(run.items) + 1, dtype=bool)
    fresh[1:-1] = run.scores[1:] != run.scores[:-1]
    fresh[run.offsets] = True
    bounds = np.flatnonzero(fresh)
    group = np.searchsorted(bounds, row, side="right") - 1
    start = np.searchsorted(run.offsets, row, side="right") - 1
    return bounds[group] - run.offsets[start], bounds[group + 1] - bounds[group]
