"""Questions without labels: a text file with one a line, or JSON Lines, CSV or Parquet with a column of questions."""

from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.io.answer_rows import ALIASES
from ragbench.io.encoding import read_text
from ragbench.io.tables import as_text, query_text, read_rows


def read_questions(path: Path) -> GoldenSet:
    """The questions, as items without evidence; what is neither id nor question becomes metadata.

    Questions without ids are called q0001, q0002, ... in the order of the file, which is noted in the issue log.

    Raises:
        InputError: nothing there, no question in it, no column of questions, or an id that is missing or occurs twice.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; {named('questions')} takes a text file "
            "with one question per line, or a table"
        )
    if path.suffix.lower() in (".txt", ".md", ""):
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


def _of_table(path: Path) -> tuple[list[GoldenItem], bool]:
    rows = read_rows(path)
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    query = next((name for name in ALIASES["query"] if name in columns), None)
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
        metadata = {key: value for key, value in row.items() if key not in (query, id_) and value not in (None, "")}
        items.append(GoldenItem(name, text, metadata=metadata))
    return items, id_ is None
