"""Search over the parts of a corpus gives the rankings of one index of the whole, however it is cut."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import ArmError
from ragbench.core.filters import Filter
from ragbench.core.runs import Query, Run
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._shard import Shard
from ragbench.retrievers.base import Retriever

WORDS = [f"w{c}{d}" for c in "abcdefgh" for d in "xyz"]


class InProcess:
    """Parts in this process."""

    def __init__(self, bounds: Sequence[int], ids: Sequence[str], contents: Sequence[str], cache: Path | None) -> None:
        self.bounds = bounds
        self._parts = [
            Shard(pa.table({"id": list(ids[low:high]), "content": list(contents[low:high])}), cache)
            for low, high in pairwise(bounds)
        ]

    def each(self, method: str, *given: object, own: Sequence[object] | None = None) -> list[Any]:
        more = [()] * len(self._parts) if own is None else [(one,) for one in own]
        return [getattr(part, method)(*given, *one) for part, one in zip(self._parts, more, strict=True)]


class Cut:
    """Gives chunks to parts in this process that begin at the given shares of them."""

    name = "parts in this process"

    def __init__(self, shares: Sequence[float], cache: Path | None = None) -> None:
        self._shares, self._cache = shares, cache

    def __call__(self, ids: Sequence[str], contents: Sequence[str]) -> InProcess:
        bounds = sorted({0, len(ids), *(int(share * len(ids)) for share in self._shares)})
        return InProcess(bounds, ids, contents, self._cache)


def corpus(seed: int, n: int = 60) -> Chunks:
    """Some texts are there several times, so that their scores are equal; one word is in one text alone."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 12))) for _ in range(n - 1)]
    texts = [*(texts[int(i)] for i in rng.integers(0, len(texts), n - 1)), "only here"]
    order = rng.permutation(n)
    chunks = Chunks.of(Chunk(f"c{order[i]}", f"d{i // 2}", text, 0, len(text)) for i, text in enumerate(texts))
    return replace(chunks, metadata=[{"price": i} for i in range(len(chunks.document_ids))])


def queries(seed: int, filtered: bool = False) -> list[Query]:
    rng = np.random.default_rng(seed)
    texts = [*(" ".join(rng.choice(WORDS, 4)) for _ in range(6)), "here wax wax", "absent", "wax"]
    filters = [Filter.parse("price<12") if filtered and i % 3 else None for i in range(len(texts))]
    return [Query(f"q{i}", text, frozenset([f"c{i}"]), filter=filters[i]) for i, text in enumerate(texts)]


def assert_same(run: Run, expected: Run) -> None:
    assert run.query_ids == expected.query_ids
    assert run.offsets.tolist() == expected.offsets.tolist()
    names, others = ([one.item_ids[item] for item in one.items] for one in (run, expected))
    assert names == others
    np.testing.assert_array_equal(run.scores, expected.scores)


SHARES = [[0.5], [0.1, 0.2, 0.9], [i / 60 for i in range(60)]]


@pytest.mark.parametrize("spec", ["bm25", "bm25:method=bm25l", "bm25:method=bm25+,stop=false", "bm25:method=atire"])
@pytest.mark.parametrize("seed", range(2))
def test_bm25(spec: str, seed: int) -> None:
    retriever, chunks = build(RETRIEVERS, spec), corpus(seed)
    for k in (1, 5, 100):
        for asked in (queries(seed), queries(seed, filtered=True)):
            expected = retriever.index(chunks, Context()).search(asked, k)
            for shares in SHARES:
                run = retriever.index(chunks, Context(spread=Cut(shares))).search(asked, k)
                assert_same(run, expected)


@pytest.mark.parametrize("spec", ["dense", "hybrid", "rerank:depth=7", "filtered:filter=price<20,of=hybrid",
                                  "rerank:of=bm25"])  # fmt: skip
def test_vectors(spec: str, tmp_path: Path) -> None:
    retriever: Retriever = build(RETRIEVERS, spec)
    chunks, context = corpus(0), Context(tmp_path / "one")
    asked = queries(0) if spec.startswith("filtered") else queries(0, filtered=True)
    expected = {k: retriever.index(chunks, context).search(asked, k) for k in (3, 100)}
    for shares in SHARES[:2]:
        cache = tmp_path / "one" if len(shares) > 1 else None
        index = retriever.index(chunks, replace(context, cache=cache, spread=Cut(shares, cache)))
        for k, whole in expected.items():
            assert_same(index.search(asked, k), whole)


def test_what_parts_cannot_do_is_an_error() -> None:
    spread = Context(spread=Cut([0.5]))
    with pytest.raises(ArmError, match="index_type=hnsw"):
        build(RETRIEVERS, "dense:index_type=hnsw").index(corpus(0), spread)
    blank = Chunks.of([Chunk("a", "a", "?!", 0, 2), Chunk("b", "b", "...", 0, 3)])
    with pytest.raises(ArmError, match="no chunk has a word"):
        build(RETRIEVERS, "bm25").index(blank, spread)


def test_embedded_chunks_are_counted_once(tmp_path: Path) -> None:
    chunks, context = corpus(1), Context(tmp_path, spread=Cut([0.3], tmp_path))
    done = []
    dense = build(RETRIEVERS, "dense")

    def progress(what: str, total: int) -> Any:
        from contextlib import nullcontext

        assert total == len(chunks)
        return nullcontext(done.append)

    assert 0 < int(str(dense.index(chunks, replace(context, progress=progress)).notes["embedded"])) <= len(chunks)
    assert sum(done) == len(chunks)
    assert dense.index(chunks, context).notes["embedded"] == 0
