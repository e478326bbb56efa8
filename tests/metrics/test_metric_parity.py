"""Every value against pytrec_eval, ir-measures and arithmetic written out."""

import math
import re
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics import lookup
from ragbench.metrics.base import Metric
from ragbench.metrics.parse import parse
from ragbench.metrics.score import score

TREC_FAMILIES = {
    "ndcg",
    "ndcg_cut.1,3,10",
    "map",
    "map_cut.1,3,10",
    "P.1,3,10",
    "recall.1,3,10",
    "success.1,3,10",
    "recip_rank",
    "Rprec",
    "bpref",
}
TREC_NAMES = ["ndcg", "map", "recip_rank", "Rprec", "bpref"] + [
    f"{family}_{k}" for family in ("ndcg_cut", "map_cut", "P", "recall", "success") for k in (1, 3, 10)
]

# Measures whose printed name is not trec_eval's.
TREC_MEASURES = {
    "set_p": "set_P",
    "set_recall": "set_recall",
    "set_f": "set_F",
    "num_ret": "num_ret",
    "num_rel": "num_rel",
    "num_rel_ret": "num_rel_ret",
    "bing": "binG",
    "infap": "infAP",
    "11pt_avg": "11pt_avg",
    **{f"iprec@{tenth / 10}": f"iprec_at_recall_{tenth / 10:.2f}" for tenth in range(11)},
}

ITEMS = st.sampled_from([f"d{i}" for i in range(25)] + ["D", "é", "日本", "d", "~"])
QUERIES = st.sampled_from([f"q{i}" for i in range(6)])
LABELS = st.dictionaries(ITEMS, st.integers(-2, 4), max_size=25)
# Scores close together: many exact ties, and some that are ties in single precision only.
SCORES = st.integers(-3, 3).map(float) | st.sampled_from([1.0, 1.0 + 1e-9, 1.0 + 1e-3, 1e-300, -0.0]) | st.floats(-5, 5)
QRELS = st.dictionaries(QUERIES, LABELS, min_size=1, max_size=6)
RANKINGS = st.dictionaries(QUERIES, st.dictionaries(ITEMS, SCORES, max_size=25), min_size=1, max_size=6)


def at_single(rankings: dict[str, dict[str, float]]) -> Run:
    """A run that compares scores as pytrec_eval does, which is trec_eval 9."""
    return Run.from_dict(rankings).at_precision("single")


def values(run: Run, judgements: Judgements, names: list[str], **options: str) -> dict[str, dict[str, float]]:
    scores = score(run, judgements, names, **options)  # type: ignore[arg-type]
    assert len(scores.metrics) == len(names)
    return {
        q: dict(zip(names, row, strict=True)) for q, row in zip(scores.query_ids, scores.values.tolist(), strict=True)
    }


@settings(max_examples=300, deadline=None)
@given(QRELS, RANKINGS)
def test_equal_to_trec_eval(qrels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]]) -> None:
    judgements, run = Judgements.from_dict(qrels), at_single(rankings)
    if set(qrels).isdisjoint(rankings):
        return
    ours = values(run, judgements, TREC_NAMES)
    # pytrec_eval crashes on a query whose labels are all negative.
    usable = {q: labels for q, labels in qrels.items() if max(labels.values(), default=-1) >= 0}
    theirs = pytrec_eval.RelevanceEvaluator(usable, TREC_FAMILIES).evaluate({q: r for q, r in rankings.items() if r})
    assert list(ours) == list(qrels)
    for query, row in ours.items():
        relevant = sum(label > 0 for label in qrels[query].values())
        for name, value in row.items():
            if relevant == 0:
                assert math.isnan(value)
            elif query not in theirs:
                assert value == 0.0
            else:
                assert value == pytest.approx(theirs[query][name], abs=1e-9), (query, name)


@settings(max_examples=100, deadline=None)
@given(QRELS, RANKINGS)
def test_relevance_level_is_trec_evals(qrels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]]) -> None:
    both = {q for q in qrels if rankings.get(q) and any(label >= 2 for label in qrels[q].values())}
    if not both:
        return
    names = ["map(level=2)", "mrr(level=2)", "p(level=2)@3", "recall(level=2)@3", "rprec(level=2)", "bpref(level=2)"]
    trec = ["map", "recip_rank", "P_3", "recall_3", "Rprec", "bpref"]
    ours = values(at_single(rankings), Judgements.from_dict(qrels), names)
    theirs = pytrec_eval.RelevanceEvaluator({q: qrels[q] for q in both}, TREC_FAMILIES, relevance_level=2).evaluate(
        {q: rankings[q] for q in both}
    )
    for query in both:
        for name, other in zip(names, trec, strict=True):
            assert ours[query][name] == pytest.approx(theirs[query][other], abs=1e-9), (query, name)


