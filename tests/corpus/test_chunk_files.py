import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.chunk import chunk, chunk_corpus
from ragbench.corpus.chunkers.fixed import FixedChunker
from ragbench.corpus.load import load_corpus, restore_documents
from ragbench.io.chunk_files import is_chunk_file, read_chunks, write_chunks

CORPUS = Corpus((Document("b/ü.txt", "some text 😀 and\nmore of it", "T"), Document("a", "short")))
ROW = {"id": "d#0", "document_id": "d", "start": 0, "end": 4, "title": "", "text": "text"}


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_what_was_written_is_read_and_the_bytes_are_the_same(tmp_path: Path, ending: str) -> None:
    chunks, _ = chunk(CORPUS, FixedChunker(10, 3))
    one, two = tmp_path / f"1.{ending}", tmp_path / f"2.{ending}"
    write_chunks(chunks, one)
    write_chunks(chunks, two)
    assert one.read_bytes() == two.read_bytes()
    assert is_chunk_file(one)
    assert list(read_chunks(one)) == list(chunks)
    assert read_chunks(one).fingerprint == chunks.fingerprint
    loaded = load_corpus(one)
    assert loaded.chunks is not None
    assert list(loaded.corpus) == list(CORPUS)
    assert chunk_corpus(loaded).chunker == "ready"
    assert chunk_corpus(loaded).chunks.fingerprint == chunks.fingerprint
    with pytest.raises(SettingError, match="leave out the chunker 'fixed'"):
        chunk_corpus(loaded, "fixed")


def test_other_files_are_no_chunk_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":"1","text":"a"}\n')
    (tmp_path / "b.jsonl").write_text("{")
    (tmp_path / "c.parquet").write_text("no")
    for name in ("a.jsonl", "b.jsonl", "c.parquet", "missing.parquet", "missing.jsonl"):
        assert not is_chunk_file(tmp_path / name)
    assert not is_chunk_file(tmp_path)
    with pytest.raises(InputError, match=r"\.parquet or \.jsonl, not \.csv"):
        write_chunks(chunk(CORPUS, FixedChunker())[0], tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW], r"x\.jsonl: 1 chunk ids occur more than once: d#0"),
        ([ROW, {**ROW, "id": "d#1", "end": 5}], r"x\.jsonl:2: chunk 'd#1' is 4 characters long, not 0 to 5"),
        ([{**ROW, "start": -4, "end": 0}], "not -4 to 0"),
        ([{**ROW, "start": "0"}], "not '0' to 4"),
        ([{**ROW, "text": "    "}], "has no text"),
        ([{**ROW, "id": 3}], "must be strings"),
        ([ROW, {"id": "x"}], r"x\.jsonl:2: a chunk needs 'document_id'"),
        ([ROW, 3], "a JSON object was expected"),
        ([], "no chunk"),
    ],
)
def test_faults_name_the_file_and_line(tmp_path: Path, rows: list[Any], message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match=message):
        read_chunks(path)


def test_restoring_fills_gaps_and_refuses_contradictions() -> None:
    def restored(*spans: tuple[int, str]) -> str:
        chunks = (Chunk(f"d#{i}", "d", text, start, start + len(text)) for i, (start, text) in enumerate(spans))
        return restore_documents(Chunks.of(chunks)).documents[0].text

    assert restored((2, "ab"), (6, "cd")) == "  ab  cd"
    assert restored((0, "abcd"), (2, "cdef"), (1, "bc")) == "abcdef"
    with pytest.raises(InputError, match="'d#1' contradicts another chunk of document 'd'"):
        restored((0, "abcd"), (2, "xxef"))
    with pytest.raises(InputError, match="check start and end"):
        restored((10**12, "ab"))


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="ab \n😀", min_size=1).filter(str.strip), size=st.integers(1, 9))
def test_restored_documents_hold_their_chunks(text: str, size: int) -> None:
    chunks, _ = chunk(Corpus((Document("d", text),)), FixedChunker(size, size // 2))
    (document,) = restore_documents(chunks)
    for piece in chunks:
        assert document.text[piece.start : piece.end] == piece.text
