"""What the users of a search service saw and did, as columns: one row per result that was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.search_log import LoggedSearch, SearchLog

EVENTS = ("clicks", "carts", "purchases")
"""Kinds of events, each stronger than the one before."""
MOST_NOT_SHOWN = 0.5
"""Share of the events on items that their search did not show, above which a log is refused."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """The results that were shown, n rows, and what users did with each.

    Attributes:
        queries: the distinct queries.
        items: ids of the documents that were shown.
        query: int64 (n,), row of ``queries``.
        item: int64 (n,), row of ``items``.
        position: int64 (n,), where the result stood, from 1.
        acted: bool (n, 3), whether there was a click, a cart and a purchase. A later event implies the earlier ones.
        randomised: bool (n,), whether the page was in random order.
        session: int64 (n,), number of the visit.
        ledger: what was skipped, with its line.
    """

    queries: Sequence[str]
    items: Sequence[str]
    query: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    acted: npt.NDArray[np.bool_]
    randomised: npt.NDArray[np.bool_]
    session: npt.NDArray[np.int64]
    ledger: Ledger

    @property
    def clicked(self) -> npt.NDArray[np.bool_]:
        """(n,) Whether there was any event."""
        return self.acted[:, 0]

    def __len__(self) -> int:
        return len(self.query)


def interactions(log: SearchLog, of_search: Sequence[str | None], now: datetime) -> Interactions:
    """Take the results that were shown from a log.

    A search that is logged twice (same visit, time, query, results and events) counts once. A search after ``now`` is
    skipped. So is an event on an item that its search did not show: nobody knows how many others saw the item and left
    it.

    Args:
        log: the searches, with their results.
        of_search: the distinct query of each search, or None to skip it.
        now: the present moment, in UTC without a zone.

    Raises:
        InputError: no search has results, no result or every result has an event, or most events are on items that
            were not shown.
    """
    entries: list[LedgerEntry] = []
    queries: dict[str, int] = {}
    items: dict[str, int] = {}
    sessions: dict[str, int] = {}
    seen: set[tuple[object, ...]] = set()
    columns: list[tuple[int, int, int, bool, bool, bool, bool, int]] = []
    events = strange = 0
    for number, (search, text) in enumerate(zip(log, of_search, strict=True)):
        if text is None or not _usable(search, now, seen, entries):
            continue
        query = queries.setdefault(text, len(queries))
        visit = sessions.setdefault(search.session or search.user or f"search {number}", len(sessions))
        bought, carted = set(search.purchases), set(search.carts)
        clicked = {*search.clicks, *carted, *bought}
        carted |= bought
        unseen = clicked.difference(search.results)
        events, strange = events + len(clicked), strange + len(unseen)
        for id_ in sorted(unseen):
            reason = "there was an event on it, and the search did not show it"
            entries.append(LedgerEntry("log", f"{search.where}: {id_}", reason, "not-shown"))
        shown = dict(zip(reversed(search.results), reversed(search.places), strict=True))
        for id_, place in reversed(shown.items()):
            item = items.setdefault(id_, len(items))
            acts = id_ in clicked, id_ in carted, id_ in bought
            columns.append((query, item, place, *acts, bool(search.randomised), visit))
    _check(log.name, columns, events, strange)
    table = np.array(columns, dtype=np.int64)
    return Interactions(
        tuple(queries), tuple(items), table[:, 0], table[:, 1], table[:, 2], table[:, 3:6].astype(bool),
        table[:, 6].astype(bool), table[:, 7], Ledger(tuple(entries)),
    )  # fmt: skip


def _usable(search: LoggedSearch, now: datetime, seen: set[tuple[object, ...]], entries: list[LedgerEntry]) -> bool:
    """Whether the search counts; otherwise the reason is listed."""
    if search.time is not None and search.time > now:
        reason = "the search lies in the future; check the clock and the time zone of the log"
        entries.append(LedgerEntry("log", search.where, reason, "future"))
        return False
    if not search.results:
        entries.append(LedgerEntry("log", search.where, "the search shows no result", "no-results"))
        return False
    acts = search.clicks, search.carts, search.purchases
    key = (search.session, search.user, search.time, search.query, search.results, *acts)
    if search.session and search.time is not None:
        if key in seen:
            entries.append(LedgerEntry("log", search.where, "the same search is logged twice", "repeated"))
            return False
        seen.add(key)
    return True


def _check(name: str, columns: Sequence[tuple[object, ...]], events: int, strange: int) -> None:
    if strange > MOST_NOT_SHOWN * events:
        raise InputError(
            f"{name}: {strange:,} of {events:,} events are on items that their search did not show. Labels need the "
            "results that users saw: add a column with them (--columns results=NAME), or a row for each result"
        )
    if not columns:
        raise InputError(
            f"{name}: no search has results. Labels need the results that users saw, also those without a click: add "
            "a column with them (--columns results=NAME), or a row for each result with its position"
        )
    clicked = sum(bool(row[3]) for row in columns)
    if clicked == 0:
        raise InputError(
            f"{name}: none of the {len(columns):,} results was clicked, put into a cart or bought. Name the columns of "
            "the events with --columns clicks=NAME,carts=NAME,purchases=NAME"
        )
    if clicked == len(columns):
        raise InputError(
            f"{name}: every one of the {len(columns):,} results has an event. Labels also need the results that users "
            "saw and left"
        )


def pairs_of(found: Interactions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct pairs of query and item, in order of query.

    Returns:
        int64 (p,) the query and the item of each pair, and int64 (n,) the pair of each row.
    """
    width = max(len(found.items), 1)
    keys, pair = np.unique(found.query * width + found.item, return_inverse=True)
    return keys // width, keys % width, pair.astype(np.int64)
