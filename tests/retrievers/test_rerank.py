from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.core.context import Advance, Context, silent
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.runs import Query
from ragbench.io.token_vectors import Packed, TokenStore, pack
from ragbench.models.embed.minilm import MiniLM
from ragbench.models.embed.npy import Npy
from ragbench.render.evaluation import evaluation_notes
from ragbench.retrievers._late import LateBlend, max_sim, standardised
from ragbench.retrievers.bm25 import BM25
from ragbench.retrievers.dense import Dense
from ragbench.retrievers.rerank import Rerank
from ragbench.workflows.run_systems import evaluate


def test_max_sim_by_hand() -> None:
    query = np.eye(3, dtype=np.float32)[:2]
    passages = [
        pack(np.array([[1, 0, 0], [0.6, 0.8, 0]], dtype=np.float32)),  # best: 1 and .8
        pack(np.array([[0, 0, 1]], dtype=np.float32)),  # best: 0 and 0
        Packed(np.empty((0, 3), np.int8), np.empty(0, np.float32)),
    ]
    found = max_sim(query, passages)
    assert found.tolist() == pytest.approx([(1 + 0.8) / 2, 0, 0], abs=0.005)


def test_rounding_to_bytes_moves_a_cosine_little() -> None:
    vectors = (
        MiniLM()
        .encode_tokens(["A long sentence about the care of cast iron pans and their seasoning."], "passage")
        .vectors
    )
    packed = pack(vectors)
    restored = packed.tokens * packed.scales[:, None]
    assert np.abs(vectors @ vectors.T - vectors @ restored.T).max() < 0.005


def test_standardised_constant_is_zero() -> None:
    assert standardised(np.full(4, 7, dtype=np.float32)).tolist() == [0, 0, 0, 0]


def test_the_blend_is_the_sum_of_three_standardised_signals(shelf: Chunks) -> None:
    blend = LateBlend.build("minilm", BM25(), shelf, Context())
    query = Query("q", "shelter from rain")
    rows = np.arange(len(shelf), dtype=np.int32)[None, :]
    found = blend.score([query], rows)[0]
    model = MiniLM()
    token = model.encode_tokens([query.text], "query")
    passages = [model.encode_tokens([text], "passage").vectors for text in shelf.contents]
    signals = [
        np.array([(token.vectors @ p.T).max(axis=1).mean() for p in passages]),
        model.encode(shelf.contents, "passage") @ model.encode([query.text], "query")[0],
        BM25().index(shelf, Context()).score([query], rows)[0],
    ]
    expected = sum((signal - signal.mean()) / signal.std() for signal in signals)
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_one_pass_over_the_texts_serves_dense_and_rerank(shelf: Chunks, tmp_path: Path) -> None:
    names = []

    def progress(what: str, total: int) -> AbstractContextManager[Advance]:
        names.append((what, total))
        return silent(what, total)

    golden = GoldenSet((GoldenItem("q", "shelter from rain", evidence=(Evidence("tent", grade=1),)),), "one")
    arms = ["dense", "rerank"]
    together = evaluate(shelf, golden, arms, context=Context(tmp_path / "one", progress=progress))
    assert [name for name in names if name[0].startswith("embedding")] == [("embedding chunks and their tokens", 8)]
    assert together.arm("dense").notes["embedded_tokens_too"] is True
    assert "embedded_tokens_too" not in together.arm("rerank").notes
    shown = "\n".join(evaluation_notes(together))
    assert "the index time includes the token vectors that rerank uses, too: dense" in shown
    names.clear()
    apart = [evaluate(shelf, golden, [arm], context=Context(tmp_path / "two", progress=progress)) for arm in arms]
    assert [name for name in names if name[0].startswith("embedding")] == [
        ("embedding chunks", 8),
        ("embedding tokens", 8),
    ]
    for name, alone in zip(arms, apart, strict=True):
        one, two = together.arm(name).run, alone.arm(name).run
        assert one is not None
        assert two is not None
        assert np.array_equal(one.items, two.items)
        assert np.array_equal(one.scores, two.scores)


def test_an_embedder_without_token_vectors_is_refused_for_reranking_and_serves_dense(
    shelf: Chunks, tmp_path: Path
) -> None:
    np.save(tmp_path / "v.npy", MiniLM().encode(shelf.contents, "passage"))
    (tmp_path / "t.txt").write_text("\n".join(shelf.contents), "utf-8")
    spec = f"npy:path={tmp_path / 'v.npy'},texts={tmp_path / 't.txt'},query_model=minilm"
    golden = GoldenSet((GoldenItem("q", "shelter from rain", evidence=(Evidence("tent", grade=1),)),), "one")
    with pytest.raises(SettingError, match="gives no token vectors"):
        evaluate(shelf, golden, {"dense": Dense(spec), "rerank": Rerank(of="bm25", embedder=spec)})
    # Asked for tokens that are not to be had, it gives what it has.
    context = Context(tmp_path / "cache", token_embedders=frozenset({Npy(**_npy(tmp_path)).fingerprint()}))
    assert evaluate(shelf, golden, {"dense": Dense(spec)}, context=context).arm("dense").status == "ok"


def _npy(folder: Path) -> dict[str, Any]:
    return {"path": folder / "v.npy", "texts": folder / "t.txt", "query_model": "minilm"}


def test_what_lies_below_the_depth_keeps_its_order(shelf: Chunks) -> None:
    inner = "dense"
    query = Query("q", "light for the night")
    plain = [item for item, _ in build_run(inner, shelf, query)]
    reranked = [item for item, _ in Rerank(of=inner, depth=3).index(shelf, Context()).search([query], 8).ranking(0)]
    assert set(reranked[:3]) == set(plain[:3])
    assert reranked[3:] == plain[3:]


def build_run(spec: str, shelf: Chunks, query: Query) -> list[tuple[str, float]]:
    from ragbench.plugins import RETRIEVERS, build

    return build(RETRIEVERS, spec).index(shelf, Context()).search([query], 8).ranking(0)


def test_a_query_without_candidates_or_words(shelf: Chunks) -> None:
    index = Rerank(of="bm25").index(shelf, Context())
    run = index.search([Query("a", "xylophone"), Query("b", "dog"), Query("c", "...")], 5)
    assert [len(run.ranking(i)) for i in range(3)] == [0, 2, 0]


def test_token_vectors_are_stored_once(tmp_path: Path) -> None:
    calls = []

    def encode(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        calls.append(len(texts))
        found = MiniLM().encode_tokens(texts, "passage")
        return found.vectors, found.offsets

    store = TokenStore(tmp_path)
    first = store.tokens(["one two", "three"], encode)  # type: ignore[arg-type]
    again = store.tokens(["three", "four five six", "one two"], encode)  # type: ignore[arg-type]
    assert calls == [2, 1]
    np.testing.assert_array_equal(first[0].tokens, again[2].tokens)
    memory = TokenStore(None).tokens(["four five six"], encode)  # type: ignore[arg-type]
    np.testing.assert_array_equal(memory[0].tokens, again[1].tokens)


def test_faults_name_the_inner_retriever_and_the_model() -> None:
    assert len(Rerank(of="bm25:b=7", depth=0, model="cross_encodr").check()) == 3