@settings(max_examples=200, deadline=None)
@given(QRELS, RANKINGS, st.integers(1, 3))
def test_measures_of_trec_eval(
    qrels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]], level: int
) -> None:
    both = {q: qrels[q] for q in qrels if rankings.get(q) and any(label >= level for label in qrels[q].values())}
    if not both:
        return
    names = [str(parse_metric(name, level)) for name in TREC_MEASURES]
    ours = values(at_single(rankings), Judgements.from_dict(qrels), names)
    families = {re.sub(r"_[0-9.]+$", "", name) for name in TREC_MEASURES.values()}
    theirs = pytrec_eval.RelevanceEvaluator(both, families, relevance_level=level).evaluate(rankings)
    for query in both:
        for name, other in zip(names, TREC_MEASURES.values(), strict=True):
            assert ours[query][name] == pytest.approx(theirs[query][other], abs=1e-9), (query, name)


@settings(max_examples=150, deadline=None)
@given(QRELS, RANKINGS)
def test_judged_only_is_trec_evals(qrels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]]) -> None:
    both = {q: qrels[q] for q in qrels if rankings.get(q) and any(label >= 1 for label in qrels[q].values())}
    if not both:
        return
    trec = {**{name: name for name in TREC_NAMES}, **TREC_MEASURES}
    names = [str(replace(parse(name), judged_only=True)) for name in trec]
    ours = values(at_single(rankings), Judgements.from_dict(qrels), names)
    families = TREC_FAMILIES | {re.sub(r"_[0-9.]+$", "", name) for name in TREC_MEASURES.values()}
    theirs = pytrec_eval.RelevanceEvaluator(both, families, judged_docs_only_flag=True).evaluate(rankings)
    for query in both:
        for name, other in zip(names, trec.values(), strict=True):
            if rankings[query].keys() & {item for item, label in qrels[query].items() if label >= 0}:
                assert ours[query][name] == pytest.approx(theirs[query][other], abs=1e-9), (query, name)


def parse_metric(name: str, level: int) -> Metric:
    metric = parse(name)
    return replace(metric, level=level) if "level" in metric.settings() else metric  # type: ignore[call-arg]


def test_the_measures_of_sets_without_anything_retrieved_or_relevant() -> None:
    judgements = Judgements.from_dict({"none": {"a": 1}, "hopeless": {"a": 0, "b": -1}, "two": {"a": 1, "b": 2}})
    run = Run.from_dict({"hopeless": {"a": 2.0, "b": 1.0}, "two": {"b": 3.0, "x": 2.0, "y": 1.0}})
    names = ["set_p", "set_recall", "set_f", "set_f(beta=2)", "num_ret", "num_rel", "num_rel_ret", "bing", "iprec@0"]
    ours = values(run, judgements, names)
    assert list(ours["none"].values()) == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert {name for name, value in ours["hopeless"].items() if not math.isnan(value)} == {
        "num_ret", "num_rel", "num_rel_ret"
    }  # fmt: skip
    # P = 1/3 and R = 1/2: F1 = 2 P R / (P + R) = 2/5, F2 = 5 P R / (4 P + R) = 5/11.
    assert list(ours["two"].values()) == pytest.approx([1 / 3, 1 / 2, 2 / 5, 5 / 11, 3, 2, 1, 1 / 2, 1])


@settings(max_examples=100, deadline=None)
@given(QRELS, st.dictionaries(QUERIES, st.permutations([f"d{i}" for i in range(25)]), min_size=1))
def test_equal_to_ir_measures_without_ties(qrels: dict[str, dict[str, int]], orders: dict[str, list[str]]) -> None:
    rankings = {q: {item: float(100 - i) for i, item in enumerate(order)} for q, order in orders.items()}
    queries = [q for q in qrels if q in rankings and any(label > 0 for label in qrels[q].values())]
    if not queries:
        return
    qrels = {q: qrels[q] for q in queries}
    names = ["RR@10", "Judged@10", "AP(rel=2)@5", "R(rel=2)@5", "Success@3", "nDCG@7"]
    ours = values(Run.from_dict(rankings), Judgements.from_dict(qrels), names)
    measures = [ir_measures.parse_measure(name) for name in names]
    for metric in ir_measures.iter_calc(measures, qrels, {q: rankings[q] for q in queries}):
        value = ours[metric.query_id][names[measures.index(metric.measure)]]
        if math.isnan(value):
            assert not any(label >= 2 for label in qrels[metric.query_id].values())
            assert metric.value == 0
        else:
            assert value == pytest.approx(metric.value, abs=1e-9), metric


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=25), st.integers(1, 30))
def test_exponential_gain_equals_scikit_learn(labels: list[int], k: int) -> None:
    if not any(labels):
        return
    scores = [float(-i) for i in range(len(labels))]
    run = Run.from_dict({"q": {f"d{i}": s for i, s in enumerate(scores)}})
    judgements = Judgements.from_dict({"q": {f"d{i}": label for i, label in enumerate(labels)}})
    theirs = ndcg_score([[2**label - 1 for label in labels]], [scores], k=k)
    assert values(run, judgements, [f"ndcg(gain=exp)@{k}"])["q"] == {
        f"ndcg(gain=exp)@{k}": pytest.approx(theirs, abs=1e-9)
    }


