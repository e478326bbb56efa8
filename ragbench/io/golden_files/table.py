"""CSV or TSV with one row per query and document: columns query, document, label and others (see `rows`)."""

from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.io.golden_files.common import ReadOptions, items, roles
from ragbench.io.tables import read_csv

TAKES = frozenset({"exclude_source", "columns"})


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set from a table with a header.

    Raises:
        InputError: no header, a row with more cells than the header, or a wrong value; the message has file and line.
    """
    table = read_csv(path)
    rows = list(table.rows())
    if not rows:
        raise InputError(f"{path}: there is no row under the header")
    found, entries = items(rows, roles(table.header, options.columns, str(path)), exclude_source=options.exclude_source)
    return GoldenSet(found, options.name or path.stem, Ledger(tuple(entries)))
