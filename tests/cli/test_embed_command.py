"""``ragbench embed`` as a user runs it: what is in the parts, what stays of an earlier run, and wrong input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ragbench as rb
from ragbench.io.chunk_files import write_chunks
from ragbench.models.embed.minilm import MiniLM

TEXTS = [f"A {colour} lamp with {n} bulbs" for n, colour in enumerate(("red", "green", "blue", "white", "black"))]


def table(**more: list[Any]) -> pa.Table:
    return pa.table({"sku": [f"s{n}" for n in range(5)], "body": TEXTS, "price": [1.5, 2.0, 2.5, None, 3.0], **more})


@pytest.fixture
def lamps(tmp_path: Path) -> Path:
    """Five lamps in a folder of two Parquet files."""
    folder = tmp_path / "lamps"
    folder.mkdir()
    pq.write_table(table()[:3], folder / "a.parquet")
    pq.write_table(table()[3:], folder / "b.parquet")
    (folder / "_SUCCESS").touch()
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def vectors(column: Any) -> np.ndarray:
    return np.array(column.to_pylist(), np.float32)


def test_rows_keep_their_columns_and_get_the_vector_of_their_text(ragbench: Any, lamps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = ragbench("embed", lamps, "--out", out, "--npy", "--json")
    assert done.code == 0, done.err
    assert {key: done.json[key] for key in ("rows", "parts", "dimensions", "columns", "rows_without_text")} == {
        "rows": 5, "parts": 2, "dimensions": 384, "columns": {"text": "body", "vector": "vector"},
        "rows_without_text": 0,
    }  # fmt: skip
    assert sorted(files(out)) == ["embeddings.npy", "part-00000.parquet", "part-00001.parquet"]
    made = pa.concat_tables([pq.read_table(out / f"part-0000{n}.parquet") for n in (0, 1)])
    assert made.drop_columns("vector").equals(table())
    assert made.schema.field("vector").type == pa.list_(pa.field("element", pa.float32()), 384)
    np.testing.assert_allclose(vectors(made["vector"]), MiniLM().encode(TEXTS, "passage"), atol=1e-5)
    np.testing.assert_array_equal(np.load(out / "embeddings.npy"), vectors(made["vector"]))


def test_documents_and_chunk_files_are_embedded_as_a_dense_retriever_does(tmp_path: Path) -> None:
    """Documents, their chunks in both kinds of file, and chunks in Python give the same parts."""
    documents = tmp_path / "documents.jsonl"
    rows = [{"id": f"d{n}", "title": f"Lamp {n}", "text": text} for n, text in enumerate(TEXTS)]
    documents.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    chunks = rb.chunk(rb.load_corpus(documents))
    for name in ("chunks.jsonl", "chunks.parquet"):
        write_chunks(chunks, tmp_path / name)
    given = {"documents": documents, "lines": tmp_path / "chunks.jsonl", "parquet": tmp_path / "chunks.parquet",
             "python": chunks}  # fmt: skip
    for name, corpus in given.items():
        rb.embed(corpus, tmp_path / name)
        assert files(tmp_path / name) == files(tmp_path / "documents"), name
    made = pq.read_table(tmp_path / "documents" / "part-00000.parquet")
    assert made["id"].to_pylist() == list(chunks.ids)
    np.testing.assert_allclose(vectors(made["vector"]), MiniLM().encode(chunks.contents, "passage"), atol=1e-5)


def test_a_second_run_finds_the_parts_and_removes_those_of_a_longer_one(
    ragbench: Any, lamps: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert ragbench("embed", lamps, "--out", out).code == 0
    first = files(out)
    (out / "notes.txt").touch()
    again = ragbench("embed", lamps, "--out", out, "--json").json
    assert (again["parts"], again["parts_found"]) == (2, 2)
    assert files(out) == {**first, "notes.txt": b""}
    (lamps / "b.parquet").unlink()
    shorter = ragbench("embed", lamps, "--out", out, "--json").json
    assert (shorter["parts"], shorter["parts_found"]) == (1, 1)
    assert sorted(files(out)) == ["notes.txt", "part-00000.parquet"]


def test_rows_without_text_are_counted_and_have_no_vector(ragbench: Any, tmp_path: Path) -> None:
    texts = [*TEXTS[:3], " ", None]
    pq.write_table(pa.table({"text": texts}), tmp_path / "some.parquet")
    done = ragbench("embed", tmp_path / "some.parquet", "--out", tmp_path / "out", "--npy", "--json")
    assert done.json["rows_without_text"] == 2
    assert [entry["code"] for entry in done.json["ledger"]] == ["no-text"]
    made = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    assert made["text"].to_pylist() == texts
    assert made["vector"].is_valid().to_pylist() == [True, True, True, False, False]
    array = np.load(tmp_path / "out" / "embeddings.npy")
    assert np.linalg.norm(array, axis=1) == pytest.approx([1, 1, 1, 0, 0], abs=1e-5)


def test_columns_are_chosen_on_the_command_line_and_in_yaml(ragbench: Any, tmp_path: Path) -> None:
    pq.write_table(table(question=[f"Which {text}?" for text in TEXTS], title=["Lamp"] * 5), tmp_path / "x.parquet")
    (tmp_path / "options.yaml").write_text("kind: query\ncolumns: {text: question, vector: embedding}\n")
    done = ragbench("embed", tmp_path / "x.parquet", "--out", tmp_path / "out", "--config", tmp_path / "options.yaml",
                    "--json")  # fmt: skip
    assert done.json["columns"] == {"text": "question", "vector": "embedding"}
    written = "text=question,title=title"
    titled = ragbench("embed", tmp_path / "x.parquet", "--out", tmp_path / "titled", "--columns", written)
    assert titled.code == 0, titled.err
    made = pq.read_table(tmp_path / "titled" / "part-00000.parquet")
    expected = MiniLM().encode([f"Lamp Which {text}?" for text in TEXTS], "passage")
    np.testing.assert_allclose(vectors(made["vector"]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--columns", "text=bodi"], "bodi"),
        (["--columns", "text=price"], "double"),
        (["--columns", "words=body"], "words"),
        (["--columns", "vector=sku"], "sku"),
        (["--columns", "text=body", "--chunker", "whole"], "--columns"),
        (["--model", "minilmm"], "minilm"),
        (["--workers", "2"], "--workers"),
    ],
)
def test_wrong_options_are_named(ragbench: Any, lamps: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = ragbench("embed", lamps, "--out", tmp_path / "out", *words)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.glob("out/*"))


def test_a_file_without_the_column_of_the_others_is_named(ragbench: Any, lamps: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": TEXTS}), lamps / "c.parquet")
    done = ragbench("embed", lamps, "--out", tmp_path / "out")
    assert done.code == 2
    assert "c.parquet" in done.err
    assert "body" in done.err


def test_files_of_others_are_not_replaced(ragbench: Any, lamps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    pq.write_table(table(), out / "part-00000.parquet")
    before = files(out)
    assert "part-00000.parquet" in ragbench("embed", lamps, "--out", out).err
    assert "--out" in ragbench("embed", lamps, "--out", lamps).err
    assert files(out) == before
    (out / "part-00000.parquet").unlink()
    (out / "embeddings.npy").write_bytes(b"older")
    assert "--npy" in ragbench("embed", lamps, "--out", out).err
    assert files(out) == {"embeddings.npy": b"older"}


def test_files_without_rows_are_an_error(ragbench: Any, tmp_path: Path) -> None:
    pq.write_table(table()[:0], tmp_path / "none.parquet")
    done = ragbench("embed", tmp_path / "none.parquet", "--out", tmp_path / "out")
    assert done.code == 2
    assert "none.parquet" in done.err
