"""Logs of a search service: what customers typed, what they saw, and what they did with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ragbench.core.brief import brief
from ragbench.core.ledger import Ledger


@brief
@dataclass(frozen=True, slots=True)
class LoggedSearch:
    """One search.

    Attributes:
        where: file and line, for messages.
        query: what was typed, as it stands in the log.
        session: id of the visit, or empty.
        user: id of the customer, or empty.
        time: when, or None.
        results: ids of what was shown, from the top.
        clicks, carts, purchases: ids of what was clicked, put into the cart and bought.
        randomised: whether the results were in random order; None if the log does not say.
        id: id of the search or of its query, or empty.
        positions: where each result stood on the page, from 1; empty if they stood at 1, 2, 3 and so on.
    """

    where: str
    query: str
    session: str = ""
    user: str = ""
    time: datetime | None = None
    results: tuple[str, ...] = ()
    clicks: tuple[str, ...] = ()
    carts: tuple[str, ...] = ()
    purchases: tuple[str, ...] = ()
    randomised: bool | None = None
    id: str = ""
    positions: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """The position of each result, from 1."""
        return self.positions or tuple(range(1, len(self.results) + 1))


@brief
@dataclass(frozen=True)
class SearchLog:
    """The searches of a log, in the order of the file.

    Attributes:
        searches: the searches.
        name: name of the log.
        ledger: rows that were skipped.
    """

    searches: tuple[LoggedSearch, ...]
    name: str = "log"
    ledger: Ledger = field(default_factory=Ledger)

    def __len__(self) -> int:
        return len(self.searches)

    def __iter__(self) -> Iterator[LoggedSearch]:
        return iter(self.searches)
