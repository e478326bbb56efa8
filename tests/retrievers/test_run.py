"""The run retriever over files that ragbench did and did not write."""

import json
from pathlib import Path

import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.run import Run
from ragbench.testing import check_retriever, small_corpus

TREC = """\
q1 Q0 tent 1 9.5 other
q1 Q0 tarp 2 8.25 other
q1 Q0 not-here 3 8.0 other
q3 Q0 bed 1 1.0 other
"""


def test_queries_are_found_by_id_and_missing_ones_are_failures(shelf, tmp_path) -> None:
    path = tmp_path / "other.trec"
    path.write_text(TREC)
    index = build(RETRIEVERS, f"run:path={path}").index(shelf, Context())
    run = index.search([Query("q3", "?"), Query("q2", "?"), Query("q1", "?", frozenset({"tent"}))], 2)
    assert run.ranking(0) == [("bed", 1.0)]
    assert run.failures == {"q2": "not in the run file"}
    assert run.ranking(2) == [("tarp", 8.25), ("not-here", 8.0)]
    assert index.notes == {"longest_ranking": 3, "ids_not_in_corpus": 1, "unasked_queries": []}


def test_queries_of_the_file_that_nobody_asks_are_noted(shelf, tmp_path) -> None:
    path = tmp_path / "other.trec"
    path.write_text(TREC)
    index = Run(path).index(shelf, Context())
    index.search([Query("q2", "?")], 2)
    assert index.notes["unasked_queries"] == ["q1", "q3"]
    index.search([Query("q3", "?")], 2)
    assert index.notes["unasked_queries"] == ["q1"]


def test_a_run_of_documents(tmp_path) -> None:
    chunks = Chunks.of(
        Chunk(f"{d}#{n}", d, "text", n * 5, n * 5 + 4) for d in ("tent", "tarp", "bed") for n in range(2)
    )
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"q1": {"tent": 2, "bed": 1}}))
    run = Run(path, returns="document").index(chunks, Context()).search([Query("q1", "")], 5)
    assert run.unit == "document"
    assert run.ranking(0) == [("tent", 2.0), ("bed", 1.0)]
    with pytest.raises(InputError, match="set returns=document"):
        Run(path).index(chunks, Context())


def test_the_run_of_another_corpus_is_refused(shelf, tmp_path) -> None:
    path = tmp_path / "run.trec"
    path.write_text("q1 Q0 D1 1 2.0 x\nq1 Q0 D2 2 1.0 x\n")
    with pytest.raises(InputError, match="none of its 2 item ids"):
        Run(path).index(shelf, Context())


def test_the_key_follows_the_content(tmp_path) -> None:
    one, two = tmp_path / "one.trec", tmp_path / "two.trec"
    one.write_text(TREC)
    two.write_text(TREC)
    assert Run(one).key() == Run(two).key()
    assert Run(one).key() != Run(one, returns="document").key()
    two.write_text(TREC + "q4 Q0 bed 1 1.0 other\n")
    assert Run(one).key() != Run(two).key()
    assert Run(Path("missing.trec")).check() == ["there is no run file missing.trec"]


def test_conforms(tmp_path) -> None:
    path = tmp_path / "run.json"
    ids = small_corpus().ids
    path.write_text(json.dumps({q: {id_: float(n) for n, id_ in enumerate(ids)} for q in ("q1", "q2", "q3")}))
    check_retriever(Run(path))
