"""Queries of users without labels, as a search log: from a log, a text file, a table of questions or a golden set."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.core.spelling import named
from ragbench.io.golden_files import read_golden
from ragbench.io.golden_files.common import ALIASES as LABELLED
from ragbench.io.question_files import LINES, read_questions
from ragbench.io.search_logs import ALIASES as LOGGED
from ragbench.io.search_logs import in_utc, read_search_log
from ragbench.io.tables import SUFFIXES, read_rows


def read_live_queries(path: Path, columns: Mapping[str, str] | None = None) -> SearchLog:
    """Read queries from a file or folder.

    Tables (CSV, JSON Lines, Parquet) are read as logs of searches: only the column with the queries is needed. Of a
    golden set, the unit of a query (its source document) takes the place of the session.

    Args:
        path: a log, a table, a text file with one query per line, or a golden set.
        columns: column by role, for a table.

    Raises:
        InputError: there is no such file, no query in it, or a value that cannot be read.
        SettingError: columns are named for a file that is no table.
    """
    if path.suffix.lower() in SUFFIXES and not path.is_dir() and not _is_golden(path):
        return read_search_log(path, columns)
    if columns:
        raise SettingError(f"names columns, and {path} is no table", option="columns")
    if path.suffix.lower() in LINES and path.is_file():
        found = read_questions(path)
        return SearchLog(tuple(LoggedSearch(str(path), item.text) for item in found), found.name)
    return of_golden(read_golden(path))


def _is_golden(path: Path) -> bool:
    """Whether a table has queries with labels of documents, and neither sessions nor times as a log has."""
    if not path.is_file():
        return False
    columns = {name for _, row in read_rows(path)[:1] for name in row}
    labelled = {"evidence", *LABELLED["document"]} & columns
    asked = {*LABELLED["query"]} & columns
    return bool(labelled and asked) and not columns & {*LOGGED["session"], *LOGGED["time"]}


def of_golden(golden: GoldenSet) -> SearchLog:
    """The queries of a golden set."""
    searches = tuple(LoggedSearch(item.id, item.text, session=item.unit, id=item.id) for item in golden)
    return SearchLog(searches, golden.name)


def with_text(log: SearchLog) -> SearchLog:
    """The log without the searches whose query has no letter or digit; its issue log lists them.

    Raises:
        InputError: none is left.
    """
    blank = [search for search in log if not any(char.isalnum() for char in search.query)]
    if not blank:
        return log
    if len(blank) == len(log):
        raise InputError(f"{log.name}: none of its {len(log)} queries has a word")
    entries = [LedgerEntry("queries", search.where, "the query has no word", "no-word") for search in blank]
    kept = tuple(search for search in log if any(char.isalnum() for char in search.query))
    return SearchLog(kept, log.name, log.ledger + Ledger(tuple(entries)))


def within(log: SearchLog, since: datetime | None, until: datetime | None, options: tuple[str, str]) -> SearchLog:
    """The searches from one moment to another.

    Args:
        log: the searches.
        since: the first moment that belongs to it; None for the beginning.
        until: the first moment that does not; None for the end.
        options: the options that named the two, for messages.

    Raises:
        SettingError: a search has no time.
        InputError: no search is left.
    """
    if since is None and until is None:
        return log
    option = options[0] if since is not None else options[1]
    untimed = next((search for search in log if search.time is None), None)
    if untimed is not None:
        raise SettingError(f"needs times, and the search at {untimed.where} has none", option=option)
    kept = tuple(
        search
        for search in log
        if search.time is not None
        and (since is None or search.time >= since)
        and (until is None or search.time < until)
    )
    if not kept:
        moments = sorted(search.time for search in log if search.time is not None)
        raise InputError(
            f"{log.name}: no search in this period (it has searches from {moments[0]} to {moments[-1]}); change "
            f"{named(options[0])} or {named(options[1])}"
        )
    return SearchLog(kept, log.name, log.ledger)


def moment(text: str, option: str) -> datetime:
    """Read a day (its beginning) or a moment in ISO 8601, in UTC without a zone.

    Raises:
        SettingError: it is written otherwise.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingError(
            f"is {text!r:.40}; write a day or a moment, as in 2026-05-04 or 2026-05-04T08:00", option=option
        ) from None
    return in_utc(found)
