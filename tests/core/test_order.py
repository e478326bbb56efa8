"""The canonical order against trec_eval itself."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import InputError
from ragbench.core.runs import Run

IDS = st.text(alphabet="aAbBzé0-9#/ ", min_size=1, max_size=3)
SCORES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, 1e-30, 16777216.0, 16777217.0, 0.1, 0.1 + 1e-12]),
    st.floats(min_value=-1e6, max_value=1e6, width=32),
)
RUNS = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(IDS, SCORES, max_size=12), min_size=1)


@given(RUNS)
def test_reciprocal_rank_of_every_item_is_trec_evals(rankings: dict[str, dict[str, float]]) -> None:
    run = Run.from_dict(rankings).at_precision("single")  # pytrec_eval is trec_eval 9
    for position, query_id in enumerate(run.query_ids):
        for rank, (item, _) in enumerate(run.ranking(position), start=1):
            evaluator = pytrec_eval.RelevanceEvaluator({query_id: {item: 1}}, {"recip_rank"})
            found = evaluator.evaluate({query_id: rankings[query_id]})[query_id]["recip_rank"]
            assert found == pytest.approx(1 / rank)


def test_equal_scores_are_ordered_by_id_descending() -> None:
    run = Run.from_dict({"q": {"a": 1.0, "c": 1.0, "b": 1.0, "d": 2.0}})
    assert [item for item, _ in run.ranking(0)] == ["d", "c", "b", "a"]


def test_repeated_items_keep_their_best_rank_and_are_counted() -> None:
    run = Run.of(["p", "q"], [0, 0, 1, 1, 1], [0, 1, 1, 0, 1], [1.0, 2.0, 3.0, 2.5, 9.0], ["a", "b"])
    assert run.to_dict() == {"p": {"b": 2.0, "a": 1.0}, "q": {"b": 9.0, "a": 2.5}}
    assert run.repeated == 1


def test_a_nan_score_names_query_and_item() -> None:
    with pytest.raises(InputError, match="item 'b' of query 'q'"):
        Run.of(["q"], [0, 0], [0, 1], [1.0, float("nan")], ["a", "b"])


def test_tie_rate_and_constant_scores() -> None:
    constant = Run.from_dict({"q": {"a": 1.0, "b": 1.0, "c": 1.0}, "p": {"a": 5.0}})
    assert constant.constant
    assert constant.tie_rate(10) == pytest.approx(3 / 4)
    distinct = Run.from_dict({"q": {"a": 3.0, "b": 2.0, "c": 2.0, "d": 1.0}})
    assert not distinct.constant
    assert distinct.tie_rate(1) == 0
    assert distinct.tie_rate(2) == 0.5  # b at rank 2 is tied with c at rank 3


def test_a_run_of_documents_stands_where_its_best_chunk_stood() -> None:
    run = Run.from_dict({"q": {"x#0": 1.0, "y#0": 2.0, "x#1": 3.0, "z#0": 0.5}})
    documents = run.as_documents(["x", "y", "z"], np.array([0, 0, 1, 2], dtype=np.int32))
    assert documents.to_dict() == {"q": {"x": 3.0, "y": 2.0, "z": 0.5}}
    assert documents.repeated == 0


@given(RUNS, st.lists(st.sampled_from(["q1", "q2", "q3", "q4"]), unique=True, min_size=1))
def test_select_reorders_and_fills_missing_queries(rankings: dict[str, dict[str, float]], wanted: list[str]) -> None:
    whole = Run.from_dict(rankings)
    chosen = whole.select(wanted).to_dict()
    assert list(chosen) == wanted
    assert chosen == {query: whole.to_dict().get(query, {}) for query in wanted}
