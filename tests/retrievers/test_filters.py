"""Filters in retrievers that hold the chunks, against plain Python and a search of everything."""

from pathlib import Path

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.filters import Filter
from ragbench.core.runs import Query, Run
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._neighbours import nearest_of
from tests.retrievers.filters import matching, random_filters, shelf

TEXT = "kettle lantern map number"
FILTERS = random_filters(60, seed=7)


@pytest.fixture(scope="module")
def chunks() -> Chunks:
    return shelf()


def queries(texts: list[str]) -> list[Query]:
    return [Query(f"q{at}", TEXT, filter=Filter.parse(text)) for at, text in enumerate(texts)]


def ranked(run: Run, at: int) -> list[str]:
    return [id_ for id_, _ in run.ranking(at)]


@pytest.mark.parametrize("spec", ["bm25", "bm25:method=bm25+", "dense", "dense:index_type=hnsw"])
def test_finds_the_best_of_those_that_match(spec: str, chunks: Chunks) -> None:
    """The ranking is the whole one without what does not match, and k results come where there are k."""
    index = build(RETRIEVERS, spec).index(chunks, Context())
    whole = index.search([Query("all", TEXT)], len(chunks)).ranking(0)
    assert len(whole) == len(chunks)
    run = index.search([Query("all", TEXT), *queries(FILTERS)], 5)
    assert ranked(run, 0) == [id_ for id_, _ in whole][:5]
    seen = set()
    for at, text in enumerate(FILTERS, start=1):
        wanted = matching(chunks, text)
        found = run.ranking(at)
        best = [(id_, score) for id_, score in whole if id_ in wanted][:5]
        assert {id_ for id_, _ in found} <= wanted, text
        # Which of several items with the score at the cut comes first is open.
        last = best[-1][1] if best else 0.0
        assert [id_ for id_, score in found if score > last + 1e-6] == [id_ for id_, s in best if s > last + 1e-6], text
        np.testing.assert_allclose([score for _, score in found], [score for _, score in best], atol=1e-5)
        seen.add(min(5, len(wanted)))
    assert {0, 5} < seen


@pytest.mark.parametrize("spec", ["hybrid", "rerank", "hybrid:of=[bm25, dense],fusion=minmax", "last_turns:of=hybrid"])
def test_retrievers_that_are_made_of_others(spec: str, chunks: Chunks) -> None:
    index = build(RETRIEVERS, spec).index(chunks, Context())
    run = index.search(queries(FILTERS), 5)
    for at, text in enumerate(FILTERS):
        wanted = matching(chunks, text)
        assert set(ranked(run, at)) <= wanted, text
        assert len(ranked(run, at)) == min(5, len(wanted)), text


def test_a_filter_of_a_system_adds_to_that_of_the_query(chunks: Chunks) -> None:
    settings = {"name": "filtered", "of": "bm25", "filter": "price<20 and title!='Item 3'"}
    retriever = build(RETRIEVERS, settings)
    assert retriever.check() == []
    run = retriever.index(chunks, Context()).search([Query("a", TEXT), *queries(["sold=true"])], 100)
    assert set(ranked(run, 0)) == matching(chunks, settings["filter"])
    assert set(ranked(run, 1)) == matching(chunks, f"{settings['filter']} and sold=true")
    assert build(RETRIEVERS, {**settings, "filter": "price<21"}).key() != retriever.key()
    assert build(RETRIEVERS, {**settings, "filter": 'price<20 and title != "Item 3"'}).key() == retriever.key()


def test_exclusions_and_filters_together(chunks: Chunks) -> None:
    index = build(RETRIEVERS, "dense").index(chunks, Context())
    one = queries(["price<20"])[0]
    first = ranked(index.search([one], 6), 0)
    again = ranked(index.search([one._replace(exclude=frozenset(first[:2]))], 4), 0)
    assert again == first[2:]


def test_what_cannot_filter_says_so(chunks: Chunks) -> None:
    with pytest.raises(ArmError, match=r"cannot apply the filter 'price<3'"):
        build(RETRIEVERS, "filtered:of='command:command=cat',filter='price<3'").index(chunks, Context())
    with pytest.raises(SettingError, match="did you mean 'price'"):
        build(RETRIEVERS, "filtered:of=bm25,filter='prize<3'").index(chunks, Context())
    assert "character 7" in build(RETRIEVERS, "filtered:of=bm25,filter='price<<3'").check()[0]


def test_a_run_file_keeps_what_matches(chunks: Chunks, tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_text("".join(f"q0 Q0 {id_} 1 {-at} x\n" for at, id_ in enumerate(chunks.ids)))
    index = build(RETRIEVERS, {"name": "run", "path": tmp_path / "a.trec"}).index(chunks, Context())
    wanted = matching(chunks, "price<20")
    run = index.search(queries(["price<20"]), 4)
    assert ranked(run, 0) == [id_ for id_ in chunks.ids if id_ in wanted][:4]


def test_a_search_of_some_rows_goes_over_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragbench.retrievers._neighbours.ROWS_PER_BLOCK", 7)
    vectors = MiniLM().encode([f"{word} {at}" for at in range(10) for word in ("tent", "map", "rope")], "passage")
    rows = np.flatnonzero(np.arange(30) % 4)
    scores, found = nearest_of(vectors, rows, vectors[:3], 5)
    exact = vectors[:3] @ vectors[rows].T
    best = rows[np.argsort(-exact, axis=1, kind="stable")[:, :5]]
    np.testing.assert_allclose(scores, -np.sort(-exact, axis=1)[:, :5], atol=1e-6)
    assert (found == best).all()
