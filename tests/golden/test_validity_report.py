"""Validity: figures of a real pool on a small corpus, checked against scipy and the harness's own pieces."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from ragbench.core.context import Context
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.drafts import Draft
from ragbench.golden.known_item import write as write_known_items
from ragbench.golden.masked import write
from ragbench.golden.validity import PerQuery, compare, measured, validity

LEXICAL = ("bm25", "bm25:b=0", "bm25:k1=3,b=1", "bm25:stem=false")


def as_golden(drafts: list[Draft], name: str) -> GoldenSet:
    return GoldenSet(
        tuple(
            GoldenItem(d.id, d.text, d.type, None, d.evidence, d.masked, (), str(d.provenance["source"]))
            for d in drafts
        ),
        name,
    )


@pytest.mark.slow
@pytest.mark.shared_data
def test_masked_sentences_rank_as_people_do_and_copied_words_do_not(shared_data: Path) -> None:
    from benchmarks.public_collections import cranfield

    corpus, human = cranfield(shared_data / "classic" / "cran")
    chunks, _ = chunk(corpus, choose_chunker("whole", passages=True).chunker)
    pool = (*LEXICAL, "bm25:k1=0.4,b=0.2", "bm25:stem=false,stop=false", "bm25:k1=1.5,b=0.75", "bm25:stop=false")
    paraphrases = write(corpus, chunks, wordings={"paraphrase": 1.0}).drafts
    masked = validity(corpus, as_golden(paraphrases, "masked"), human, pool)
    copied = validity(corpus, as_golden(write_known_items(chunks, noise=0.0), "copied"), human, pool)
    assert masked.tau.tau > 0.5
    assert copied.tau.tau < masked.tau.tau - 0.2
    assert masked.tau.tau == pytest.approx(kendalltau(masked.synthetic, masked.human).statistic)
    assert masked.tau.low <= masked.tau.high
    # Queries without their own sentence are hard; with words of the target they are trivial.
    assert np.mean(masked.synthetic) < 0.5 < 0.8 < np.mean(copied.synthetic)
    assert masked == validity(corpus, as_golden(paraphrases, "masked"), human, pool)


def test_comparison_by_hand() -> None:
    # Two queries a set, three settings; means .5 .4 .1 against .3 .5 .1: one of three pairs is turned round.
    ours = PerQuery(np.array([[0.6, 0.5, 0.1], [0.4, 0.3, 0.1]]), np.arange(2), np.full(2, ""))
    theirs = PerQuery(np.array([[0.3, 0.5, 0.1], [0.3, 0.5, 0.1]]), np.arange(2), np.full(2, ""))
    found = compare(ours, theirs, ("a", "b", "c"), "ndcg@10", 0)
    assert found.tau.tau == pytest.approx(1 / 3)
    assert (found.best_synthetic, found.best_human) == ("a", "b")
    assert found.shortfall.tau == pytest.approx(0.2)
    assert not found.best_is_right, "both human queries say that b is better by .2"
    assert found.ceiling.tau == pytest.approx(1.0)


def test_queries_of_a_model_have_their_wordings_in_one_copy() -> None:
    texts = ("A brass lamp.", "A steel kettle.", "A wooden boat.")
    corpus = Corpus(tuple(Document(str(row), text) for row, text in enumerate(texts)))
    names = ("sentence", "short-copy", "short-mixed")
    items = [
        GoldenItem(f"q{row}", text, "question", evidence=(Evidence(str(row)),), metadata={"wording": name})
        for row, (text, name) in enumerate(zip(("lamp", "kettle", "boat"), names, strict=True))
    ]
    cutter = choose_chunker("whole", passages=True).chunker
    found = measured(corpus, GoldenSet(tuple(items)), LEXICAL, "ndcg@10", cutter, Context())
    assert found.wordings.tolist() == list(names)
    assert found.values.tolist() == [[1.0] * 4] * 3


def test_wrong_input() -> None:
    corpus = Corpus((Document("a", "A brass lamp."), Document("b", "A steel kettle.")))
    golden = GoldenSet((GoldenItem("1", "lamp", evidence=(Evidence("a"),)),), "mine")
    two = GoldenSet((*golden, GoldenItem("2", "kettle", evidence=(Evidence("b"),))), "two")
    with pytest.raises(SettingError, match="at least three"):
        validity(corpus, two, two, ("bm25", "bm25:b=0"))
    with pytest.raises(SettingError, match="b is 7"):
        validity(corpus, two, two, ("bm25", "bm25:b=0", "bm25:b=7"))
    with pytest.raises(InputError, match="'mine': 1 queries"):
        validity(corpus, golden, golden, LEXICAL)


def test_settings_that_a_set_does_not_tell_apart_have_no_ranking() -> None:
    some, none = np.array([[0.6, 0.5, 0.1], [0.4, 0.3, 0.1]]), np.ones((2, 3))
    sets = [PerQuery(values, np.arange(2), np.full(2, "")) for values in (some, none)]
    for ours, theirs, told in ((1, 0, "this set: all 3 settings"), (0, 1, "the human queries: all 3")):
        with pytest.raises(InputError, match=told):
            compare(sets[ours], sets[theirs], ("a", "b", "c"), "mrr@10", 0)
