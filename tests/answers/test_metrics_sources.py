"""Citations, abstention, refusals and length, by hand."""

import asyncio

import numpy as np
import pytest

from ragbench.answers.metrics._passages import pieces
from ragbench.answers.metrics.base import Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import project_labels
from ragbench.plugins import ANSWER_METRICS, build

TEXT = "".join(f"Sentence {number:03d} is here.\n" for number in range(40))
CUT = [(start, start + 250) for start in range(0, len(TEXT), 250)]


def columns(name: str, answers: list[Answered], items: list[GoldenItem | None], **more: object) -> dict[str, Column]:
    context = ScoringContext(items, **more)  # type: ignore[arg-type]
    return {one.name: one for one in asyncio.run(build(ANSWER_METRICS, name).score(AnswerSet(tuple(answers)), context))}


def test_a_citation_is_right_where_its_chunk_is_relevant_in_retrieval() -> None:
    """The same chunks as `project_labels` labels, found by their texts alone."""
    item = GoldenItem("q", "?", evidence=(Evidence("d", 260, 420), Evidence("d", 700, 760)))
    chunks = Chunks.of(Chunk(f"c{at}", "d", TEXT[a:b], a, b) for at, (a, b) in enumerate(CUT))
    labels = project_labels(GoldenSet((item,)), chunks, unit="chunk").judgements.to_dict()["q"]
    relevant = {id_ for id_, label in labels.items() if label > 0}
    assert relevant == {"c1", "c2"}
    for chunk in chunks:
        sources = (Source(chunk.id, "d", "  " + chunk.text.replace("\n", " ")),)
        answer = Answered("q", "?", "x", sources, cited=(chunk.id,))
        found = columns("citation", [answer], [item], documents={"d": TEXT})
        assert found["citation_precision"].values[0] == float(chunk.id in relevant), chunk.id
        assert found["citation_precision"].details["q"]["cited"][0]["by"] == "span"  # type: ignore[index]


def test_precision_and_recall_of_several_citations() -> None:
    item = GoldenItem(
        "q", "?", evidence=(Evidence("d", 0, 50), Evidence("d", 500, 560), Evidence("e"), Evidence("f", grade=0))
    )
    sources = (Source("a", "d", TEXT[:100]), Source("b", "d", TEXT[250:400]), Source("c", "f", "x"))
    answer = Answered("q", "?", "x", sources, cited=("a", "b", "c", "gone"))
    found = columns("citation", [answer], [item], documents={"d": TEXT})
    assert found["citation_precision"].values[0] == 1 / 4
    assert found["citation_recall"].values[0] == 1 / 3
    assert found["citation_recall"].details["q"] == {"missed": ["e", "d[500:560]"]}
    by = [one["by"] for one in found["citation_precision"].details["q"]["cited"]]  # type: ignore[index]
    assert by == ["span", "span", "span", "not shown"]
    # Without the corpus the document decides: b counts, and both pieces of d are covered.
    found = columns("citation", [answer], [item])
    assert found["citation_precision"].values[0] == 2 / 4
    assert found["citation_recall"].values[0] == 2 / 3


def test_what_has_no_citation_and_what_cannot_be_told() -> None:
    item = GoldenItem("q", "?", evidence=(Evidence("d", 0, 50),))
    rows = [
        Answered("q1", "?", "x", (Source("a", "d", "x"),)),
        Answered("q2", "?", "", failure="timed out"),
        Answered("q3", "?", "x", (Source("a", "", "x"),), cited=("a",)),
        Answered("q4", "?", "x", (Source("a", "d", "x"),), cited=("a",)),
    ]
    found = columns("citation", rows, [item, item, item, GoldenItem("q4", "?")])
    np.testing.assert_array_equal(found["citation_precision"].values, [np.nan] * 4)
    np.testing.assert_array_equal(found["citation_recall"].values, [0, 0, np.nan, np.nan])
    codes = [entry.code for entry in found["citation_precision"].ledger.entries]
    assert codes == ["not-applicable", "answer-failed", "no-document", "no-evidence"]
    # A passage of no named document is found by its text.
    row = Answered("q", "?", "x", (Source("a", "", TEXT[:60]), Source("b", "", "nowhere")), cited=("a", "b"))
    found = columns("citation", [row], [item], documents={"d": TEXT})
    assert (found["citation_precision"].values[0], found["citation_recall"].values[0]) == (0.5, 1.0)


