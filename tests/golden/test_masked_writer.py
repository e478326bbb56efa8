"""The masked-sentence writer: what it takes, what it leaves, and that it is the same every time."""

import time
from typing import Any

import pytest

from ragbench.core.documents import Chunks, Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.drafts import Draft
from ragbench.golden.masked import write
from ragbench.golden.masked_pool import as_query, spans_in_any_case, stands_alone

LAMP = (
    "The lamp has a brass arm and a linen shade. The brass arm of the lamp swings over the linen chair. "
    "Readers who work late at night enjoy its warm glow beside them. The shade is made of linen."
)
KETTLE = (
    "The kettle boils one litre of water. Its water kettle body is steel and the kettle holds one litre. "
    "Campers carry such equipment across mountains without noticing the weight. The kettle is steel."
)


def corpus(*texts: str) -> Corpus:
    return Corpus(tuple(Document(f"d{i}", text) for i, text in enumerate(texts)))


def pieces(of: Corpus, chunker: str = "whole") -> Chunks:
    return chunk(of, choose_chunker(chunker, passages=True).chunker)[0]


def masked(of: Corpus, **settings: Any) -> tuple[Draft, ...]:
    """Paraphrases only, unless the settings say otherwise."""
    return write(of, pieces(of), **{"wordings": {"paraphrase": 1.0}, **settings}).drafts


def test_the_sentence_that_shares_least_is_masked() -> None:
    documents = corpus(LAMP, KETTLE)
    drafts = masked(documents)
    assert [draft.text for draft in drafts] == [
        "Readers who work late at night enjoy its warm glow beside them",
        "Campers carry such equipment across mountains without noticing the weight",
    ]
    for draft, document in zip(drafts, documents, strict=True):
        [span], [evidence] = draft.masked, draft.evidence
        assert as_query(document.text[span.start : span.end]) == draft.text
        assert (evidence.document_id, evidence.whole, evidence.grade) == (document.id, True, 1)
        assert draft.provenance["source"] == document.id
        assert draft.chunk_ids == (document.id,)


def test_same_seed_same_drafts_and_count_draws_each_document_first() -> None:
    documents = corpus(*[LAMP, KETTLE] * 10)
    assert masked(documents, count=7, seed=3) == masked(documents, count=7, seed=3)
    drawn = [{d.provenance["source"] for d in masked(documents, count=7, seed=seed)} for seed in (3, 4)]
    assert len(drawn[0]) == 7
    assert drawn[0] != drawn[1]


def test_several_queries_of_a_document_mask_different_sentences() -> None:
    names = ["alpha", "bravo", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
    text = " ".join(f"The engine number {name} drives the {name} wheel of the old mill." for name in names)
    documents = corpus(text)
    drafts = masked(documents, per_document=5)
    spans = [draft.masked[0] for draft in drafts]
    assert len(set(spans)) == 3, "a third of the nine sentences, however many are asked for"
    assert len({draft.id for draft in drafts}) == 3


def test_only_sentences_inside_the_chunks_given() -> None:
    documents = corpus(LAMP)
    chunks = pieces(documents, "sentence:size=60,overlap=0")
    first = Chunks.of(list(chunks)[:2])
    [draft] = write(documents, first, wordings={"paraphrase": 1.0}).drafts
    assert draft.masked[0].end <= int(first.ends.max())
    assert set(draft.chunk_ids) <= set(first.ids)


@pytest.mark.parametrize(
    "sentence",
    [
        "This makes the lamp easy to carry around the house.",  # leans on what was before
        "However, the lamp is easy to carry around the house.",
        "# How to carry the lamp around the house safely",
        "| lamp | brass | 12 kg | is sold in the shop |",
        "- the lamp is carried around the house by hand",
        "Lamp, brass, linen, 40 W, E27, 230 V, 12 kg, 2019, 2020.",  # no verb, numbers
        "The lamp is here.",  # short
        "As shown in Fig. 3 the lamp is carried around.",
        "Smith J, Jones K. Lamps. J Light 2019;12(3):34-56. doi:10.1000/182 is given.",
        "How to carry a lamp that is heavy",  # a heading: no stop
    ],
)
def test_what_does_not_stand_alone(sentence: str) -> None:
    assert not stands_alone(sentence)


def test_what_stands_alone() -> None:
    assert stands_alone("Readers who work late at night enjoy a warm glow.")
    assert stands_alone("the heat transfer to a blunt body was measured at mach 5 .")


def test_lowered_text_has_sentences_too() -> None:
    text = "an experimental study of a wing was made . the results were compared with theory ."
    assert [text[a:b] for a, b in spans_in_any_case(text)] == [
        "an experimental study of a wing was made .",
        "the results were compared with theory .",
    ]


def test_wrong_input() -> None:
    short = corpus("A lamp of brass stands here.")
    with pytest.raises(InputError, match="nothing can be masked in 1 documents"):
        masked(short)
    with pytest.raises(SettingError, match="count is 0"):
        masked(short, count=0)


def test_hundreds_of_queries_in_a_second() -> None:
    documents = corpus(*[LAMP, KETTLE] * 500)
    masked(documents, count=1)
    began = time.perf_counter()
    assert len(masked(documents)) == 1000
    assert time.perf_counter() - began < 5  # generous: the machine may be busy; the benchmark has the figure
