"""The issue log: everything that was skipped, dropped or could not be scored, with its reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


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

    def of(self, code: str) -> tuple[LedgerEntry, ...]:
        """The entries of one code, in order."""
        return tuple(entry for entry in self.entries if entry.code == code)


def first_ten(items: Iterable[str]) -> str:
    """``"a, b, c and 12 more"``: at most ten ids for a message."""
    every = list(items)
    shown = ", ".join(every[:10])
    return shown if len(every) <= 10 else f"{shown} and {len(every) - 10} more"
