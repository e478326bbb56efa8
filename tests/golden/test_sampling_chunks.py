"""Sampling: what is left out and why, and that the sample covers topics, lengths and documents."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.sampling import apportion, near_duplicates, sample

FOOTER = "All rights reserved by the shop and its owners. Call us on any working day."


def chunks_of(*texts: str) -> Chunks:
    return Chunks.of(Chunk(f"c{i}", f"d{i}", text, 0, len(text)) for i, text in enumerate(texts))


def story(*words: str) -> str:
    return " ".join(f"The {word} of the house was painted by the owner last summer." for word in words)


def test_boilerplate_is_left_out_and_counted() -> None:
    menu = "Home\nShop\nLamps\nKettles\nAbout us\nContact\nImprint"
    numbers = "12 13 14 15 16 17 18 19 20 | 3.5 4.5 9.1 2.2 8.8"
    found = sample(chunks_of(story("door", "roof"), FOOTER, FOOTER, FOOTER, menu, numbers, "Read more"))
    assert list(found.chunks.ids) == ["c0"]
    assert found.ledger.counts() == {"boilerplate": 6}
    assert "3 documents" in found.ledger.entries[0].reason


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(InputError, match="all 2 chunks are boilerplate"):
        sample(chunks_of("Home", "Imprint"))
    with pytest.raises(SettingError, match="count is 0"):
        sample(chunks_of(story("door")), count=0)


def test_near_duplicates_are_those_that_jaccard_names() -> None:
    rng = np.random.default_rng(5)
    words = [f"w{i}" for i in range(400)]
    texts = [" ".join(rng.choice(words, size=80)) for _ in range(40)]
    for at in range(10):  # copies with a growing number of changed words
        changed = texts[at].split()
        for place in range(at):
            changed[place * 8] = "other"
        texts.append(" ".join(changed))
    chunks = chunks_of(*texts)

    def shingles(text: str) -> set[str]:
        parts = text.split()
        return {" ".join(parts[i : i + 4]) for i in range(len(parts) - 3)}

    sets = [shingles(text) for text in texts]
    expected = {
        late: early for late in range(40, 50) for early in range(40)
        if len(sets[late] & sets[early]) / len(sets[late] | sets[early]) >= 0.8
    }  # fmt: skip
    assert 2 <= len(expected) < 10
    assert near_duplicates(chunks, range(50)) == expected


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.data())
def test_places_are_shared_out(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(sizes)))
    shares = apportion(np.array(sizes), count)
    assert shares.sum() == count
    assert (shares <= sizes).all()
    if count >= len(sizes):
        assert (shares >= 1).all()


def test_a_sample_covers_topics_and_documents(tmp_path: Path) -> None:
    topics = {
        "ship": "The {} of the ship was mended in the harbour after the storm at sea.",
        "bread": "The {} of the bakery gives dough for bread rolls and cakes every morning.",
        "tax": "The {} of the office checks the income tax forms of citizens and companies.",
    }
    names = ["first", "second", "third", "fourth", "fifth", "sixth", "old", "new", "small", "large", "green", "grey"]
    documents = []
    for topic, line in topics.items():
        for a in names:
            documents.append(Document(f"{topic}-{a}", " ".join(line.format(f"{a} {b}") for b in names[:6])))
    chunks, _ = chunk(Corpus(tuple(documents)), choose_chunker("sentence:size=140,overlap=0", passages=False).chunker)
    context = Context(cache=tmp_path)
    found = sample(chunks, count=30, seed=1, context=context)
    assert len(found.chunks) == 30
    per_topic = [sum(id_.startswith(topic) for id_ in found.chunks.document_ids) for topic in topics]
    assert min(per_topic) >= 5
    assert len(found.chunks.document_ids) >= 24, "documents are spread, not repeated"
    assert sum(chosen for _, chosen in found.strata.values()) == 30
    again = sample(chunks, count=30, seed=1, context=context)
    assert list(again.chunks.ids) == list(found.chunks.ids)
    assert list(sample(chunks, count=30, seed=2, context=context).chunks.ids) != list(found.chunks.ids)


def test_memory_for_near_duplicates_is_a_few_hundred_bytes_per_chunk() -> None:
    rng = np.random.default_rng(1)
    words = [f"w{i}" for i in range(3000)]
    peaks = {}
    for count in (300, 1500):
        chunks = chunks_of(*(" ".join(rng.choice(words, size=40)) for _ in range(count)))
        tracemalloc.start()
        assert near_duplicates(chunks, range(count)) == {}
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # A table of all bands took 3.9 kB.
    assert (peaks[1500] - peaks[300]) / 1200 < 600
