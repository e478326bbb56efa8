"""CSV or TSV with one row per query and document: columns query, document, label and others (see `rows`)."""

import csv
import io
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.io.encoding import read_text
from ragbench.io.golden_files.common import ReadOptions, items, roles

TAKES = frozenset({"exclude_source", "columns"})
CELL_CHARACTERS = 1 << 24


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set from a table with a header.

    Raises:
        InputError: no header, a row with more cells than the header, or a wrong value; the message has file and line.
    """
    csv.field_size_limit(CELL_CHARACTERS)
    text = read_text(path)[0]
    header_line = text.split("\n", 1)[0]
    delimiter = max(("\t", ";", ","), key=header_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = reader.fieldnames or []
        rows = [(f"{path}:{reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: no CSV ({error})") from error
    if not rows:
        raise InputError(f"{path}: there is no row under the header")
    for where, row in rows:
        if None in row:
            raise InputError(f"{where}: more cells than the {len(header)} columns of the header")
    found, entries = items(rows, roles(header, options.columns, str(path)), exclude_source=options.exclude_source)
    return GoldenSet(found, options.name or path.stem, Ledger(tuple(entries)))
