"""CSV or TSV with columns query, document, label and others (see `roles`).

A query may have several rows, and a cell several ids: ``P1;P2``, or a JSON list where an id holds a semicolon.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.io.golden_files.common import ReadOptions, golden_of, roles
from ragbench.io.tables import NamedRow, read_csv

TAKES = frozenset({"exclude_source", "columns"})


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set from a table with a header.

    Raises:
        InputError: no header, a row with more cells than the header, or a wrong value; the message has file and line.
    """
    table = read_csv(path)
    if not table.lines:
        raise InputError(f"{path}: there is no row under the header")
    role = roles(table.header, options.columns, str(path))
    rows = _split(table.rows(), role)
    return golden_of(rows, role, options.name or path.stem, exclude_source=options.exclude_source)


def _split(rows: Iterator[NamedRow], role: Mapping[str, str]) -> Iterator[NamedRow]:
    """The rows with lists where a cell holds several ids, and with whole numbers as chunk labels."""
    for where, row in rows:
        ids = {column: _ids(where, row.get(column)) for key, column in role.items() if key in ("document", "chunk")}
        if "chunk" in role:
            ids[role["chunk"]] = [int(str(one)) if str(one).isdecimal() else one for one in ids[role["chunk"]]]
        yield where, {**row, **ids}


def _ids(where: str, cell: object) -> list[object]:
    text = str(cell or "").strip()
    if not text.startswith("["):
        return [part.strip() for part in text.split(";") if part.strip()]
    try:
        ids = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: the cell {text!r:.60} begins like a JSON list and is none ({error.msg})") from error
    return list(ids)
