from collections.abc import Sequence
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import ragbench as rb
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.runs import Query
from ragbench.io.vectors import VectorStore
from ragbench.models.embed.minilm import MiniLM
from ragbench.retrievers._neighbours import approximate, exact, no_gpu
from ragbench.retrievers.dense import Dense

ENCODINGS: tuple[Literal["flat", "sq8"], ...] = ("flat", "sq8")


def unit_vectors(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_minilm_is_the_published_model() -> None:
    """Cosines of the PyTorch model on these pairs (sentence-transformers 5, all-MiniLM-L6-v2), to the int8 rounding."""
    texts = ["This is an example sentence", "Each sentence is converted", "A man is eating food."]
    vectors = MiniLM().encode(texts, "passage")
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    # The model card's first vector begins .0676, .0635, .0487, .0793.
    np.testing.assert_allclose(vectors[0, :4], [0.0676, 0.0635, 0.0487, 0.0793], atol=0.006)


def test_a_vector_depends_on_its_own_text_alone() -> None:
    model = MiniLM()
    texts = [f"sentence number {i} " * (i % 7 + 1) for i in range(40)]
    together = model.encode(texts, "passage")
    np.testing.assert_array_equal(together[17], model.encode([texts[17]], "query")[0])


def test_token_vectors_leave_out_the_special_tokens() -> None:
    model = MiniLM()
    found = model.encode_tokens(["hello world", ""], "passage")
    assert found.offsets.tolist() == [0, 2, 2]
    np.testing.assert_array_equal(found.sentences, model.encode(["hello world", ""], "passage"))
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-5)


def test_flat_search_is_brute_force() -> None:
    vectors, queries = unit_vectors(500), unit_vectors(20, seed=1)
    scores, rows = exact(vectors, "cpu").search(queries, 10)
    products = queries @ vectors.T
    np.testing.assert_array_equal(rows, np.argsort(-products, axis=1)[:, :10])
    np.testing.assert_allclose(scores, np.sort(products, axis=1)[:, ::-1][:, :10], rtol=1e-5)


@pytest.mark.parametrize(
    ("factory", "settings"), [("HNSW16,Flat", {"efConstruction": 80, "efSearch": 64}), ("IVF8,Flat", {"nprobe": 8})]
)
def test_approximate_search_finds_nearly_all(factory: str, settings: dict[str, int]) -> None:
    vectors, queries = unit_vectors(2000), unit_vectors(50, seed=1)
    true = exact(vectors, "cpu").search(queries, 10)[1]
    found = approximate(vectors, factory, settings, seed=3).search(queries, 10)[1]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, true, strict=True)])
    assert recall > 0.9


def test_meaning_is_found_and_vectors_are_kept(shelf: Chunks, tmp_path: Path) -> None:
    context = Context(cache=tmp_path)
    index = Dense().index(shelf, context)
    best = [index.search([Query("q", text)], 1).ranking(0)[0][0] for text in ("boil water", "jogging in the dark")]
    assert best == ["kettle", "headlamp"]
    assert index.notes["embedded"] == len(shelf)
    again = Dense(index_type="hnsw").index(shelf, context)
    assert again.notes["embedded"] == 0


def test_a_growing_corpus_embeds_only_what_is_new(shelf: Chunks, tmp_path: Path) -> None:
    context = Context(cache=tmp_path)
    Dense().index(shelf, context)
    more = Chunks.of([*shelf, Chunk("mug", "mug", "A mug for coffee.", 0, 17)])
    assert Dense().index(more, context).notes["embedded"] == 1


@pytest.mark.parametrize("index_type", ["ivf", "hnsw"])
def test_8_bits_a_number_need_a_quarter_of_the_bytes(index_type: Literal["ivf", "hnsw"], shelf: Chunks) -> None:
    indexes = [Dense(index_type=index_type, encoding=encoding).index(shelf, Context()) for encoding in ENCODINGS]
    runs = [index.search([Query("q", "boil water")], 3) for index in indexes]
    assert runs[0].ranking(0)[0][0] == runs[1].ranking(0)[0][0] == "kettle"
    np.testing.assert_allclose(runs[1].scores, runs[0].scores, atol=0.02)
    flat, small = (index.approximation for index in indexes)
    assert flat is not None
    assert small is not None
    # SQ8 keeps two floats for each dimension besides.
    saved = flat.vectors.nbytes * 3 // 4 - 2 * 4 * flat.vectors.shape[1]
    assert flat.neighbours.nbytes - small.neighbours.nbytes == pytest.approx(saved, abs=200)


