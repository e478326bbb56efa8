import math
from collections import Counter

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.bm25 import BM25

DOCUMENTS = ["red red apple", "green apple pie", "blue sky", "apple apple apple tart pie"]


def chunks_of(texts: list[str]) -> Chunks:
    return Chunks.of(Chunk(f"d{i}", f"d{i}", text, 0, len(text)) for i, text in enumerate(texts))


def lucene_by_hand(query: str, k1: float, b: float) -> dict[str, float]:
    """The published formula (Kamphuis et al. 2020, Lucene accurate): idf * tf / (tf + k1 * (1 - b + b * L / avg))."""
    words = [document.split() for document in DOCUMENTS]
    average = sum(map(len, words)) / len(words)
    scores: Counter[str] = Counter()
    for term in query.split():
        df = sum(term in document for document in words)
        idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
        for i, document in enumerate(words):
            tf = document.count(term)
            if tf:
                scores[f"d{i}"] += idf * tf / (tf + k1 * (1 - b + b * len(document) / average))
    return dict(scores)


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (1.5, 0.75), (1.2, 0.0)])
def test_scores_are_lucenes_formula(k1: float, b: float) -> None:
    retriever = BM25(k1=k1, b=b, stem=False, stop=False)
    run = retriever.index(chunks_of(DOCUMENTS), Context()).search([Query("q", "apple pie")], 10)
    assert run.to_dict()["q"] == pytest.approx(lucene_by_hand("apple pie", k1, b), rel=1e-6)


def test_only_chunks_that_share_a_word_are_returned(shelf: Chunks) -> None:
    index = BM25().index(shelf, Context())
    run = index.search([Query("a", "tents"), Query("b", "xylophone"), Query("c", "the of and"), Query("d", "?")], 5)
    assert set(run.to_dict()["a"]) == {"tent", "tarp"}
    assert [run.to_dict()[q] for q in "bcd"] == [{}, {}, {}]
    assert not run.failures


def test_excluded_chunks_are_dropped_before_the_cut(shelf: Chunks) -> None:
    index = BM25().index(shelf, Context())
    every = [item for item, _ in index.search([Query("q", "dog light steel")], 10).ranking(0)]
    run = index.search([Query("q", "dog light steel", frozenset({every[0], every[1]}))], 3)
    assert [item for item, _ in run.ranking(0)] == every[2:5]


def test_scores_of_given_chunks_are_those_of_the_ranking(shelf: Chunks) -> None:
    index = BM25().index(shelf, Context())
    queries = [Query("q", "steel kettle"), Query("p", "nothing here matches zebra"), Query("r", "dog rain")]
    found = index.score(queries, np.array([[0, 1, 2, -1]] * 3, dtype=np.int32))
    run = index.search(queries, 10).to_dict()
    for position, query in enumerate(queries):
        expected = [run[query.id].get(shelf.ids[row], 0.0) for row in (0, 1, 2)]
        assert found[position].tolist() == pytest.approx([*expected, 0.0])


def test_language_decides_stemmer_and_stop_words() -> None:
    german = chunks_of(["die Häuser und die Gärten", "der Garten", "das Boot"])
    run = BM25(language="german").index(german, Context()).search([Query("q", "die Haus")], 5)
    assert set(run.to_dict()["q"]) == {"d0"}


def test_wrong_settings_are_all_named() -> None:
    faults = BM25(k1=-1, b=2, language="klingon").check()
    assert len(faults) == 3
    with pytest.raises(SettingError, match="did you mean 'bm25'"):
        build(RETRIEVERS, "bm52")
    with pytest.raises(SettingError, match="no setting 'k2'"):
        build(RETRIEVERS, "bm25:k2=3")
    with pytest.raises(SettingError, match="k1 is 'high'; it must be a number"):
        build(RETRIEVERS, "bm25:k1=high")


def test_a_corpus_without_words_is_refused() -> None:
    blank = Chunks.of([Chunk("a", "a", "the of", 0, 6), Chunk("b", "b", "- ?", 0, 3)])
    with pytest.raises(ArmError, match="no chunk has a word"):
        BM25().index(blank, Context())
