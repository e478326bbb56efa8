"""Questions without labels: a text file with one a line, or JSON Lines, CSV or Parquet with a column of questions."""

import json
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.core.turns import history_of
from ragbench.io.answer_rows import ALIASES
from ragbench.io.encoding import read_text, require_file
from ragbench.io.parsing import NOT_JSON
from ragbench.io.tables import as_text, query_text, read_rows

LINES = (".txt", ".md", "")
"""Endings of files with a question on each line."""
HISTORY = ("history", "chat_history", "conversation_history", "previous_turns")
"""Names of the column with the conversation before a question."""


def read_questions(path: Path) -> GoldenSet:
    """The questions, as items without evidence; what is neither id nor question becomes metadata.

    Questions without ids are called q0001, q0002, ... in the order of the file, which is noted in the issue log.

    Raises:
        InputError: nothing there, no question in it, no column of questions, or an id that is missing or occurs twice.
    """
    require_file(path, f"{named('questions')} takes a text file with one question per line, or a table")
    if path.suffix.lower() in LINES:
        texts = [line.strip() for line in read_text(path)[0].split("\n")]
        items = [GoldenItem(f"q{number:04d}", text) for number, text in enumerate(filter(None, texts), start=1)]
        numbered = True
    else:
        items, numbered = _of_table(path)
    if not items:
        raise InputError(f"{path}: there is no question in it")
    note = LedgerEntry(
        "questions", str(path), "there are no ids; the questions are numbered q0001, q0002, ...", "no-ids"
    )
    return GoldenSet(tuple(items), path.stem, Ledger((note,) if numbered else ()))


def _listed(value: object) -> object:
    """A cell of a CSV file holds the history as JSON."""
    if not (isinstance(value, str) and value.lstrip().startswith("[")):
        return value
    try:
        return json.loads(value)
    except NOT_JSON:
        return value


def _of_table(path: Path) -> tuple[list[GoldenItem], bool]:
    rows = read_rows(path)
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    query = next((name for name in ALIASES["query"] if name in columns), None)
    before = next((name for name in HISTORY if name in columns), None)
    id_ = next((name for name in ALIASES["id"] if name in columns), None)
    if query is None:
        raise InputError(
            f"{path}: no column holds the questions (known are {', '.join(ALIASES['query'])}); "
            f"it has {', '.join(columns) or 'none'}"
        )
    items = []
    for number, (where, row) in enumerate(rows, start=1):
        text = query_text(where, as_text(where, query, row.get(query) or ""))
        name = f"q{number:04d}" if id_ is None else as_text(where, id_, row.get(id_) or "")
        if not name:
            raise InputError(f"{where}: {id_!r} is empty; every question needs an id, or none has one")
        own = (query, id_, before)
        metadata = {key: value for key, value in row.items() if key not in own and value not in (None, "")}
        history = history_of(None if before is None else _listed(row.get(before)), where)
        items.append(GoldenItem(name, text, metadata=metadata, history=history))
    return items, id_ is None
