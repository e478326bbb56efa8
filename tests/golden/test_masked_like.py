"""Masked clauses: that they are like the seeds, and that seeds which do not copy change nothing."""

import itertools
import re
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest
import Stemmer

from benchmarks import public_collections
from ragbench.core.documents import Chunks, Corpus, Document
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.masked import OVERLAPS, Clauses, shape_of, write
from ragbench.golden.masked_pool import CLAUSE_WRITER, WRITER, Pool, as_query

VOCABULARY = ["".join(parts) for parts in itertools.product(("ba", "ke", "lo", "mu", "ri", "to", "va"), repeat=4)]
SMALL = {"the", "of", "is", "in", "and"}
SENTENCES, OWN = 9, 25


def prose(documents: int = 60, seed: int = 1) -> Corpus:
    """Documents about 25 words of their own, each sentence of which has eight of them and four of anybody's."""
    rng = np.random.default_rng(seed)
    made = []
    for row in range(documents):
        own, sentences = rng.choice(VOCABULARY, OWN, replace=False), []
        for _ in range(SENTENCES):
            a = [*rng.choice(own, 8, replace=False), *rng.choice(VOCABULARY, 4, replace=False)]
            rng.shuffle(a)
            sentences.append(f"The {' '.join(a[:4])} of the {' '.join(a[4:8])} is in the {' '.join(a[8:])}.")
        made.append(Document(f"d{row}", " ".join(sentences), title=str(rng.choice(own))))
    return Corpus(tuple(made))


def pieces(of: Corpus) -> Chunks:
    return chunk(of, choose_chunker("whole", passages=True).chunker)[0]


def words_of(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if word not in SMALL]


def copying(corpus: Corpus, words: int = 6) -> list[str]:
    """What people ask who look at a sentence: six of its words in a row."""
    return [
        "is the " + " ".join(words_of(document.text.split(".")[row % SENTENCES])[2 : 2 + words])
        for row, document in enumerate(corpus.documents[:30])
    ]


def own_words(seed: int = 5) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["is the " + " ".join(rng.choice(VOCABULARY, 6, replace=False)) for _ in range(30)]


def frequencies(corpus: Corpus) -> Counter[str]:
    stemmer = Stemmer.Stemmer("english")
    sets = [set(stemmer.stemWords(words_of(f"{one.title} {one.text}"))) for one in corpus]
    return Counter(itertools.chain.from_iterable(sets))


def overlap_by_hand(
    frequency: Counter[str], documents: int, sentence: str, document: Document, run: list[str]
) -> float:
    """Mean over words and stems of the share that other sentences or the title have, weighed by rarity."""
    stemmer = Stemmer.Stemmer("english")
    rest = set(words_of(f"{document.title} {document.text.replace(sentence, ' ', 1)}"))
    stems = set(stemmer.stemWords(sorted(rest)))
    weights = [log(1 + documents / (1 + frequency[stemmer.stemWord(word)])) for word in run]
    exact = sum(w for w, word in zip(weights, run, strict=True) if word in rest)
    stemmed = sum(w for w, word in zip(weights, run, strict=True) if stemmer.stemWord(word) in stems)
    return (exact + stemmed) / 2 / sum(weights)


def test_the_run_nearest_to_the_wanted_overlap_is_taken() -> None:
    corpus = prose(12)
    pool = Pool.of(corpus, pieces(corpus), 0, "english")
    clauses, known = Clauses.of(pool, "english"), (frequencies(corpus), len(corpus))
    windows = clauses.windows(np.full(len(corpus), 5))
    for wanted in (0.3, 0.8):
        picks = clauses.pick(windows, wanted)
        assert sorted(picks) == list(range(12))
        for row, pick in picks.items():
            document = corpus.documents[row]
            distances = []
            for sentence in re.findall(r"The [^.]*\.", document.text):
                words = words_of(sentence)
                for at in range(len(words) - 4):
                    by_hand = overlap_by_hand(*known, sentence, document, words[at : at + 5])
                    distances.append(abs(by_hand - wanted))
            sentence = pool.sentences[pick.row].text
            run = words_of(document.text[pick.start : pick.end])
            assert len(run) == 5
            taken = abs(overlap_by_hand(*known, sentence, document, run) - wanted)
            assert taken == pytest.approx(min(distances), abs=1e-8)


