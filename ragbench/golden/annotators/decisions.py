"""What people decided, read back from the table."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.goldens import GoldenItem
from ragbench.golden.annotators.sheet import FILLED, original
from ragbench.io.encoding import read_text

Word = Literal["accept", "edit", "reject"]
WORDS: tuple[Word, ...] = ("accept", "edit", "reject")
GRADES = ("0", "1", "2", "3")
FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Decision:
    """One person's decision on one query.

    Attributes:
        query_id: the query.
        word: ``accept`` it as it stands, ``edit`` its text, or ``reject`` it.
        text: the new text of an edited query, else None.
        grade: how well the evidence answers, 0 to 3; None where it was left blank.
        comment: what the person wrote.
    """

    query_id: str
    word: Word
    text: str | None = None
    grade: int | None = None
    comment: str = ""


class Decisions(NamedTuple):
    """Decisions in the order of the table, and the queries whose decision was left blank."""

    made: tuple[Decision, ...]
    undecided: tuple[str, ...]


def read_decisions(path: Path, items: Mapping[str, GoldenItem]) -> Decisions:
    """Read and check a filled table; comma, semicolon and tab all separate.

    Args:
        path: the table.
        items: the queries it may decide on, by id.

    Raises:
        InputError: no such file, a missing column, or wrong rows: every one is named with its line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    faults: list[str] = []
    made: list[Decision] = []
    undecided: list[str] = []
    seen: dict[str, int] = {}
    for line, row in _rows(path):
        id_ = row["id"].strip()
        fault = _row_fault(id_, row, items, seen)
        seen.setdefault(id_, line)
        if not fault and not row["decision"].strip():
            fault = _forgotten(row)
            undecided += [] if fault else [id_]
        elif not fault:
            found = _decision(id_, row, items[id_])
            fault = found if isinstance(found, str) else ""
            made += [] if isinstance(found, str) else [found]
        if fault:
            faults.append(f"{path}:{line}: {fault}")
    if faults:
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise InputError("\n".join([*faults[:FAULTS_SHOWN], *more]))
    if not made:
        raise InputError(f"{path}: no row has a decision; write accept, edit or reject into the column 'decision'")
    return Decisions(tuple(made), tuple(undecided))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    text = read_text(path)[0]
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(("\t", ";", ","), key=header.count), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    names: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not names:
                names = [cell.strip().lower() for cell in cells]
                missing = [name for name in ("id", *FILLED) if name not in names]
                if missing:
                    raise InputError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
            elif any(cell.strip() for cell in cells):
                if len(cells) > len(names):
                    raise InputError(f"{path}:{line}: {len(cells)} cells under a header of {len(names)}")
                padded = [*cells, *[""] * (len(names) - len(cells))]
                rows.append((line, {name: original(cell) for name, cell in zip(names, padded, strict=True)}))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: no CSV ({error})") from error
    if not rows:
        raise InputError(f"{path}: there is no row under the header")
    return rows


def _row_fault(id_: str, row: Mapping[str, str], items: Mapping[str, GoldenItem], seen: Mapping[str, int]) -> str:
    if not id_:
        return "the row has no id"
    if id_ not in items:
        return f"the golden set has no query {id_!r}; give the set that the table was exported from"
    if id_ in seen:
        return f"query {id_!r} was decided on line {seen[id_]} before; keep one of the rows"
    if "query" in row and _plain(row["query"]) != _plain(items[id_].text):
        return f"the text of {id_!r} is not that of the set; write a new text into 'edited_text', not over the query"
    return ""


def _plain(text: str) -> str:
    """Without what a spreadsheet may change by itself."""
    return " ".join(text.split()).strip("'")


def _forgotten(row: Mapping[str, str]) -> str:
    filled = [name for name in ("edited_text", "grade") if row[name].strip()]
    return f"{' and '.join(filled)} without a decision; write accept, edit or reject" if filled else ""


def _decision(id_: str, row: Mapping[str, str], item: GoldenItem) -> Decision | str:
    """The decision of a row, or what is wrong with it."""
    word, text, grade = row["decision"].strip().lower(), " ".join(row["edited_text"].split()), row["grade"].strip()
    if word not in WORDS:
        return f"decision {word!r}{did_you_mean(word, WORDS)}"
    if word == "edit" and not text:
        return "edit without a new text in 'edited_text'"
    if word == "edit" and text == item.text:
        return "edit with the text that the query has; write accept, or a new text"
    if word != "edit" and text:
        return f"{word} with a new text in 'edited_text'; write edit, or clear the text"
    grade = grade.removesuffix(".0")
    if grade and grade not in GRADES:
        return f"grade {grade!r}; write 0, 1, 2 or 3, or leave it blank"
    if word != "reject" and grade == "0" and any(e.grade > 0 for e in item.evidence):
        return f"{word} with grade 0: nothing would be relevant to the query; reject it, or grade its evidence above 0"
    known = int(grade) if grade else None
    return Decision(id_, word, text or None, known, row["comment"].strip())