def test_marks_of_one_passage_are_one_piece() -> None:
    marks = (Evidence("d", 10, 20), Evidence("d", 15, 30), Evidence("d", 30, 40), Evidence("e", 0, 5), Evidence("e"))
    assert set(pieces(marks)) == {Span("d", 10, 30), Span("d", 30, 40), Span("e")}


def test_abstention_by_its_confusion_matrix() -> None:
    nothing, something = GoldenItem("u", "?", type="unanswerable"), GoldenItem("a", "?", answer="1889")
    silent, says = {"answer": "I don't know."}, {"answer": "1889"}
    cases = [(nothing, silent)] * 3 + [(nothing, says)] * 2 + [(something, silent)] + [(something, says)] * 4
    answers = [Answered(str(at), "?", **said) for at, (_, said) in enumerate(cases)]
    failed = Answered("f", "?", "", failure="timed out")
    unknown = Answered("x", "?", "1889")
    found = columns(
        "abstention", [*answers, failed, unknown], [*(item for item, _ in cases), nothing, GoldenItem("x", "?")]
    )
    mean = {name: np.nanmean(one.values) for name, one in found.items()}
    assert mean == {"abstention": 7 / 11, "abstention_precision": 3 / 4, "abstention_recall": 3 / 6}
    for one in found.values():
        assert len(one.ledger) == np.isnan(one.values).sum()


@pytest.mark.parametrize(
    ("text", "abstains", "refuses"),
    [
        ("I don’t know.", True, False),
        ("Sorry, but I could not find the answer.", True, False),
        ("The provided context does not mention the price.", True, False),
        ("Based on the documents, there is not enough information.", True, False),
        ("Das weiß ich nicht.", True, False),
        ("Je ne sais pas.", True, False),
        ("Lo siento, no hay información.", True, False),
        ("I'm sorry, but I can't help with that.", True, True),
        ("Dabei kann ich leider nicht helfen.", True, True),
        ("No puedo ayudar con eso.", True, True),
        ("Sorry, I can only answer questions on tents.", True, True),
        ("That is outside of my scope.", True, True),
        ("I'm currently unable to book tickets.", True, True),
        ("I don't have access to your orders.", True, True),
        ("Your question lies beyond our documents.", True, False),
        ("That's not something I know.", True, False),
        ("The tent can only be answered for by its maker.", False, False),
        ("Of course. That price is outside of my area, but here it is: 12 EUR.", False, False),
        ("", True, False),
        ("It was built in 1889. I don't know by whom.", False, False),
        ("No. The tower is made of iron.", False, False),
        ("Unknown Pleasures is an album by Joy Division.", False, False),
        ("I can help with that: 1889.", False, False),
        ("Not mentioned by name, the tower is Eiffel's.", False, False),
    ],
)
def test_phrases(text: str, abstains: bool, refuses: bool) -> None:
    answer = Answered("q", "?", text)
    item = GoldenItem("q", "?", type="unanswerable")
    assert columns("abstention", [answer], [item])["abstention_recall"].values[0] == float(abstains)
    assert columns("refusal", [answer], [item])["no_refusal"].values[0] == 1 - float(refuses)


def test_length_in_words() -> None:
    texts = ["", "It was built in 1,889.5 – or not-so-long ago.", "塔は1889年", "..."]
    answers = [Answered(str(at), "?", text) for at, text in enumerate(texts)]
    failed = Answered("f", "?", "", failure="timed out")
    found = columns("length", [*answers, failed], [None] * 5)["length"]
    np.testing.assert_array_equal(found.values, [0, 8, 4, 0, np.nan])
