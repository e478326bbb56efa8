"""Drafts in a file: nothing is lost, reviews are the same as in memory, and memory does not grow with the drafts."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.goldens import Evidence, Span
from ragbench.golden import review as review_module
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import build_stages
from ragbench.golden.review import review
from ragbench.golden.spool import Drafts, Opinions, chosen, spooled
from ragbench.golden.stages import round_trip
from ragbench.golden.stages.base import ReviewContext

TEXTS = st.text(max_size=20)
OPINIONS = st.builds(
    Opinion, TEXTS, st.booleans(), TEXTS, st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS | st.lists(TEXTS)),
    st.floats(0, 1),
)  # fmt: skip
DRAFTS = st.builds(
    Draft, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.lists(TEXTS).map(tuple), st.lists(TEXTS).map(tuple),
    st.lists(st.builds(Evidence, TEXTS, st.integers(0, 9), st.none() | st.integers(10, 20), st.integers(-1, 2),
                       st.booleans())).map(tuple),
    st.lists(st.builds(Span, TEXTS, st.integers(0, 9), st.none() | st.integers(10, 20))).map(tuple),
    TEXTS, st.dictionaries(TEXTS, TEXTS | st.floats(0, 1)), st.lists(OPINIONS, max_size=3).map(tuple),
    st.none() | TEXTS,
)  # fmt: skip

TEXT = "The kettle number {n} holds {n} litres and is made of steel."
CORPUS = Corpus(tuple(Document(f"d{n}", TEXT.format(n=n)) for n in range(40)))
CHUNKS = Chunks.of(Chunk(f"{d.id}#0", d.id, d.text, 0, len(d.text)) for d in CORPUS)
ALONE = ("schema", "length", "located", "standalone", "overlap:min_share=0")


@settings(max_examples=12, deadline=None)
@given(st.lists(DRAFTS, max_size=6))
def test_drafts_are_read_as_they_were_written(drafts: list[Draft]) -> None:
    kept = spooled(drafts)
    assert list(kept) == drafts
    assert [kept[at] for at in range(len(drafts))] == drafts
    assert list(kept[1:4]) == drafts[1:4]
    rows = list(range(len(drafts)))[::-2]
    assert list(chosen(kept, rows)) == chosen(drafts, rows) == [drafts[row] for row in rows]


@settings(max_examples=12, deadline=None)
@given(st.lists(OPINIONS, min_size=1, max_size=6), st.randoms())
def test_opinions_come_in_any_order(opinions: list[Opinion], random: Random) -> None:
    order = list(range(len(opinions)))
    random.shuffle(order)
    kept = Opinions(len(opinions))
    for at in order:
        kept.put(at, opinions[at])
    assert list(kept) == kept[:] == opinions


def made(count: int) -> Iterator[Draft]:
    """Drafts of which some are too short, point at their source, or quote what is not there."""
    for n in range(count):
        chunk = n % len(CHUNKS)
        text = ["kettle", "what is said in the text?", f"litres of kettle number {n % 150}"][n % 3 if n % 7 else 2]
        quote = f"holds {chunk} litres" if n % 5 else "holds nothing"
        yield Draft(
            f"q{n}", text, "question", "much", (quote,), (CHUNKS.ids[chunk],),
            () if n % 5 == 0 else (Evidence(f"d{chunk}", 0, 5),), provenance={"wording": "sentence"},
        )  # fmt: skip


def reviewed(drafts: "Drafts | list[Draft]", *stages: str) -> "list[Draft] | Drafts":
    seen = ReviewContext(CORPUS, CHUNKS, {}, 0, Context())
    return asyncio.run(review(drafts, build_stages(stages), seen))  # type: ignore[return-value]


def test_a_review_in_blocks_is_that_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_module, "BLOCK", 70)
    monkeypatch.setattr(round_trip, "BLOCK", 90)
    drafts = list(made(400))
    stages = (*ALONE, "duplicate:embedder=null", "round_trip:retrievers=[bm25],k=3")
    plain, kept = reviewed(drafts, *stages), reviewed(spooled(drafts), *stages)
    assert isinstance(kept, Drafts)
    assert list(kept) == plain
    assert {draft.rejected_by for draft in plain} >= {None, "length", "located", "standalone", "duplicate"}


@pytest.mark.slow
def test_memory_of_a_review_does_not_grow_with_the_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_module, "BLOCK", 100)
    stages = ("schema", "length", "standalone")
    reviewed(spooled(made(100)), *stages)  # what is imported and cached
    peaks = []
    for count in (300, 900):
        drafts = spooled(made(count))
        tracemalloc.start()
        kept = reviewed(drafts, *stages)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(kept) == count
    assert peaks[1] - peaks[0] < 200 * 600, peaks  # a draft in memory takes 2,000 bytes
