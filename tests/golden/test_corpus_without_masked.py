"""The corpus without masked text: property tests of the offsets, and what happens to lost evidence."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.golden.masked_corpus import MARK, rows_of, without_masked, write_without
from ragbench.io.chunk_files import write_chunks
from ragbench.io.golden_files import read_golden

TEXT = "".join(chr(0x4E00 + i) for i in range(60))
"""Sixty different characters, so that a character tells where it came from."""
place = st.tuples(st.integers(0, 59), st.integers(1, 60)).map(lambda p: (min(p[0], p[1] - 1), p[1]))


@given(st.lists(place, min_size=1, max_size=6), st.lists(place, min_size=1, max_size=6))
def test_evidence_points_at_what_is_left_of_its_text(
    masked: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    corpus = Corpus((Document("d", TEXT), Document("other", "something else")))
    items = [
        GoldenItem(f"s{i}", "q", masked=(Span("d", *s),), evidence=(Evidence("other"),)) for i, s in enumerate(masked)
    ]
    items += [GoldenItem(f"e{i}", "q", evidence=(Evidence("d", *w), Evidence("other"))) for i, w in enumerate(wanted)]
    without = without_masked(corpus, GoldenSet(tuple(items)))
    gone = {at for low, high in masked for at in range(low, high)}
    left = "".join(char for at, char in enumerate(TEXT) if at not in gone)
    assert (without.corpus.by_id["d"].text if left else "") == left
    for i, (low, high) in enumerate(wanted):
        expected = "".join(TEXT[at] for at in range(low, high) if at not in gone)
        item = next(item for item in without.golden if item.id == f"e{i}")
        found = [e for e in item.evidence if e.document_id == "d"]
        assert "".join(left[e.start : e.end] for e in found) == expected
        assert len(found) == bool(expected)


def test_the_golden_set_is_marked_and_masks_nothing_any_more() -> None:
    corpus = Corpus((Document("a", "One two. Three four. Five six.", "Numbers", {"shelf": 3}), Document("b", "Seven.")))
    first = GoldenItem("1", "Three four", evidence=(Evidence("a"),), masked=(Span("a", 9, 20),), source="a")
    second = GoldenItem("2", "four?", evidence=(Evidence("a", 9, 20), Evidence("b")))
    third = GoldenItem("3", "four!", evidence=(Evidence("a", 9, 20),))
    corpus, golden = without_masked(corpus, GoldenSet((first, second, third)))
    assert corpus.by_id["a"].text == "One two.  Five six."
    assert [item.id for item in golden] == ["1", "2"]
    assert golden.items[0].masked == ()
    assert golden.items[0].metadata[MARK] == [{"document_id": "a", "start": 9, "end": 20}]
    assert golden.items[1].evidence == (Evidence("b"),)
    assert golden.ledger.counts() == {"evidence-masked": 2, "no-evidence-left": 1}
    assert rows_of(corpus)[0] == {
        "id": "a",
        "title": "Numbers",
        "text": "One two.  Five six.",
        "metadata": {"shelf": 3},
    }
    again = without_masked(corpus, golden)
    assert again.corpus.documents == corpus.documents
    assert again.golden.items == golden.items


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    corpus = Corpus(
        (Document("a", "One two.\nThree four.", "Numbers", {"shelf": 3}), Document("b", "Seven\u2028eight."))
    )
    golden = GoldenSet((GoldenItem("1", "Three", evidence=(Evidence("a"),), masked=(Span("a", 9, 20),), source="a"),))
    without = write_without(corpus, golden, tmp_path)
    assert load_corpus(tmp_path / "corpus.jsonl").corpus.documents == without.corpus.documents
    assert read_golden(tmp_path / "golden").items == without.golden.items
    with pytest.raises(InputError, match="taken out before"):
        write_without(without.corpus, without.golden, tmp_path)


def test_a_file_of_chunks_is_cut_anew(tmp_path: Path) -> None:
    page = Corpus(tuple(Document(id_, " ".join(f"{id_}{number}" for number in range(900))) for id_ in "ab"))
    ready = tmp_path / "chunks.parquet"
    write_chunks(chunk_corpus(Loaded(page)).chunks, ready)
    golden = GoldenSet((GoldenItem("1", "a0", evidence=(Evidence("b"),), masked=(Span("a", 0, 3),)),))
    of_chunks, of_page = (without_masked(corpus, golden).corpus for corpus in (load_corpus(ready).corpus, page))
    ids = list(chunk_corpus(Loaded(of_page)).chunks.ids)
    assert len(ids) > 2
    assert list(chunk_corpus(Loaded(of_chunks)).chunks.ids) == ids


def test_wrong_corpus() -> None:
    corpus = Corpus((Document("a", "One two."),))
    with pytest.raises(InputError, match="1 documents that the corpus lacks: b"):
        without_masked(corpus, GoldenSet((GoldenItem("1", "q", masked=(Span("b", 0, 3),), evidence=(Evidence("a"),)),)))
    with pytest.raises(InputError, match="past the end"):
        without_masked(
            corpus, GoldenSet((GoldenItem("1", "q", masked=(Span("a", 0, 99),), evidence=(Evidence("a"),)),))
        )