def test_values_written_out() -> None:
    # Ranking a b c d e; b and e are relevant (3 and 1), a is judged 0, c and d are not judged,
    # f (label 2) and g (label 0) are not retrieved. R = 3, N = 2.
    qrels = {"q": {"a": 0, "b": 3, "e": 1, "f": 2, "g": 0}}
    rankings = {"q": {"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 1.0}}
    log = math.log2
    expected = {
        "hit@1": 0.0,
        "hit@2": 1.0,
        "mrr": 1 / 2,
        "mrr@1": 0.0,
        "p@10": 2 / 10,
        "recall@10": 2 / 3,
        "recall@2": 1 / 3,
        "capped_recall@2": 1 / 2,
        "map": (1 / 2 + 2 / 5) / 3,
        "map@2": (1 / 2) / 3,
        "rprec": 1 / 3,
        "judged@2": 1.0,
        "judged@10": 3 / 10,
        # One judged non-relevant item stands above both; min(R, N) = 2.
        "bpref": ((1 - 1 / 2) + (1 - 1 / 2)) / 3,
        "ndcg@2": (3 / log(3)) / (3 + 2 / log(3)),
        "ndcg": (3 / log(3) + 1 / log(6)) / (3 + 2 / log(3) + 1 / 2),
        "ndcg(gain=exp)": (7 / log(3) + 1 / log(6)) / (7 + 3 / log(3) + 1 / 2),
        "recall(level=2)@5": 1 / 2,
        "rbp(p=0.5)": 0.5 * (0.5 + 0.5**4),
        "rbp(p=0.5)@2": 0.5 * 0.5,
        # Ranks 3 and 4 are not judged, and nothing stands below rank 5.
        "rbp_residual(p=0.5)": 0.5 * (0.5**2 + 0.5**3) + 0.5**5,
        "rbp_residual(p=0.5)@2": 0.5**2,
    }
    ours = values(Run.from_dict(rankings), Judgements.from_dict(qrels), list(expected))["q"]
    assert ours == pytest.approx(expected, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(QRELS, RANKINGS, st.integers(1, 40), st.sampled_from([1, 8]))
def test_batches_and_crowded_tables_change_nothing(
    qrels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]], rows: int, room: int
) -> None:
    judgements, run = Judgements.from_dict(qrels), Run.from_dict(rankings).select(list(qrels))
    row_of = {id_: i for i, id_ in enumerate(run.item_ids)}
    items = np.array([row_of.get(judgements.item_ids[i], -1) for i in judgements.items], dtype=np.int32)
    found = lookup.Table(judgements.offsets, items, rows_per_batch=rows, room=room).find(run.offsets, run.items)
    labels = [
        (query, rank, qrels[query][item])
        for i, query in enumerate(run.query_ids)
        for rank, (item, _) in enumerate(run.ranking(i))
        if item in qrels[query]
    ]
    query = judgements.query_index[found.judgement]
    assert labels == [
        (run.query_ids[q], row - run.offsets[q], label)
        for q, row, label in zip(query, found.row, judgements.labels[found.judgement], strict=True)
    ]


def test_a_large_random_run_equals_trec_eval() -> None:
    rng = np.random.default_rng(7)
    queries, depth, vocabulary = 300, 200, 3000
    ids = [f"d{i}" for i in range(vocabulary)]
    items = np.stack([rng.permutation(vocabulary)[:depth] for _ in range(queries)])
    run = Run.of(
        [f"q{i}" for i in range(queries)],
        np.repeat(np.arange(queries), depth),
        items.ravel(),
        rng.integers(0, 60, queries * depth),
        ids,
    )
    qrels = {
        f"q{i}": {
            ids[d]: int(label)
            for d, label in zip(rng.permutation(vocabulary)[:600], rng.integers(-1, 4, 600), strict=True)
        }
        for i in rng.permutation(queries)
    }
    ours = values(run, Judgements.from_dict(qrels), TREC_NAMES)
    theirs = pytrec_eval.RelevanceEvaluator(qrels, TREC_FAMILIES).evaluate(run.to_dict())
    for query, row in ours.items():
        for name, value in row.items():
            assert value == pytest.approx(theirs[query][name], abs=1e-9), (query, name)
