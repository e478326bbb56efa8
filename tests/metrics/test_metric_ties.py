"""Expected values under ties: against every permutation written out, and scikit-learn."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from ragbench.core.errors import SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics.score import score

NAMES = [
    "hit@1", "hit@3", "mrr", "mrr@2", "ndcg", "ndcg@3", "ndcg(gain=exp)@2", "recall@3", "capped_recall@2", "p@3",
    "p@10", "map", "map@3", "rprec", "judged@3", "rbp(p=0.7)", "rbp(p=0.7)@2", "rbp_residual(p=0.7)@3", "map(level=2)",
    "set_p", "set_recall", "set_f", "num_ret", "num_rel", "num_rel_ret", "ndcg(gain=0,1,1,4)@3",
    "ndcg(judged_only=true)@3", "map(judged_only=true)", "mrr(judged_only=true)",
]  # fmt: skip
ITEMS = "abcdefg"


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*ITEMS, "x", "y"]), st.integers(-1, 3), min_size=1),
    st.lists(st.integers(0, 2), min_size=1, max_size=6),
)
def test_equal_to_the_mean_over_all_orders(labels: dict[str, int], tiers: list[int]) -> None:
    judgements = Judgements.from_dict({"q": labels})
    items = ITEMS[: len(tiers)]
    ours = score(
        Run.from_dict({"q": dict(zip(items, map(float, tiers), strict=True))}), judgements, NAMES, ties="expected"
    )
    groups = [[i for i, t in zip(items, tiers, strict=True) if t == tier] for tier in sorted(set(tiers), reverse=True)]
    rankings = [
        [item for group in orders for item in group]
        for orders in itertools.product(*(itertools.permutations(group) for group in groups))
    ]
    run = Run.from_dict(
        {f"q{n}": {item: -float(i) for i, item in enumerate(order)} for n, order in enumerate(rankings)}
    )
    every = Judgements.from_dict({f"q{n}": labels for n in range(len(rankings))})
    mean = score(run, every, NAMES).values.mean(axis=0)
    np.testing.assert_allclose(ours.values[0], mean, atol=1e-12)


def test_no_ties_no_difference() -> None:
    rng = np.random.default_rng(3)
    run = Run.from_dict({f"q{q}": {f"d{i}": float(s) for i, s in enumerate(rng.permutation(50))} for q in range(20)})
    qrels = {f"q{q}": {f"d{i}": int(rng.integers(-1, 4)) for i in rng.permutation(80)[:30]} for q in range(20)}
    judgements = Judgements.from_dict(qrels)
    trec, expected = score(run, judgements, NAMES), score(run, judgements, NAMES, ties="expected")
    np.testing.assert_allclose(trec.values, expected.values, atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=30), st.integers(1, 12))
@settings(deadline=None)
def test_ndcg_equals_scikit_learn(rows: list[tuple[int, int]], k: int) -> None:
    labels, tiers = [row[0] for row in rows], [row[1] for row in rows]
    if not any(labels):
        return
    run = Run.from_dict({"q": {f"d{i}": float(t) for i, t in enumerate(tiers)}})
    judgements = Judgements.from_dict({"q": {f"d{i}": label for i, label in enumerate(labels)}})
    ours = score(run, judgements, f"ndcg@{k}", ties="expected").values[0, 0]
    assert ours == pytest.approx(ndcg_score([labels], [tiers], k=k), abs=1e-12)


def test_a_constant_retriever_gets_the_value_of_chance() -> None:
    # 1 relevant item of 10, all tied: the expected reciprocal rank is the mean of 1/1 ... 1/10.
    run = Run.from_dict({"q": {f"d{i}": 1.0 for i in range(10)}})
    judgements = Judgements.from_dict({"q": {"d9": 1}})
    assert score(run, judgements, "mrr").values[0, 0] == 1.0
    assert score(run, judgements, "mrr", ties="expected").values[0, 0] == pytest.approx(
        sum(1 / i for i in range(1, 11)) / 10
    )


def test_metrics_without_an_expected_value_say_so() -> None:
    run, judgements = Run.from_dict({"q": {"a": 1.0}}), Judgements.from_dict({"q": {"a": 1}})
    with pytest.raises(SettingError, match=r"bpref has no expected value under ties; remove it or use ties='trec'"):
        score(run, judgements, ["mrr", "bpref"], ties="expected")
    with pytest.raises(SettingError, match="did you mean 'expected'"):
        score(run, judgements, "mrr", ties="expcted")  # type: ignore[arg-type]
