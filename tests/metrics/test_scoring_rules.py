"""What counts, what does not, and what the ledger says about it."""

import numpy as np
import pytest

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics.score import score

QRELS = {"found": {"a": 2, "b": 0}, "missing": {"a": 1}, "hopeless": {"a": 0, "b": -1}, "failed": {"b": 1}, "empty": {}}
JUDGEMENTS = Judgements.from_dict(QRELS)
RUN = Run.of(
    ["extra", "hopeless", "failed", "found"],
    [0, 1, 1, 3, 3],
    [0, 0, 1, 1, 0],
    [1.0, 2.0, 1.0, 2.0, 1.0],
    ["a", "b", "never"],
    failures={"failed": "timed out after 30 s"},
)


def test_rows_zeros_and_missing_values() -> None:
    scores = score(RUN, JUDGEMENTS, ["mrr", "judged@2", "recall(level=2)@5"])
    assert list(scores.query_ids) == list(QRELS)
    np.testing.assert_array_equal(scores.column("mrr"), [0.5, 0.0, np.nan, 0.0, np.nan])
    np.testing.assert_array_equal(scores.column("judged@2"), [1.0, 0.0, 1.0, 0.0, 0.0])
    np.testing.assert_array_equal(scores.column("recall(level=2)@5"), [1.0, np.nan, np.nan, np.nan, np.nan])
    assert scores.means() == {"mrr": pytest.approx(0.5 / 3), "judged@2": pytest.approx(0.4), "recall(level=2)@5": 1.0}


def test_the_ledger_has_every_reason() -> None:
    ledger = score(RUN, JUDGEMENTS, ["mrr", "judged@2", "recall(level=2)@5"]).ledger
    assert ledger.counts() == {"no-relevant": 6, "not-judged": 1, "not-retrieved": 3}
    assert [e.item for e in ledger.of("not-retrieved")] == ["missing", "failed", "empty"]
    reasons = {e.item: e.reason for e in ledger.of("not-retrieved")}
    assert reasons["missing"] == "the run lacks this query; it counts as 0"
    assert reasons["failed"] == "timed out after 30 s; it counts as 0"
    first, last = ledger.of("no-relevant")[0], ledger.of("no-relevant")[-1]
    assert (first.item, first.reason) == ("hopeless", "no item is judged relevant (label 1 or above); skipped by mrr")
    assert last.reason == "no item is judged relevant (label 2 or above); skipped by recall(level=2)@5"
    assert [e.item for e in ledger.of("not-judged")] == ["extra"]


def test_vocabularies_and_query_order_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    ids = [f"d{i}" for i in range(40)]
    rankings = {f"q{q}": {ids[i]: float(rng.integers(5)) for i in rng.permutation(40)[:20]} for q in range(15)}
    qrels = {q: {ids[i]: int(rng.integers(0, 3)) for i in rng.permutation(40)[:10]} for q in rankings}
    run, judgements = Run.from_dict(rankings), Judgements.from_dict(qrels)
    names = ["ndcg@5", "map", "bpref", "judged@5"]
    plain = score(run, judgements, names).values
    row = {id_: i for i, id_ in enumerate(ids)}
    shared = Judgements(
        list(qrels), judgements.offsets, np.array([row[judgements.item_ids[i]] for i in judgements.items], np.int32),
        judgements.labels, ids,
    )  # fmt: skip
    mapped = np.array([row[id_] for id_ in run.item_ids], np.int32)[run.items]
    same_vocabulary = Run.of(list(rankings), run.query_index, mapped, run.scores, ids)
    np.testing.assert_array_equal(score(same_vocabulary, shared, names).values, plain)
    np.testing.assert_array_equal(score(run, shared, names).values, plain)
    np.testing.assert_array_equal(score(run.select(list(qrels)[::-1]), judgements, names).values, plain)


def test_the_ideal_counts_what_was_not_retrieved() -> None:
    judgements = Judgements.from_dict({"q": dict.fromkeys("abcdefghij", 1)})
    assert score(Run.from_dict({"q": {"a": 1.0}}), judgements, "ndcg@10").values[0, 0] < 0.25


def test_repeated_items_never_lift_a_score() -> None:
    run = Run.of(["q"], [0, 0, 0], [0, 0, 0], [3.0, 2.0, 1.0], ["a"])
    values = score(run, Judgements.from_dict({"q": {"a": 3}}), ["ndcg@10", "recall@10", "p@3", "map"]).values[0]
    assert values.tolist() == pytest.approx([1.0, 1.0, 1 / 3, 1.0])


def test_a_run_for_other_queries_is_refused() -> None:
    with pytest.raises(InputError, match=r"none of the run's 1 queries .* is judged"):
        score(Run.from_dict({"other": {"a": 1.0}}), JUDGEMENTS, "mrr")


def test_an_empty_run_scores_zero_and_is_counted() -> None:
    for run in (Run.from_dict({}), Run.of(list(QRELS), [], [], [], ["a"])):
        for ties in ("trec", "expected"):
            scores = score(run, JUDGEMENTS, ["ndcg@10", "mrr", "hit@1", "map", "rbp(p=0.8)", "judged@1"], ties=ties)
            assert np.nansum(scores.values) == 0
            assert scores.ledger.counts()["not-retrieved"] == 5


def test_labels_too_large_for_exponential_gain() -> None:
    run, judgements = Run.from_dict({"q": {"a": 1.0}}), Judgements.from_dict({"q": {"a": 5000}})
    assert score(run, judgements, "ndcg@10").values[0, 0] == 1.0
    with pytest.raises(InputError, match="use gain=linear"):
        score(run, judgements, "ndcg(gain=exp)@10")


def test_ids_that_no_file_can_hold_are_matched_all_the_same() -> None:
    run = Run.from_dict({"q": {"half \ud800": 2.0, "b": 1.0}})
    judgements = Judgements.from_dict({"q": {"half \ud800": 1, "c": 1}})
    assert score(run, judgements, "recall@1").values[0, 0] == 0.5


def test_ids_of_another_chunking_are_pointed_out() -> None:
    scores = score(
        Run.from_dict({"q": {"doc1#0": 2.0, "doc1#1": 1.0}}), Judgements.from_dict({"q": {"doc1": 1}}), "map"
    )
    assert scores.values[0, 0] == 0
    assert [e.reason[:44] for e in scores.ledger.of("nothing-judged")] == [
        "none of the 2 retrieved items is judged: are"
    ]
    assert "nothing-judged" not in score(RUN, JUDGEMENTS, "map").ledger.counts()
