"""A WattBot file of answers (the truth, or a submission) as columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.ledger import first_ten
from ragbench.io.tables import read_csv

Strings = Any
"""A pyarrow array of strings without nulls."""
ID, VALUE, UNIT, REFERENCES, QUESTION = "id", "answer_value", "answer_unit", "ref_id", "question"
REQUIRED = (ID, VALUE, REFERENCES)
FLAGS = ("is_NA", "is_blank")
"""Columns that say whether a question is unanswered. The first one in the file counts."""
BLANK = "is_blank"


@brief
@dataclass(frozen=True, eq=False)
class Sheet:
    """The columns that the score needs, all of length n.

    Attributes:
        name: its name in messages and reports.
        ids: unique if the file was read by `read_sheet`.
        values, references: as written.
        units: as written, or None if the file lacks the column.
        questions: as written, or None.
        flags: the cells of the first column of `FLAGS`, or None.
        flag: the name of that column, or empty.
    """

    name: str
    ids: Strings
    values: Strings
    references: Strings
    units: Strings | None = None
    questions: Strings | None = None
    flags: Strings | None = None
    flag: str = ""

    def __len__(self) -> int:
        return len(self.ids)


def read_sheet(path: Path, name: str = "") -> Sheet:
    """Read a CSV file in any common encoding, with or without a byte order mark.

    Args:
        path: the file.
        name: its name; by default its path.

    Raises:
        InputError: the file is not a table, lacks a column, has a row with too few or
            too many cells, or an id that is empty or occurs twice.
    """
    import pyarrow as pa

    columns = read_columns(path, REQUIRED)
    ids = columns[ID]
    check_ids(path, ids)
    flag = next((column for column in FLAGS if column in columns), "")
    made = {key: pa.array(cells, type=pa.string()) for key, cells in columns.items()}
    return Sheet(
        name or str(path),
        made[ID],
        made[VALUE],
        made[REFERENCES],
        made.get(UNIT),
        made.get(QUESTION),
        made.get(flag),
        flag,
    )


def read_columns(path: Path, required: tuple[str, ...]) -> dict[str, list[str]]:
    """Read the cells of a CSV file by column. Spaces around ids and column names are dropped.

    Raises:
        InputError: the file has no rows, a row has too few or too many cells, or a column is missing.
    """
    table = read_csv(path, delimiters=",", exact=True)
    head = [cell.strip() for cell in table.header]
    missing = [column for column in required if column not in head]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]!r}{did_you_mean(missing[0], head)}")
    twice = sorted({column for column in head if head.count(column) > 1})
    if twice:
        raise InputError(f"{path}: has the column {twice[0]!r} twice; remove one of them")
    if not table.cells:
        raise InputError(f"{path}: holds a header and no rows")
    columns = {
        column: [cell or "" for cell in cells]
        for column, cells in zip(head, zip(*table.cells, strict=True), strict=True)
    }
    if ID in columns:
        columns[ID] = [cell.strip() for cell in columns[ID]]
    return columns


def check_ids(path: Path, ids: list[str]) -> None:
    """Check that every row has a unique id.

    Raises:
        InputError: an id is empty or occurs twice.
    """
    if not all(ids):
        at = ids.index("")
        raise InputError(f"{path}: row {at + 1} below the header has no id; give every row one of its own")
    if len(set(ids)) < len(ids):
        seen: set[str] = set()
        twice = sorted({id_ for id_ in ids if id_ in seen or seen.add(id_)})  # type: ignore[func-returns-value]
        raise InputError(f"{path}: {len(twice)} ids occur more than once: {first_ten(twice)}")
