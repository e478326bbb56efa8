"""Sheets that annotators fill in: CSV or Excel's .xlsx, and cells that no spreadsheet runs as a formula."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from ragbench.core.errors import InputError
from ragbench.io.encoding import MIB
from ragbench.io.parsing import DAMAGED
from ragbench.io.tables import CsvTable, read_csv

ENCODING = "utf-8-sig"
"""The byte order mark makes spreadsheets read a file as UTF-8."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
PART_BYTES = 64 * MIB
"""Largest part of a workbook that is read, counted after unpacking."""
MOST_COLUMNS = 16_384
"""Columns of a sheet in Excel."""


def neutral(cell: str) -> str:
    """Neutralise a text that a spreadsheet would read as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def original(cell: str) -> str:
    """Restore the text that `neutral` received."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell


def sheet_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The sheet as CSV that spreadsheets read as UTF-8. Texts that they would read as formulas are neutralised."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(header)
    table.writerows([neutral(cell) for cell in row] for row in rows)
    return text.getvalue().encode(ENCODING, "replace")


def read_sheet(path: Path) -> CsvTable:
    """Read a filled sheet: the first one of an ``.xlsx`` file, or CSV with commas, semicolons or tabs.

    Raises:
        InputError: no such file, or it is no table; the message names file and line.
    """
    return read_workbook(path) if path.suffix.lower() == ".xlsx" else read_csv(path)


def read_workbook(path: Path) -> CsvTable:
    """Read the first sheet of an ``.xlsx`` file: its values as text, with the first row as the header.

    Formulas count as the values that were stored with them.

    Raises:
        InputError: no such file, no workbook, or a row is longer than the header.

    Source: ECMA-376, Office Open XML, part 1, section 18 (SpreadsheetML).
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            shared = _shared(archive, path)
            sheet = _part(archive, path, _first_sheet(archive))
            rows = [(int(row.get("r", at)), _cells(row, shared)) for at, row in enumerate(_all(sheet, "row"), start=1)]
    except (*DAMAGED, ElementTree.ParseError) as error:
        raise InputError(f"{path}: not a readable .xlsx file ({error}); save the sheet as CSV") from error
    filled = [(line, cells) for line, cells in rows if any(cell for cell in cells)]
    if not filled:
        return CsvTable(str(path), [], [], [])
    header = [cell or "" for cell in filled[0][1]]
    for line, cells in filled[1:]:
        if len(cells) > len(header):
            raise InputError(f"{path}:{line}: {len(cells)} cells, but the header has {len(header)} columns")
    padded = [[*cells, *[None] * (len(header) - len(cells))] for _, cells in filled[1:]]
    return CsvTable(str(path), header, [line for line, _ in filled[1:]], padded)


def _part(archive: zipfile.ZipFile, path: Path, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > PART_BYTES:
        raise InputError(f"{path}: {name} has more than {PART_BYTES:,} bytes unpacked; refused")
    content = archive.read(name)
    _refuse_document_type(content)
    return ElementTree.fromstring(content)  # noqa: S314 - it declares no entities


def _refuse_document_type(content: bytes) -> None:
    """No spreadsheet writes a document type, and its entities can grow without end.

    Raises:
        ValueError: there is one.
    """
    parser = expat.ParserCreate()

    def found(*_: object) -> None:
        raise ValueError("it has a document type")

    parser.StartDoctypeDeclHandler = found
    with suppress(expat.ExpatError):  # reported by the reader, with the place
        parser.Parse(content, True)


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """Name of the part of the first sheet; programs number them from 1."""
    names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
    return min(names, key=lambda name: int(re.findall(r"\d+", name)[-1])) if names else "xl/worksheets/sheet1.xml"


def _shared(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """The texts that cells refer to by number."""
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return []
    return [_text(entry) for entry in _all(_part(archive, path, name), "si")]


def _all(element: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [*element.iter(f"{_MAIN}{tag}"), *element.iter(f"{_STRICT}{tag}")]


def _text(element: ElementTree.Element) -> str:
    """The text of an entry, without its phonetic reading."""
    phonetic = {id(text) for part in _all(element, "rPh") for text in _all(part, "t")}
    return "".join(text.text or "" for text in _all(element, "t") if id(text) not in phonetic)


def _cells(row: ElementTree.Element, shared: list[str]) -> list[str | None]:
    found: list[str | None] = []
    for cell in _all(row, "c"):
        at = _column(cell.get("r", ""), len(found))
        found += [None] * (at - len(found))
        found.append(_value(cell, shared))
    while found and not found[-1]:
        found.pop()
    return found


def _column(reference: str, default: int) -> int:
    """``"C7"`` is column 2; a cell without a reference follows the one before."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return default
    number = 0
    for letter in letters[0]:
        number = 26 * number + ord(letter) - ord("A") + 1
    if not default < number <= MOST_COLUMNS:
        raise ValueError(f"cell {reference} is out of order")
    return number - 1


def _value(cell: ElementTree.Element, shared: list[str]) -> str | None:
    kind = cell.get("t")
    if kind == "inlineStr":
        return _text(cell)
    value = next((part.text for part in _all(cell, "v")), None)
    return shared[int(value)] if kind == "s" and value is not None else value
