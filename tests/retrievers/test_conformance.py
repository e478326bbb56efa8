"""Every built-in retriever that needs nothing from outside passes the conformance test, and broken ones do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.base import Index, Ranking, Retriever, padded
from ragbench.testing import check_retriever, small_corpus


@pytest.mark.parametrize(
    "spec",
    [
        "bm25",
        "bm25:k1=1.2,b=0.75",
        "dense",
        "dense:index_type=hnsw",
        "hybrid",
        "hybrid:fusion=minmax,weights=[1, 2]",
        "hybrid:fusion=zscore",
        "rerank",
    ],
)
def test_built_in_retrievers_conform(spec) -> None:
    check_retriever(build(RETRIEVERS, spec))


@dataclass(frozen=True)
class Shared(Retriever):
    """Counts shared words; ``fault`` says what it does wrong."""

    fault: str = ""
    calls: list[int] = field(default_factory=list, repr=False, compare=False)
    cacheable: ClassVar[bool] = True

    def check(self) -> list[str]:
        return ["depth is 0"] if self.fault == "check" else []

    def key(self) -> str:
        self.calls.append(1)
        return f"{self.fault}{len(self.calls) if self.fault == 'key' else ''}"

    def index(self, chunks: Chunks, context: Context) -> Index:
        return None if self.fault == "no index" else SharedIndex(self, chunks)  # type: ignore[return-value]


class SharedIndex(Index):
    def __init__(self, settings: Shared, chunks: Chunks) -> None:
        super().__init__(chunks.ids)
        self.fault, self.texts = settings.fault, [set(text.lower().split()) for text in chunks.texts]
        settings.calls.append(1)
        self.count = len(settings.calls)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        if self.fault == "raises" and any("zxqv" in query.text for query in queries):
            raise KeyError("zxqv")
        if self.fault == "few":
            k = k if k <= 5 else 4
        rows = []
        for position, query in enumerate(queries):
            words = set(query.text.lower().split())
            scored = [(len(words & text) + row / 1000, row) for row, text in enumerate(self.texts)]
            if self.fault == "position":
                scored = [(score + position * row, row) for score, row in scored]
            if self.fault == "random":
                self.count += 1
                scored = [(score + np.random.default_rng(self.count).random(), row) for score, row in scored]
            if self.fault == "constant":
                scored = [(1.0, row) for _, row in scored]
            rows.append([(row, score) for score, row in sorted(scored, reverse=True)[:k]])
        ranking = padded(rows, {0: "down"} if self.fault == "failure" else None)
        if self.fault == "shape":
            return ranking._replace(scores=ranking.scores[:, :1])
        if self.fault == "dtype":
            return ranking._replace(items=ranking.items.astype(np.float32))
        if self.fault == "range":
            ranking.items[0, 0] = 999
        if self.fault == "nan":
            ranking.scores[0, 0] = np.nan
        return ranking


def test_a_sound_one_passes() -> None:
    check_retriever(Shared())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("check", "depth is 0"),
        ("key", r"key\(\) changes"),
        ("no index", "not an Index"),
        ("raises", "raises KeyError"),
        ("few", "when others are excluded"),
        ("position", "alone gives"),
        ("random", "cacheable: ClassVar"),
        ("constant", "same score"),
        ("failure", "failed: down"),
        ("shape", "both must be"),
        ("dtype", "must be int32 and float32"),
        ("range", "999"),
        ("nan", "NaN"),
    ],
)
def test_each_fault_is_named(fault, message) -> None:
    with pytest.raises(AssertionError, match=message):
        check_retriever(Shared(fault))


def test_a_class_that_is_no_frozen_dataclass_is_named() -> None:
    class Plain(Retriever):
        def index(self, chunks: Chunks, context: Context) -> Index:
            return SharedIndex(Shared(), chunks)

    with pytest.raises(AssertionError, match="frozen dataclass"):
        check_retriever(Plain())


def test_the_small_corpus_is_what_it_says() -> None:
    corpus = small_corpus()
    assert (len(corpus), len(corpus.document_ids)) == (12, 9)