def test_seeds_that_copy_give_clauses_of_their_lengths_and_overlap() -> None:
    corpus = prose()
    seeds = copying(corpus)
    drafts = write(corpus, pieces(corpus), like=seeds)
    assert len(drafts) == len(corpus)
    sentences = [re.findall(r"The [^.]*\.", document.text) for document in corpus]
    reached, known = [], (frequencies(corpus), len(corpus))
    for draft, document, own in zip(drafts, corpus, sentences, strict=True):
        [span] = draft.masked
        text = document.text[span.start : span.end]
        assert as_query(text) == draft.text
        assert len(words_of(draft.text)) == 6
        [sentence] = [one for one in own if text in one]
        reached.append(overlap_by_hand(*known, sentence, document, words_of(text)))
        assert draft.provenance["writer"] == CLAUSE_WRITER
        assert draft.provenance["overlap"] in OVERLAPS
    assert np.mean(reached) == pytest.approx(drafts[0].provenance["overlap"], abs=0.05)
    assert drafts == write(corpus, pieces(corpus), like=seeds)
    assert drafts != write(corpus, pieces(corpus), like=seeds, seed=1)


@pytest.mark.parametrize(
    "seeds",
    [own_words(), copying(prose())[:9], ["is the"] * 40],
    ids=["own words", "nine are too few", "no content words"],
)
def test_seeds_that_tell_nothing_change_nothing(seeds: list[str]) -> None:
    corpus = prose()
    plain = write(corpus, pieces(corpus))
    assert write(corpus, pieces(corpus), like=seeds) == plain
    assert {draft.provenance["writer"] for draft in plain} == {WRITER}


def test_several_clauses_of_a_document_come_from_different_sentences() -> None:
    corpus = prose()
    drafts = write(corpus, pieces(corpus), per_document=5, like=copying(corpus))
    assert len(drafts) == 3 * len(corpus), "a third of nine sentences each"
    assert len({draft.id for draft in drafts}) == len(drafts)
    for document in corpus:
        starts = [d.masked[0].start for d in drafts if d.provenance["source"] == document.id]
        sentences = {document.text.count(".", 0, start) for start in starts}
        assert len(sentences) == 3
    assert len(write(corpus, pieces(corpus), count=17, like=copying(corpus))) == 17


def test_lead_of_the_seeds_by_hand() -> None:
    """Ten times the same seed: two rare words in one document, one of them in a second."""
    texts = (
        "The brass lamp is in the cellar of the castle. The cellar of the castle is below the tower.",
        "The brass kettle is in the kitchen of the castle. The kitchen of the castle is near the tower.",
        "The wooden boat is in the harbour of the island. The harbour of the island is near the lighthouse.",
    )
    corpus = Corpus(tuple(Document(str(row), text) for row, text in enumerate(texts)))
    clauses = Clauses.of(Pool.of(corpus, pieces(corpus), 0, "english"), "english")
    shape = shape_of(clauses, ["brass lamp unicorn"] * 10, 0, "english")
    assert shape is not None
    # In two, one and none of three documents: 1 + 3/3, 1 + 3/2, and 1 + 3 for a word that none has.
    brass, lamp, unicorn = log(2), log(2.5), log(4)
    assert shape.lead == pytest.approx(lamp / (brass + lamp + unicorn))
    assert shape.error == pytest.approx(0, abs=1e-12)
    assert shape.lengths == (3,) * 10


@pytest.mark.shared_data
def test_questions_on_paragraphs_copy_and_topics_do_not(shared_data: Path) -> None:
    for corpus, people, copies in (
        (*public_collections.squad2(shared_data / "squad2"), True),
        (*public_collections.cranfield(shared_data / "classic" / "cran"), False),
    ):
        labelled = [item.text for item in people if any(e.grade > 0 for e in item.evidence)]
        seeds = labelled[:: len(labelled) // 30][:30]
        drafts = write(corpus, pieces(corpus), count=40, like=seeds)
        assert {draft.provenance["writer"] for draft in drafts} == {CLAUSE_WRITER if copies else WRITER}