def test_flat_search_has_no_encoding() -> None:
    assert len(Dense(encoding="sq8").check()) == 1
    assert Dense(encoding="sq8", index_type="ivf").check() == []
    assert Dense(encoding="sq8", index_type="ivf").key() != Dense(index_type="ivf").key()


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said(shelf: Chunks) -> None:
    if any(distributions(name="faiss-gpu")):
        with pytest.raises(InputError, match=rf"faiss-gpu {version('faiss-gpu')}"):
            Dense(device="gpu").index(shelf, Context())
    else:
        with pytest.raises(MissingExtra, match=r"make gpu.*ragbench\[gpu\]") as caught:
            Dense(device="gpu").index(shelf, Context())
        assert f"faiss-gpu=={version('faiss-cpu')}" in str(caught.value)
    assert len(Dense(device="gpu", index_type="ivf").check()) == 1


def test_faiss_for_gpus_without_a_gpu_points_to_the_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "faiss_gpu-1.15.1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: faiss-gpu\nVersion: 1.15.1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    error = no_gpu()
    assert isinstance(error, InputError)
    assert "faiss-gpu 1.15.1" in str(error)


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a GPU")
def test_a_stored_run_of_the_cpu_does_not_stand_in_for_a_gpu(shelf: Chunks, tmp_path: Path) -> None:
    item = rb.GoldenItem("q", "something to drink from", evidence=(rb.Evidence(shelf.document_ids[0]),))
    golden = rb.GoldenSet((item,), "shelf")
    for _ in range(2):
        found = rb.evaluate(shelf, golden, ["dense", "dense:device=gpu"], cache=tmp_path, resamples=200)
        assert [arm.status for arm in found.arms] == ["ok", "error"]
    assert found.arms[0].from_store


def test_the_store_survives_a_half_written_shard(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)

    def encode(texts: list[str]) -> np.ndarray:
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    store.vectors(["a", "bb"], encode)  # type: ignore[arg-type]
    (tmp_path / "0000.npy").write_bytes(b"half")  # a crash before the keys were written
    (tmp_path / ".left.npy.x.part").write_bytes(b"")
    vectors, new = store.vectors(["bb", "ccc", "a"], encode)  # type: ignore[arg-type]
    assert vectors[:, 0].tolist() == [2, 3, 1]
    assert new == 1


def test_one_stretch_of_a_shard_is_memory_mapped(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    texts = [f"text {i}" for i in range(50)]
    vectors = unit_vectors(50)
    store.vectors(texts, lambda batch: vectors[: len(batch)])
    found, new = store.vectors(texts[5:20], lambda batch: vectors[: len(batch)])
    assert new == 0
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, vectors[5:20])


def test_audits_embed_queries_once_and_evaluations_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    encode = MiniLM.encode

    def counted(self: MiniLM, texts: Sequence[str], *rest: object) -> np.ndarray:
        asked.extend(text for text in texts if text.endswith("?"))
        return encode(self, texts, *rest)

    monkeypatch.setattr(MiniLM, "encode", counted)
    chunks = Chunks.of([Chunk("a", "a", "cat", 0, 3), Chunk("b", "b", "hound", 0, 5)])
    queries = [Query("1", "kitten?"), Query("2", "dog?"), Query("3", "dog?")]
    measured = [Dense(device="cpu").index(chunks, Context(cache=tmp_path)).search(queries, 2) for _ in range(2)]
    assert asked == ["kitten?", "dog?", "dog?"] * 2
    asked.clear()
    audited = Context(cache=tmp_path, stored_queries=True)
    stored = [Dense(device="cpu").index(chunks, audited).search(queries, 2) for _ in range(2)]
    assert asked == ["kitten?", "dog?"]
    for run in (*measured, *stored):
        assert run.scores.tobytes() == measured[0].scores.tobytes()
        assert run.items.tolist() == measured[0].items.tolist()
