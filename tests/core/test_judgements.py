"""Projecting evidence spans onto chunks, with the overlaps worked out by hand."""

import pytest

from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import project_labels

TEXT = "x" * 100


def chunks_of(*spans: tuple[int, int], document: str = "d") -> list[Chunk]:
    return [Chunk(f"{document}#{i}", document, TEXT[a:b], a, b) for i, (a, b) in enumerate(spans)]


CHUNKS = Chunks.of([*chunks_of((0, 40), (30, 70), (60, 100)), *chunks_of((0, 100), document="e")])


def labels(*evidence: Evidence, unit: str = "chunk", **more: object) -> dict[str, int]:
    golden = GoldenSet(
        (GoldenItem("q", "text", evidence=evidence, **more), GoldenItem("z", "z", evidence=(Evidence("e"),)))
    )  # type: ignore[arg-type]
    return project_labels(golden, CHUNKS, unit=unit, allow_missing=True).judgements.to_dict()["q"]  # type: ignore[arg-type]


def test_a_chunk_with_half_of_the_span_carries_it() -> None:
    # 20..50: chunk 0 holds 20 of 30 characters, chunk 1 holds 20 of 30, chunk 2 none
    assert labels(Evidence("d", 20, 50, grade=2)) == {"d#0": 2, "d#1": 2}
    # 10..40: chunk 0 holds all, chunk 1 a third
    assert labels(Evidence("d", 10, 40)) == {"d#0": 1}


def test_a_span_longer_than_the_chunks_is_carried_by_those_it_covers() -> None:
    assert labels(Evidence("d", 0, 100)) == {"d#0": 1, "d#1": 1, "d#2": 1}


def test_without_any_half_the_largest_share_counts() -> None:
    gappy = Chunks.of(chunks_of((0, 10), (50, 60)))
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d", 7, 53),)),))
    # 3 of 10 characters of either chunk lie in the span: less than half, and equally much
    found = project_labels(golden, gappy, unit="chunk").judgements.to_dict()["q"]
    assert found == {"d#0": 1, "d#1": 1}


def test_the_best_grade_counts_and_whole_documents_cover_every_chunk() -> None:
    assert labels(Evidence("d", 0, 40, grade=3), Evidence("d", grade=1)) == {"d#0": 3, "d#1": 1, "d#2": 1}
    assert labels(Evidence("d", 0, 40, grade=3), Evidence("d", grade=1), unit="document") == {"d": 3}


def test_masked_text_is_excluded_and_no_longer_expected() -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d"),), masked=(Span("d", 35, 38),), exclude=("e",)),))
    task = project_labels(golden, CHUNKS, unit="chunk")
    assert task.queries[0].exclude == {"d#0", "d#1", "e#0"}
    assert task.judgements.to_dict()["q"] == {"d#2": 1}
    assert project_labels(golden, CHUNKS, unit="document").judgements.to_dict()["q"] == {"d": 1}


def test_missing_documents_are_an_error_or_counted_as_relevant() -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("nowhere"), Evidence("d", 0, 40))),))
    with pytest.raises(InputError, match=r"1 documents that the corpus lacks, or that have no text: nowhere"):
        project_labels(golden, CHUNKS, unit="chunk")
    task = project_labels(golden, CHUNKS, unit="chunk", allow_missing=True)
    assert task.judgements.to_dict()["q"] == {"nowhere": 1, "d#0": 1}
    assert task.ledger.counts() == {"document-missing": 1}


def test_the_wrong_corpus_is_refused_even_where_missing_documents_are_allowed() -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("nowhere"), Evidence("elsewhere"))),))
    with pytest.raises(InputError, match=r"judges 2 documents .*Ids of the corpus are like d, e.*right corpus\?$"):
        project_labels(golden, CHUNKS, unit="chunk", allow_missing=True)


def test_a_golden_set_without_anything_relevant_is_refused() -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d", grade=0),)),))
    with pytest.raises(InputError, match="no relevant document"):
        project_labels(golden, CHUNKS, unit="document")


def test_the_resampling_unit_is_the_source_then_the_only_best_document() -> None:
    assert GoldenItem("q", "t", source="s", evidence=(Evidence("d"),)).unit == "document:s"
    assert GoldenItem("q", "t", evidence=(Evidence("d", 0, 4, 2), Evidence("e", grade=1))).unit == "document:d"
    assert GoldenItem("q", "t", evidence=(Evidence("d"), Evidence("e"))).unit == "query:q"
    assert GoldenItem("q", "t", evidence=(Evidence("d", grade=0),)).unit == "query:q"


def test_a_document_is_judged_wherever_its_evidence_lies() -> None:
    gappy = Chunks.of(chunks_of((0, 10), (50, 60)))
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d", 20, 40),)),))
    task = project_labels(golden, gappy, unit="document")
    assert task.judgements.to_dict()["q"] == {"d": 1}
    assert list(task.judgements.item_ids) == ["d"]
    for unit in ("chunk", "document"):  # the corpus may be another, so it is told
        assert project_labels(golden, gappy, unit=unit).ledger.counts() == {"evidence-uncovered": 1}  # type: ignore[arg-type]


def test_an_id_to_leave_out_that_nothing_has_is_in_the_ledger() -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("e"),), exclude=("d#7", "d#0")),))
    task = project_labels(golden, CHUNKS, unit="chunk")
    assert [(entry.item, entry.code) for entry in task.ledger.entries] == [("q", "exclude-unknown")]
    assert "d#7" in task.ledger.entries[0].reason
