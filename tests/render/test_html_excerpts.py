import numpy as np

from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.goldens import Evidence, GoldenItem, Span
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.html import excerpts as module
from ragbench.render.html.excerpts import AROUND, BEGINNING, WHOLE, Excerpts, excerpts
from ragbench.render.html.rankings import Items
from ragbench.render.html.texts import Indexed, Texts


def run(unit: str, item: str) -> ScoredRun:
    table = QueryTable(["q"], ["words"], [""], ["q"])
    ranking = Run.from_dict({"q": {item: 1.0}}, unit=unit)  # type: ignore[arg-type]
    return ScoredRun("a", Scores(["q"], ("ndcg",), np.zeros((1, 1))), table, ranking)


def made(
    document: Document, unit: str, *evidence: Evidence, masked: tuple[Span, ...] = (), queries: int = 1
) -> Excerpts:
    chunks = Chunks.of([Chunk(document.id, document.id, document.text, 0, len(document.text), document.title)])
    texts = Texts(
        {"a": Indexed(Corpus((document,)), chunks)},
        None,
        {"q": GoldenItem("q", "words", evidence=evidence, masked=masked)},
    )
    items = Items()
    items.rows("corpus", 0, [document.id])
    return excerpts(items, [run(unit, document.id)], texts, queries)


def test_short_texts_are_whole() -> None:
    found = made(Document("d", "x" * WHOLE, "Title"), "chunk")
    assert found.pieces == [[(0, "x" * WHOLE)]]
    assert (found.titles, found.lengths, found.starts, found.shortened) == (["Title"], [WHOLE], [0], 0)


def test_long_texts_keep_the_beginning_and_what_lies_around_evidence() -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(10_000))
    for unit in ("chunk", "document"):
        found = made(Document("d", text), unit, Evidence("d", 5_000, 5_100), masked=(Span("d", 9_000, 9_050),))
        (pieces,) = found.pieces
        ranges = [(start, start + len(piece)) for start, piece in pieces]
        assert ranges == [(0, BEGINNING), (5_000 - AROUND, 5_100 + AROUND), (9_000 - AROUND, 9_050 + AROUND)]
        assert all(text[start : start + len(piece)] == piece for start, piece in pieces)
        assert (found.lengths, found.shortened) == ([10_000], 1)


def test_evidence_that_touches_the_beginning_is_joined_to_it() -> None:
    found = made(Document("d", "y" * 5_000), "chunk", Evidence("d", 300, 600), Evidence("d", 650, 700))
    assert [(start, len(piece)) for start, piece in found.pieces[0]] == [(0, 700 + AROUND)]


def test_room_goes_to_the_best_ranked_first() -> None:
    count, length = 4_000, 1_000
    documents = tuple(Document(f"d{i}", "z" * length) for i in range(count))
    chunks = Chunks.of(Chunk(d.id, d.id, d.text, 0, length) for d in documents)
    items = Items()
    rows = items.rows("corpus", 0, [d.id for d in documents])
    items.seen(rows, np.arange(count, 0, -1))
    found = excerpts(items, [run("chunk", "d0")], Texts({"a": Indexed(Corpus(documents), chunks)}), 1)
    lengths = [len(pieces[0][1]) for pieces in found.pieces]
    room = module.ROOM + module.ROOM_PER_QUERY
    whole = -(-room // length)
    assert lengths == [module.STUB] * (count - whole) + [length] * whole
    assert found.shortened == count - whole


def test_items_that_the_corpus_lacks_have_no_text() -> None:
    document = Document("d", "text")
    chunks = Chunks.of([Chunk("d", "d", "text", 0, 4)])
    items = Items()
    items.rows("corpus", 0, ["d", "gone"])
    found = excerpts(items, [run("chunk", "d")], Texts({"a": Indexed(Corpus((document,)), chunks)}), 1)
    assert found.pieces == [[(0, "text")], []]
    assert found.lengths == [4, -1]
    assert found.documents == [0, -1]
