"""Ready vectors: looked up by text, refused where they do not fit."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.models.embed.npy import Npy
from ragbench.plugins import EMBEDDERS, RETRIEVERS, build

ROWS = [("a", "Tent", "for two"), ("b", "", "a stove"), ("c", "Lamp", "red light"), ("d", "", "a stove")]
CONTENTS = ["Tent for two", "a stove", "Lamp red light"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    np.save(tmp_path / "v.npy", np.array([[3, 4], [0, 2], [5, 0], [9, 9]], dtype=np.float64))
    lines = [json.dumps({"_id": i, "title": title, "text": text}) for i, title, text in ROWS]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "q.npy", np.array([[1, 0], [0, 1]], dtype=np.float16))
    (tmp_path / "q.txt").write_text("one question\nanother\n")
    return tmp_path


def npy(files: Path, **settings) -> Npy:
    given = {
        "path": files / "v.npy",
        "texts": files / "corpus.jsonl",
        "queries": files / "q.npy",
        "query_texts": files / "q.txt",
    }
    return Npy(**{**given, **settings})


EXPECTED = [[0.6, 0.8], [0, 1], [1, 0]]


def test_rows_are_found_by_text_and_have_unit_length(files) -> None:
    done: list[int] = []
    found = npy(files).encode(CONTENTS[::-1], "passage", done.append)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED[::-1], atol=1e-7)
    assert done == [3]
    np.testing.assert_allclose(npy(files).encode(["another", "one question"], "query"), [[0, 1], [1, 0]])


def test_texts_as_parquet_and_as_lines(files) -> None:
    ids, titles, texts = (list(column) for column in zip(*ROWS, strict=True))
    table = pyarrow.table({"id": ids, "title": titles, "text": texts})
    pyarrow.parquet.write_table(table, files / "chunks.parquet")
    (files / "lines.txt").write_text("\ufeffTent for two\r\na stove\r\nLamp red light\r\n\r\n", encoding="utf-8")
    for name in ("chunks.parquet", "lines.txt"):
        np.testing.assert_allclose(npy(files, texts=files / name).encode(CONTENTS, "passage"), EXPECTED, atol=1e-7)


def test_rows_in_another_order_by_an_ids_file(files) -> None:
    np.save(files / "other.npy", np.array([[5, 0], [3, 4], [0, 2]], dtype=np.float32))
    for name, content in (("ids.txt", "c\na\nb\n"), ("ids.jsonl", '{"id": "c"}\n{"id": "a"}\n{"id": "b"}\n')):
        (files / name).write_text(content)
        embedder = npy(files, path=files / "other.npy", ids=files / name)
        np.testing.assert_allclose(embedder.encode(CONTENTS, "passage"), EXPECTED, atol=1e-7)
    (files / "ids.txt").write_text("c\na\nzzz\n")
    with pytest.raises(InputError, match=r"1 ids are not in .*'zzz'"):
        npy(files, path=files / "other.npy", ids=files / "ids.txt").encode(CONTENTS, "passage")


def test_a_text_without_a_vector_is_an_error(files) -> None:
    with pytest.raises(InputError, match=r"1 of 2 texts are not in it.*begins 'Tent for three'"):
        npy(files).encode(["a stove", "Tent for three"], "passage")
    with pytest.raises(InputError, match="not in it"):
        npy(files).encode(["a third question"], "query")


def test_queries_by_another_embedder(files) -> None:
    texts = ["a red lamp", "shelter for a couple"]
    np.save(files / "real.npy", MiniLM().encode([*CONTENTS, "x"], "passage"))
    embedder = npy(files, path=files / "real.npy", queries=None, query_texts=None, query_model="minilm")
    np.testing.assert_array_equal(embedder.encode(texts, "query"), MiniLM().encode(texts, "query"))
    np.save(files / "kept.npy", np.eye(2, 384))
    mixed = npy(files, path=files / "real.npy", queries=files / "kept.npy", query_model="minilm")
    found = mixed.encode(["another", *texts], "query")
    np.testing.assert_array_equal(found[0], np.eye(2, 384)[1])
    np.testing.assert_array_equal(found[1:], MiniLM().encode(texts, "query"))
    with pytest.raises(InputError, match=r"vectors of 2 numbers, but query_model 'minilm' gives 384"):
        npy(files, queries=None, query_texts=None, query_model="minilm").encode(texts, "query")


def test_dense_with_ready_vectors_ranks_as_with_the_model(files, tmp_path) -> None:
    chunks = Chunks.of(Chunk(i, i, text, 0, len(text), title) for i, title, text in ROWS)
    np.save(files / "real.npy", MiniLM().encode(chunks.contents, "passage"))
    model = f"npy:path={files / 'real.npy'},texts={files / 'corpus.jsonl'},query_model=minilm"
    queries = [Query("q", "somewhere to sleep")]
    runs = [
        build(RETRIEVERS, {"name": "dense", "model": spec}).index(chunks, Context(cache=tmp_path)).search(queries, 3)
        for spec in (model, "minilm")
    ]
    assert [id_ for id_, _ in runs[0].ranking(0)] == ["a", "d", "b"]
    assert runs[0].to_dict()["q"] == pytest.approx(runs[1].to_dict()["q"])


def broken(files: Path) -> dict[str, tuple[dict[str, Path], str]]:
    np.save(files / "flat.npy", np.zeros(4))
    np.save(files / "ints.npy", np.zeros((4, 2), dtype=np.int64))
    np.save(files / "short.npy", np.zeros((3, 2)))
    np.save(files / "objects.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    np.savez(files / "several.npz", a=np.zeros((4, 2)))
    np.save(files / "nan.npy", np.array([[1, 2], [3, np.nan], [1, 1], [1, 1]]))
    (files / "text.npy").write_text("hello")
    (files / "empty.npy").write_bytes(b"")
    (files / "bad.jsonl").write_text('{"text": "a"}\nnot json\n')
    (files / "none.jsonl").write_text('{"body": "a"}\n')
    (files / "list.jsonl").write_text("[1]\n")
    (files / "latin.txt").write_bytes(b"caf\xe9\n")
    v, t = "path", "texts"
    return {
        "flat": ({v: files / "flat.npy"}, r"shape \(4,\)"),
        "ints": ({v: files / "ints.npy"}, "int64"),
        "short": ({v: files / "short.npy"}, "3 rows, but .*corpus.jsonl names 4"),
        "objects": ({v: files / "objects.npy"}, "array of numbers"),
        "several": ({v: files / "several.npz"}, "must be floats"),
        "nan": ({v: files / "nan.npy"}, "row 1 has a value that is not finite"),
        "text": ({v: files / "text.npy"}, "array of numbers"),
        "empty": ({v: files / "empty.npy"}, "array of numbers"),
        "missing": ({v: files / "gone.npy"}, "gone.npy cannot be read"),
        "bad line": ({t: files / "bad.jsonl"}, r"bad.jsonl:2: not JSON"),
        "no text": ({t: files / "none.jsonl"}, r"none.jsonl:1: neither text nor id .* body"),
        "a list": ({t: files / "list.jsonl"}, r"list.jsonl:1: a JSON object was expected"),
        "latin-1": ({t: files / "latin.txt"}, "cannot be read as UTF-8"),
    }


def test_every_wrong_file_is_named(files) -> None:
    for settings, message in broken(files).values():
        embedder = npy(files, **settings)
        with pytest.raises(InputError, match=message):
            embedder.encode(CONTENTS, "passage")


def test_settings_and_fingerprint(files) -> None:
    with pytest.raises(SettingError, match="belong together"):
        npy(files, query_texts=None)
    with pytest.raises(SettingError, match="where query vectors come from"):
        build(EMBEDDERS, f"npy:path={files / 'v.npy'},texts={files / 'corpus.jsonl'}")
    with pytest.raises(InputError, match=r"no file .*gone.npy"):
        npy(files, path=files / "gone.npy").fingerprint()
    before = npy(files).fingerprint()
    assert before == npy(files).fingerprint()
    np.save(files / "v.npy", np.array([[3, 4], [0, 2], [5, 0], [9, 8]], dtype=np.float64))
    assert npy(files).fingerprint() != before
