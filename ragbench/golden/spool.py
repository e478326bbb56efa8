"""Drafts and opinions in temporary files, because all drafts of a large corpus need more memory than its documents.

A spool keeps where each entry is in its file: eight bytes of memory an entry. Entries are read when they are asked for.
"""

import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, overload

from ragbench.core.goldens import Evidence, Span
from ragbench.golden.drafts import NOTHING, Draft, Opinion


class Spool:
    """JSON values by number, in a temporary file that is gone when the spool is.

    Args:
        count: number of entries. They may be written in any order, each once.
    """

    def __init__(self, count: int = 0) -> None:
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - it is closed with the spool
        self._places = array("Q", bytes(8 * count))
        self._end = 1  # 0 stands for an entry that is not written
        self._file.write(b"\n")

    def __len__(self) -> int:
        return len(self._places)

    def append(self, value: object) -> None:
        """Write a further entry."""
        self._places.append(self._end)
        self._write(value)

    def put(self, number: int, value: object) -> None:
        """Write the entry of a number."""
        self._places[number] = self._end
        self._write(value)

    def _write(self, value: object) -> None:
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self._file.seek(self._end)
        self._file.write(line)
        self._end += len(line)

    def get(self, number: int) -> Any:
        """Read an entry."""
        return json.loads(self._line(self._places[number]))

    def _line(self, place: int) -> bytes:
        self._file.seek(place)
        return self._file.readline()


@dataclass(frozen=True, eq=False)
class Drafts(Sequence[Draft]):
    """Drafts in a spool, in the order of some of its entries.

    Attributes:
        spool: all drafts.
        rows: the entries to read, in order.
    """

    spool: Spool
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Draft: ...
    @overload
    def __getitem__(self, index: slice) -> "Drafts": ...
    def __getitem__(self, index: int | slice) -> "Draft | Drafts":
        if isinstance(index, slice):
            return Drafts(self.spool, self.rows[index])
        return draft_of(self.spool.get(self.rows[index]))

    def __iter__(self) -> Iterator[Draft]:
        return (draft_of(self.spool.get(row)) for row in self.rows)


class Opinions(Sequence[Opinion]):
    """One opinion for each of several drafts, which come in any order."""

    def __init__(self, count: int) -> None:
        self._spool = Spool(count)

    def put(self, number: int, opinion: Opinion) -> None:
        """Keep the opinion on a draft."""
        self._spool.put(number, row_of_opinion(opinion))

    def __len__(self) -> int:
        return len(self._spool)

    @overload
    def __getitem__(self, index: int) -> Opinion: ...
    @overload
    def __getitem__(self, index: slice) -> list[Opinion]: ...
    def __getitem__(self, index: int | slice) -> Opinion | list[Opinion]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return opinion_of(self._spool.get(index))


def spooled(drafts: Iterable[Draft]) -> Drafts:
    """Write drafts into a spool."""
    spool = Spool()
    for draft in drafts:
        spool.append(row_of_draft(draft))
    return Drafts(spool, range(len(spool)))


def kept_like(drafts: Sequence[Draft], others: Iterable[Draft]) -> Sequence[Draft]:
    """Keep other drafts where the first ones are kept: in a spool, or in memory."""
    return spooled(others) if isinstance(drafts, Drafts) else list(others)


def chosen(drafts: Sequence[Draft], rows: Sequence[int]) -> Sequence[Draft]:
    """The drafts of some rows, in their order."""
    if isinstance(drafts, Drafts):
        return Drafts(drafts.spool, array("Q", (drafts.rows[row] for row in rows)))
    return [drafts[row] for row in rows]


def row_of_draft(draft: Draft) -> list[object]:
    """A draft as JSON values."""
    return [
        draft.id, draft.text, draft.type, draft.answer, draft.quotes, draft.chunk_ids,
        [[e.document_id, e.start, e.end, e.grade, e.chunk] for e in draft.evidence],
        [[s.document_id, s.start, s.end] for s in draft.masked],
        draft.language, dict(draft.provenance), [row_of_opinion(one) for one in draft.opinions], draft.rejected_by,
    ]  # fmt: skip


def draft_of(row: Sequence[Any]) -> Draft:
    """The draft of `row_of_draft`."""
    id_, text, type_, answer, quotes, chunk_ids, evidence, masked, language, provenance, opinions, rejected_by = row
    return Draft(
        id_, text, type_, answer, tuple(quotes), tuple(chunk_ids), tuple(Evidence(*one) for one in evidence),
        tuple(Span(*one) for one in masked), language, provenance, tuple(map(opinion_of, opinions)),
        None if rejected_by is None else intern(rejected_by),
    )  # fmt: skip


def row_of_opinion(opinion: Opinion) -> list[object]:
    """An opinion as JSON values."""
    return [opinion.stage, opinion.accepted, opinion.reason, dict(opinion.detail) or None, opinion.cost]


def opinion_of(row: Sequence[Any]) -> Opinion:
    """The opinion of `row_of_opinion`."""
    stage, accepted, reason, detail, cost = row
    kept: Mapping[str, object] = NOTHING if detail is None else detail
    return Opinion(intern(stage), accepted, reason, kept, cost)
