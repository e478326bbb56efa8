"""Quoted evidence -> spans, against texts whose spans are known because they were put together here."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.goldens import Evidence
from ragbench.golden.drafts import Draft
from ragbench.golden.locate import locate, with_evidence

WORDS = st.lists(st.text("abcdefghij", min_size=2, max_size=8), min_size=1, max_size=12)
BETWEEN = st.sampled_from([" ", "  ", "\n", "\t", " \n ", ", ", "; ", " – ", '" ', " (", ") ", ".\n\n"])


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("The fly is nylon.", "fly is nylon", "fly is nylon"),
        ("The fly  is\nnylon.", "The fly is nylon", "The fly  is\nnylon"),
        ("He said “it’s dry”, twice.", 'he said "it\'s dry" twice', "He said “it’s dry”, twice"),
        ("Poids : 1,9 kg", "poids: 1,9 kg", "Poids : 1,9 kg"),
        ("a ﬁne café", "A FINE CAFE", "a ﬁne café"),
        ("informa-\ntion is here", "information is", "informa-\ntion is"),
        ("well-\nknown things", "well-known things", "well-\nknown things"),
        ("soft\u00adhyphen here", "softhyphen", "soft\u00adhyphen"),
        ("Straße und Maß", "STRASSE UND MASS", "Straße und Maß"),
        ("这个水壶很好。它很轻。", "它很轻", "它很轻"),
        ("cattle and cat", "cat", "cat"),
    ],
)
def test_what_does_not_count(text: str, quote: str, found: str) -> None:
    span = locate(text, quote)
    assert span is not None
    assert text[slice(*span)] == found


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("It weighs 1.5 kg", "It weighs 15 kg"),
        ("It weighs 15 kg", "It weighs 1.5 kg"),
        ("therapist", "the rapist"),
        ("concatenate", "cat"),
        ("a text", "..."),
        ("a text", ""),
        ("a text", " \n"),
        ("", "a text"),
        ("one two three", "one three"),
    ],
)
def test_what_is_not_there_is_not_found(text: str, quote: str) -> None:
    assert locate(text, quote) is None


@given(WORDS, WORDS, WORDS, st.data())
def test_a_quote_with_other_gaps_and_case_is_found(
    before: list[str], words: list[str], after: list[str], data: st.DataObject
) -> None:
    """The words stand in capitals once, so that the place is known."""
    quoted = [word + "q" for word in words]
    text = " ".join(before) + " "
    start = len(text)
    for word in quoted:
        text += word + data.draw(BETWEEN)
    end = start + len(text[start:].rstrip(' \n\t,;–"().')) if quoted else start
    text += " ".join(after)
    quote = "".join(word.upper() + data.draw(BETWEEN) for word in quoted)
    assert locate(text, quote) == (start, end)


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_a_found_span_holds_the_letters_of_the_quote(text: str, a: int, b: int) -> None:
    """Any cut of any text: what is found, if anything, reads as the quote does."""
    quote = text[min(a, b) : max(a, b)]
    span = locate(text, quote)
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(text)
        again = locate(text[slice(*span)], quote)
        assert again == (0, span[1] - span[0])


def test_the_given_part_is_looked_at_first_and_the_rest_after_it() -> None:
    text = "it is dry. it is wet. it is dry."
    assert locate(text, "it is dry", 11) == (22, 31)
    assert locate(text, "it is wet", 0, 10) == (11, 20)


def test_time_is_linear() -> None:
    def seconds(length: int) -> float:
        text, quote = "aaaa " * length, "aaaa " * (length // 2) + "b"
        began = time.perf_counter()
        assert locate(text, quote) is None
        return time.perf_counter() - began

    seconds(1000)
    assert seconds(80_000) < 40 * max(seconds(10_000), 0.005)


def test_quotes_become_sorted_joined_evidence_or_none() -> None:
    text = "The kettle is steel. It boils water. It weighs 900 g."
    corpus = Corpus((Document("d", text),))
    chunks = Chunks.of([Chunk("d#0", "d", text[:36], 0, 36), Chunk("d#1", "d", text[37:], 37, len(text))])
    draft = Draft("q", "weight", "question", "900 g", ("It weighs 900 g.", "It boils", "boils water"), ("d#0",))
    assert with_evidence(draft, corpus, chunks).evidence == (Evidence("d", 21, 35), Evidence("d", 37, 53))
    lost = Draft("q", "weight", "question", "900 g", ("It boils", "it sings"), ("d#0",))
    assert with_evidence(lost, corpus, chunks).evidence == ()
