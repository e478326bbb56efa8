"""Workbooks of annotators are read without their formulas, and without what XML can declare."""

import zipfile
from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.io.spreadsheet import read_sheet

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
ROWS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="s"><v>0</v></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>{cell}</t></is></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
)
LAUGHS = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10 if at else "ha"}">' for at in range(9))


def workbook(path: Path, cell: str = "q1", declared: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        shared = f"<sst {SPACE}><si><t>decision</t></si></sst>"
        archive.writestr("xl/sharedStrings.xml", shared)
        sheet = f"<worksheet {SPACE}><sheetData>{ROWS.format(cell=cell)}</sheetData></worksheet>"
        archive.writestr("xl/worksheets/sheet1.xml", declared + sheet)
    return path


def test_a_workbook_is_its_stored_values(tmp_path: Path) -> None:
    table = read_sheet(workbook(tmp_path / "a.xlsx"))
    assert (table.header, table.cells) == (["id", "decision"], [["q1", "2"]])


@pytest.mark.parametrize(
    ("declared", "cell"),
    [
        (f"<!DOCTYPE worksheet [{LAUGHS}]>", "&l8;"),
        ('<!DOCTYPE worksheet [<!ENTITY f SYSTEM "file:///etc/hostname">]>', "&f;"),
        ("<!DOCTYPE worksheet>", "q1"),
    ],
)
def test_a_document_type_is_refused(declared: str, cell: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it has a document type"):
        read_sheet(workbook(tmp_path / "a.xlsx", cell, declared))


def test_a_cut_part_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a readable \.xlsx"):
        read_sheet(workbook(tmp_path / "a.xlsx", "</c>"))
