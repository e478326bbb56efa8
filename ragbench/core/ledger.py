"""The issue log: everything that was skipped, dropped or could not be scored, with its reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ragbench.core.brief import brief


class LedgerEntry(NamedTuple):
    """One thing that has no result.

    Attributes:
        stage: where it happened, a short word: ``"load"``, ``"golden"``, ``"search"``, ``"score"``.
        item: what it happened to: a file, ``file:line``, a query id, an arm.
        reason: why, in words that you can act on.
        code: the kind of reason, stable for machines, for example ``"no-relevant"``.
    """

    stage: str
    item: str
    reason: str
    code: str


@brief
@dataclass(frozen=True)
class Ledger:
    """An ordered list of entries. ``+`` joins two of them."""

    entries: tuple[LedgerEntry, ...] = ()

    def __add__(self, other: "Ledger | Iterable[LedgerEntry]") -> "Ledger":
        more = other.entries if isinstance(other, Ledger) else tuple(other)
        return Ledger(self.entries + more)

    def __len__(self) -> int:
        return len(self.entries)

    def counts(self) -> dict[str, int]:
        """Number of entries per code, sorted by code."""
        return dict(sorted(Counter(entry.code for entry in self.entries).items()))

    def rows(self) -> list[dict[str, str]]:
        """The entries as objects, for JSON."""
        return [entry._asdict() for entry in self.entries]

    def to_dict(self) -> dict[str, object]:
        """Counts and entries as one object, for JSON."""
        return {"counts": self.counts(), "entries": self.rows()}

    def of(self, code: str) -> tuple[LedgerEntry, ...]:
        """The entries of one code, in order."""
        return tuple(entry for entry in self.entries if entry.code == code)


def without_folders(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """The entries with ``log.csv:17`` in place of ``data/log.csv:17``. An item that is a quoted text stays as it is."""
    return [
        entry if entry.item.startswith(("'", '"')) else entry._replace(item=entry.item.rpartition("/")[2])
        for entry in entries
    ]


def first_ten(items: Iterable[str]) -> str:
    """``"a, b, c and 12 more"``: at most ten ids for a message."""
    return _first(list(items), 10)


def _first(items: Sequence[str], count: int) -> str:
    shown = ", ".join(items[:count])
    return shown if len(items) <= count else f"{shown} and {len(items) - count} more"


def issue_lines(entries: Iterable[LedgerEntry], *, items: int = 1) -> list[str]:
    """A line for each kind of entry: the first items, how many more there are, and why, up to the first ``"; "``.

    Args:
        entries: entries of any kinds.
        items: how many items a line names.

    Examples:
        >>> entries = [LedgerEntry("score", id_, "nothing was retrieved", "not-retrieved") for id_ in ("q1", "q7")]
        >>> issue_lines(entries)
        ['q1 and 1 more: nothing was retrieved [not-retrieved]']
    """
    by_code: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        by_code.setdefault(entry.code, []).append(entry)
    lines = []
    for code in sorted(by_code):
        reasons = list(dict.fromkeys(entry.reason.partition("; ")[0] for entry in by_code[code]))
        example = "for example, " if len(reasons) > 1 else ""
        lines.append(f"{_first([entry.item for entry in by_code[code]], items)}: {example}{reasons[0]} [{code}]")
    return lines
