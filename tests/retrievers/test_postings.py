"""BM25 over parts gives the scores of one index of the whole."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query
from ragbench.retrievers._postings import Postings, Statistics
from ragbench.retrievers.bm25 import BM25, words_of

WORDS = [f"w{c}{d}" for c in "abcdefgh" for d in "xyz"]


@pytest.mark.parametrize("method", ["lucene", "robertson", "atire", "bm25l", "bm25+"])
@pytest.mark.parametrize("seed", range(4))
def test_scores_of_parts_are_those_of_one_index(method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(50)] + ["only here"]
    settings = replace(BM25(), method=method, language="none")  # type: ignore[arg-type]
    chunks = Chunks.of(Chunk(f"d{i}", f"d{i}", text, 0, len(text)) for i, text in enumerate(texts))
    queries = [Query("q", " ".join(rng.choice(WORDS, 5))), Query("p", "here waX wax wax"), Query("r", "absent")]
    rows = np.tile(np.arange(len(texts), dtype=np.int32), (len(queries), 1))
    expected = settings.index(chunks, Context()).score(queries, rows)
    for parts in (1, 3, len(texts), len(texts) + 4):
        bounds = np.sort(np.append(rng.integers(0, len(texts) + 1, parts - 1), [0, len(texts)]))
        if parts == len(texts):
            bounds = np.arange(len(texts) + 1)
        shards = [Postings(settings, texts[low:high]) for low, high in pairwise(bounds.tolist())]
        for position, words in enumerate(words_of(settings, [query.text for query in queries])):
            whole = Statistics.total([shard.statistics(words) for shard in shards])
            found = np.concatenate([shard.scores(settings, words, whole) for shard in shards])
            np.testing.assert_array_equal(found, expected[position])
