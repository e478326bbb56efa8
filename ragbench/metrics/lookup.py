"""Find the judged rows of a run. This is the only step of scoring that touches every retrieved item.

Each retrieved item is looked up in a small hash table of its query's judged items. The tables of neighbouring queries
are adjacent, and one batch of queries is processed at a time, so the data stay in the processor's cache whatever the
size of the vocabulary. If two judged items share a slot, the slot keeps one of them and binary search finds the other:
the result is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

ROWS_PER_BATCH = 1 << 17
"""Retrieved rows per batch. Their temporary columns fit in a second-level cache."""

_SPREAD = np.uint32(2654435769)  # 2**32 / golden ratio: Knuth's multiplicative hashing
_SHARED = np.int32(1 << 30)  # marks a slot that several judged items share


class Found(NamedTuple):
    """Retrieved rows that are judged.

    Attributes:
        row: int64 (h,), row of the run, ascending.
        judgement: int64 (h,), row of the judgements.
    """

    row: Ints
    judgement: Ints


@dataclass(frozen=True, eq=False)
class Table:
    """A lookup table of judged items by query.

    Attributes:
        offsets: (q + 1,), the rows of query i are ``offsets[i]:offsets[i + 1]``.
        items: int32 (n,), item of each row in the run's vocabulary; below 0 if the run lacks it.
        rows_per_batch: retrieved rows per batch.
        room: slots per judged item. More slots need more memory and are shared less often.
    """

    offsets: Ints
    items: npt.NDArray[np.int32]
    rows_per_batch: int = ROWS_PER_BATCH
    room: int = 16

    def find(self, offsets: Ints, items: npt.NDArray[np.int32]) -> Found:
        """Find the rows of a run that are judged.

        Args:
            offsets: (q + 1,), offsets of the run's rows by query, for the queries of this table.
            items: int32 (r,), retrieved items.
        """
        rows, judgements = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for low, high in _batches(offsets, self.rows_per_batch):
            found = self._batch(low, high, offsets[low : high + 1], items)
            rows.append(found.row)
            judgements.append(found.judgement)
        return Found(np.concatenate(rows), np.concatenate(judgements))

    def _batch(self, low: int, high: int, offsets: Ints, items: npt.NDArray[np.int32]) -> Found:
        first, last = int(self.offsets[low]), int(self.offsets[high])
        counts = np.diff(self.offsets[low : high + 1])
        judged = self.items[first:last]
        bits = np.ceil(np.log2(np.maximum(counts * self.room, 2))).astype(np.uint32)
        starts = np.concatenate(([0], np.cumsum(1 << bits.astype(np.int64))))
        base, shift = starts[:-1].astype(np.uint32), np.uint32(32) - bits

        slot = _slots(judged, shift, base, counts)
        rows = np.arange(len(judged), dtype=np.int32)
        if len(judged) and int(judged.min()) < 0:
            rows = rows[judged >= 0]
            slot = slot[rows]
        table = np.full(int(starts[-1]), -1, dtype=np.int32)
        table[slot] = rows
        kept = table.take(slot) == rows
        lost = rows[~kept]
        table[slot[~kept]] |= _SHARED

        begin = int(offsets[0])
        asked = items[begin : int(offsets[-1])]
        probe = _slots(asked, shift, base, np.diff(offsets))
        there = table.take(probe)
        row = np.flatnonzero(there >= 0)
        entry = there.take(row)
        at = entry & ~_SHARED
        hit = judged.take(at) == asked.take(row)
        if len(lost):
            again = np.flatnonzero((entry >= _SHARED) & ~hit)
            late = _search(lost, judged, slot[~kept], asked[row[again]], probe[row[again]])
            at[again] = late
            hit[again] = late >= 0
        good = np.flatnonzero(hit)
        return Found(row.take(good) + begin, at.take(good) + np.int64(first))


def _slots(
    items: npt.NDArray[np.int32], shift: npt.NDArray[np.uint32], base: npt.NDArray[np.uint32], lengths: Ints
) -> npt.NDArray[np.uint32]:
    """Return the slot of each item in its query's part of the table."""
    slot: npt.NDArray[np.uint32] = items.view(np.uint32) * _SPREAD
    slot >>= np.repeat(shift, lengths)
    slot += np.repeat(base, lengths)
    return slot


def _search(
    lost: npt.NDArray[np.int32],
    judged: npt.NDArray[np.int32],
    slot: npt.NDArray[np.uint32],
    asked: npt.NDArray[np.int32],
    probe: npt.NDArray[np.uint32],
) -> npt.NDArray[np.int32]:
    """Return the judgement of each item among those that lost their slot to another, or -1."""
    key = (slot.astype(np.int64) << 32) | judged[lost]
    order = np.argsort(key)
    key = key[order]
    wanted = (probe.astype(np.int64) << 32) | asked
    place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[place] == wanted, lost[order[place]], np.int32(-1))


def _batches(offsets: Ints, rows: int) -> Iterator[tuple[int, int]]:
    """Divide the queries into ranges with about `rows` rows each, without splitting a query."""
    queries, low = len(offsets) - 1, 0
    while low < queries:
        high = int(np.searchsorted(offsets, offsets[low] + rows, side="right")) - 1
        high = min(max(high, low + 1), queries)
        yield low, high
        low = high
