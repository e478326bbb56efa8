"""Files of chunks by page, as tutorials on PDFs write them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.file_limits import FileLimits
from ragbench.corpus.load import load_corpus
from ragbench.io.chunk_files import read_chunks, write_chunks

COLUMNS = ["text", "doc_id", "title", "url", "page_num", "chunk_idx_in_page"]
ROWS = [
    ["first of page two", "amazon2023", "Report", "https://a.example/r.pdf", 2, 0],
    ["first, of\n\"page\" one", "amazon2023", "Report", "https://a.example/r.pdf", 1, 0],
    ["second of page one 😀", "amazon2023", "Report", "https://a.example/r.pdf", 1, 1],
    ["alone", "chen2024", "Paper", "", 10, 3],
]  # fmt: skip
IDS = ["amazon2023#p2#0", "amazon2023#p1#0", "amazon2023#p1#1", "chen2024#p10#3"]
FIRST, SECOND, THIRD = ROWS[1][0], ROWS[2][0], ROWS[0][0]


def written(folder: Path, ending: str, rows: list[list[Any]] = ROWS) -> Path:
    path = folder / f"chunks{ending}"
    frame = pd.DataFrame(rows, columns=COLUMNS)
    if ending == ".parquet":
        frame.to_parquet(path, index=False)
    elif ending == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    return path


@pytest.mark.parametrize("limits", [None, FileLimits()], ids=["here", "apart"])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_the_chunks_are_read_in_the_order_of_the_file(tmp_path: Path, ending: str, limits: FileLimits | None) -> None:
    loaded = load_corpus(written(tmp_path, ending), limits=limits)
    chunks = loaded.chunks
    assert chunks is not None
    assert list(chunks.ids) == IDS
    assert list(chunks.texts) == [row[0] for row in ROWS]
    assert list(chunks.titles) == ["Report", "Paper"]
    # The document has its chunks in the order of pages, and offsets count in it.
    assert loaded.corpus.by_id["amazon2023"].text == f"{FIRST}  {SECOND}  {THIRD}"
    for chunk in chunks:
        assert loaded.corpus.by_id[chunk.document_id].text[chunk.start : chunk.end] == chunk.text
    assert loaded.corpus.by_id["amazon2023"].metadata == {"url": "https://a.example/r.pdf"}
    assert loaded.corpus.by_id["chen2024"].metadata == {}
    assert chunk_corpus(loaded).chunker == "ready"
    with pytest.raises(SettingError):
        chunk_corpus(loaded, "fixed")


def test_ids_and_offsets_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = load_corpus(written(tmp_path, ".jsonl")).chunks
    other = load_corpus(written(tmp_path / "other", ".csv", ROWS[::-1])).chunks
    assert one is not None
    assert other is not None
    assert {chunk.id: chunk for chunk in one} == {chunk.id: chunk for chunk in other}


def test_numbers_as_pandas_writes_them(tmp_path: Path) -> None:
    rows = [["a", 7, None, None, 3.0, np.float64(0)], ["b", 7, None, None, 3.0, 1.0]]
    for ending in (".jsonl", ".csv", ".parquet"):
        chunks = load_corpus(written(tmp_path, ending, rows)).chunks
        assert chunks is not None
        assert list(chunks.ids) == ["7#p3#0", "7#p3#1"]


def test_rows_without_text_are_listed(tmp_path: Path) -> None:
    loaded = load_corpus(written(tmp_path, ".jsonl", [*ROWS, ["  ", "empty", "", "", 1, 0]]))
    assert len(loaded.corpus) == 2
    assert [(entry.item, entry.code) for entry in loaded.corpus.ledger.entries] == [("chunks.jsonl:5", "no-text")]


def test_what_was_read_can_be_written_as_usual_chunks(tmp_path: Path) -> None:
    chunks = load_corpus(written(tmp_path, ".jsonl")).chunks
    assert chunks is not None
    write_chunks(chunks, tmp_path / "usual.parquet")
    assert read_chunks(tmp_path / "usual.parquet").fingerprint == chunks.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"page_num": 1.5}, r"chunks\.jsonl:2: page_num must be a whole number, not 1\.5"),
        ({"page_num": True}, "page_num must be a whole number, not True"),
        ({"chunk_idx_in_page": "x"}, "chunk_idx_in_page must be a whole number, not 'x'"),
        ({"chunk_idx_in_page": float("inf")}, r"chunks\.jsonl:2: "),
        ({"doc_id": " "}, "doc_id must name the document"),
        ({"text": 3}, "text must be text, not 3"),
        ({}, r"chunks\.jsonl:2: document 'd' has a chunk 0 on page 1 already \(.*chunks\.jsonl:1\)"),
    ],
)
def test_faults_name_the_row(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    row = {"text": "t", "doc_id": "d", "page_num": 1, "chunk_idx_in_page": 0}
    path = tmp_path / "chunks.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (row, {**row, **change})))
    with pytest.raises(InputError, match=message):
        load_corpus(path)


def test_a_table_of_documents_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("doc_id,text,page_num\nd,some text,1\n")
    loaded = load_corpus(tmp_path / "a.csv")
    assert loaded.chunks is None
    assert loaded.corpus.documents[0].metadata == {"page_num": "1"}
