"""Logs of a search service in CSV, JSON Lines or Parquet.

A row is a search, with lists of ids: ``P1;P2``, a JSON list, or a list of the file's own. Or it is one result of a
search, with its position, and with yes or no for click, cart and purchase; rows that follow each other with the same
session, user, time and query are then one search.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.io.tables import as_text, choose_columns, read_rows

ALIASES: dict[str, tuple[str, ...]] = {
    "query": ("query", "search", "search_term", "q", "question", "text"),
    "session": ("session_id", "session", "visit_id", "conversation_id"),
    "user": ("user_id", "user", "customer_id", "visitor_id"),
    "time": ("timestamp", "time", "datetime", "created_at", "date"),
    "results": ("results", "shown", "result_ids", "impressions", "product_id", "item_id", "document_id"),
    "position": ("position", "rank"),
    "clicks": ("clicks", "clicked", "click"),
    "carts": ("carts", "cart", "added_to_cart", "add_to_cart"),
    "purchases": ("purchases", "purchased", "purchase", "ordered", "bought"),
    "randomised": ("randomised", "randomized", "is_random"),
    "id": ("query_id", "search_id", "request_id", "qid", "id", "_id"),
}
"""Names of columns by role; the first one that is present counts."""
FLAGS = {"true": True, "1": True, "yes": True, "1.0": True, "false": False, "0": False, "no": False, "0.0": False}
ACTIONS = ("clicks", "carts", "purchases")


def read_search_log(path: Path | str, columns: Mapping[str, str] | None = None) -> SearchLog:
    """Read a log.

    Args:
        path: a file ending in .csv, .tsv, .jsonl, .ndjson or .parquet.
        columns: column by role, where a file does not use one of the known names. Roles are query, session, user,
            time, results, position, clicks, carts, purchases, randomised and id.

    Raises:
        InputError: there is no such file, no row in it, no column of queries, or a value that cannot be read; the
            message has file and line.
        SettingError: a role or column that does not exist.

    Examples:
        >>> import ragbench as rb
        >>> log = rb.read_search_log("datasets/shop/log.csv")
        >>> len(log), log.searches[0].query
        (5165, 'standing desk')
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder; name the file of the log' if path.is_dir() else 'no such file'}")
    rows = read_rows(path)
    if not rows:
        raise InputError(f"{path}: there is no row in it")
    found = dict.fromkeys(key for _, row in rows for key in row)
    role = choose_columns(found, columns or {}, str(path), ALIASES, {"query": "the queries"}, "--columns {role}=NAME")
    read = [_read(where, row, role) for where, row in rows]
    searches = _joined(read, first=_first(read)) if "position" in role else read
    return SearchLog(tuple(one.search() for one in searches), path.stem)


@dataclass
class _Row:
    """A row, or the rows of one search."""

    where: str
    query: str
    session: str
    user: str
    time: datetime | None
    randomised: bool | None
    position: float
    results: list[str]
    acted: dict[str, list[str]] = field(default_factory=dict)
    id: str = ""
    positions: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        return self.query, self.session, self.user, self.time

    def search(self) -> LoggedSearch:
        clicks, carts, purchases = (tuple(dict.fromkeys(self.acted[name])) for name in ACTIONS)
        return LoggedSearch(
            self.where, self.query, self.session, self.user, self.time, tuple(self.results), clicks, carts, purchases,
            self.randomised, self.id, self.positions,
        )  # fmt: skip


def _read(where: str, row: Mapping[str, object], role: Mapping[str, str]) -> _Row:
    given = {key: row[column] for key, column in role.items() if not _absent(row.get(column))}
    query, session, user, id_ = (
        as_text(where, role[key], given[key]) if key in given else "" for key in ("query", "session", "user", "id")
    )
    results = _ids(where, role, given, "results")
    read = _Row(
        where, query, session, user, time=_time(where, role, given), randomised=_flag(where, role, given, "randomised"),
        position=_position(where, role, given), results=results, id=id_,
    )  # fmt: skip
    for name in ACTIONS:
        flag = _flag(where, role, given, name) if len(results) <= 1 and _is_flag(given.get(name)) else None
        read.acted[name] = (results if flag else []) if flag is not None else _ids(where, role, given, name)
    return read


def _first(rows: list[_Row]) -> int:
    """The position that the log gives to the first result: 0 or 1."""
    return min((int(row.position) for row in rows if row.position >= 0), default=1) and 1


def _joined(rows: list[_Row], *, first: int) -> list[_Row]:
    """One search for rows that follow each other with the same query, session, user and time."""
    groups: list[list[_Row]] = []
    for row in rows:
        if groups and groups[-1][-1].key == row.key:
            groups[-1].append(row)
        else:
            groups.append([row])
    searches = []
    for group in groups:
        search = group[0]
        shown = sorted(group, key=lambda row: row.position)
        if all(len(row.results) == 1 and row.position >= 0 for row in shown):
            search.positions = tuple(int(row.position) - first + 1 for row in shown)
        search.results = [id_ for row in shown for id_ in row.results]
        search.acted = {name: [id_ for row in group for id_ in row.acted[name]] for name in ACTIONS}
        searches.append(search)
    return searches


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool) or str(value).strip().lower() in FLAGS


def _flag(where: str, role: Mapping[str, str], given: Mapping[str, object], key: str) -> bool | None:
    if key not in given or given[key] == "":
        return None
    if not _is_flag(given[key]):
        raise InputError(f"{where}: {role[key]!r} is {given[key]!r:.60}; write True or False, or 1 or 0")
    return FLAGS[str(given[key]).strip().lower()]


def _ids(where: str, role: Mapping[str, str], given: Mapping[str, object], key: str) -> list[str]:
    value = given.get(key, [])
    if isinstance(value, str):
        value = _parts(where, role[key], value.strip())
    values = value if isinstance(value, list | tuple) else [value]
    return [as_text(where, role[key], one) for one in values]


def _parts(where: str, column: str, cell: str) -> list[object]:
    if not cell.startswith("["):
        return [part.strip() for part in cell.split(";") if part.strip()]
    try:
        return list(json.loads(cell))
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: {column!r} begins like a JSON list and is none ({error.msg})") from error


def _position(where: str, role: Mapping[str, str], given: Mapping[str, object]) -> float:
    """The position; -1 where the row has none."""
    if given.get("position", "") == "":
        return -1
    try:
        found = float(str(given["position"]))
    except ValueError:
        raise InputError(f"{where}: {role['position']!r} is {given['position']!r:.60}, which is no number") from None
    if not 0 <= found < 2**31:
        raise InputError(
            f"{where}: {role['position']!r} is {given['position']!r:.60}; positions count from 1, or from 0"
        )
    return found


def _time(where: str, role: Mapping[str, str], given: Mapping[str, object]) -> datetime | None:
    """A moment in UTC without a zone; seconds since 1970, milliseconds, or ISO 8601."""
    value = given.get("time")
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return in_utc(value)
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        try:
            return in_utc(datetime.fromisoformat(text))
        except ValueError:
            raise InputError(
                f"{where}: {role['time']!r} is {text!r:.60}; write ISO 8601 (2026-03-02T08:15:00) or seconds since 1970"
            ) from None
    try:
        return in_utc(datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC))
    except (ValueError, OverflowError, OSError):
        raise InputError(f"{where}: {role['time']!r} is {text!r:.60}, which is no moment") from None


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC without a zone; one without a zone is taken as UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
