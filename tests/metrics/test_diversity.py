"""Measures of diversity, against loops over their definitions and values of ndeval."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.references import read_references
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.io.trec import read_intents
from ragbench.metrics.score import score
from ragbench.metrics.settings import EvaluationSettings

ITEMS = [f"d{i}" for i in range(9)]
BY_INTENT = st.dictionaries(st.sampled_from("123"), st.dictionaries(st.sampled_from(ITEMS), st.integers(-1, 3)))
QRELS = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), BY_INTENT, min_size=1)
ORDERS = st.lists(st.sampled_from([*ITEMS, "x", "y"]), unique=True, max_size=11)

Labels = dict[str, dict[str, int]]


def err_ia(order: list[str], labels: Labels, k: int, top: int) -> float:
    values = []
    for row in labels.values():
        if not any(label > 0 for label in row.values()):
            continue
        value, reached = 0.0, 1.0
        for rank, item in enumerate(order[:k], 1):
            stop = (2 ** max(row.get(item, 0), 0) - 1) / 2**top
            value += reached * stop / rank
            reached *= 1 - stop
        values.append(value)
    return sum(values) / len(values)


def alpha_dcg(order: list[str], labels: Labels, k: int, alpha: float) -> float:
    seen, total = dict.fromkeys(labels, 0), 0.0
    for rank, item in enumerate(order[:k], 1):
        for intent, row in labels.items():
            if row.get(item, 0) > 0:
                total += (1 - alpha) ** seen[intent] / np.log2(rank + 1)
                seen[intent] += 1
    return total


def greedy(labels: Labels, alpha: float) -> list[str]:
    left = sorted({item for row in labels.values() for item in row}, reverse=True)
    seen, order = dict.fromkeys(labels, 0), list[str]()
    while left:
        gains = [
            sum((1 - alpha) ** seen[intent] for intent, row in labels.items() if row.get(item, 0) > 0) for item in left
        ]
        best = left.pop(gains.index(max(gains)))
        order.append(best)
        for intent, row in labels.items():
            seen[intent] += row.get(best, 0) > 0
    return order


@settings(max_examples=200, deadline=None)
@given(QRELS, st.lists(ORDERS, min_size=3, max_size=3), st.integers(1, 12), st.sampled_from([0.0, 0.5, 1.0]))
def test_equal_to_the_definitions(qrels: dict[str, Labels], orders: list[list[str]], k: int, alpha: float) -> None:
    ranked = dict(zip(("q1", "q2", "q3"), orders, strict=True))
    run = Run.from_dict({query: {item: -float(i) for i, item in enumerate(row)} for query, row in ranked.items()})
    names = [f"alpha_ndcg(alpha={alpha})@{k}", f"err_ia(max_label=3)@{k}", "map"]
    found = score(run, Judgements.from_intents(qrels), names)
    for query, (ndcg, err, _) in zip(found.query_ids, found.values.tolist(), strict=True):
        labels = qrels[query]
        if not any(label > 0 for row in labels.values() for label in row.values()):
            assert np.isnan([ndcg, err]).all()
            continue
        ideal = alpha_dcg(greedy(labels, alpha), labels, k, alpha)
        assert ndcg == pytest.approx(alpha_dcg(ranked[query], labels, k, alpha) / ideal, abs=1e-12)
        assert err == pytest.approx(err_ia(ranked[query], labels, k, 3), abs=1e-12)
    highest = {
        query: {item: max(row.get(item, -9) for row in labels.values()) for row in labels.values() for item in row}
        for query, labels in qrels.items()
    }
    np.testing.assert_array_equal(found.column("map"), score(run, Judgements.from_dict(highest), "map").values[:, 0])


LINES = "1 1 a 1\n1 2 a 1\n1 1 b 1\n1 3 c 0\n1 2 d 2\n"
RANKED = {"1": {"x": 5.0, "b": 4.0, "a": 3.0, "d": 1.0}}


def test_values_of_ndeval(tmp_path: Path) -> None:
    # pyndeval 0.0.8: alpha-nDCG@5 and ERR-IA@5, which divides by the largest value with labels of 0 and 1.
    (tmp_path / "qrels").write_text(LINES)
    found = score(Run.from_dict(RANKED), read_intents(tmp_path / "qrels"), ["alpha_ndcg@5", "err_ia(gain=0,1,1)@5"])
    largest = sum(0.5**rank / rank for rank in range(1, 6))
    assert found.values[0, 0] == pytest.approx(0.622213949234853, abs=1e-12)
    assert found.values[0, 1] / largest == pytest.approx(0.4084720121028745, abs=1e-12)


def test_compare_reads_intents_from_qrels(tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(
        "".join(LINES.replace("1 ", f"q{i} ", 1).replace("\n1 ", f"\nq{i} ") for i in range(9))
    )
    for name, order in (("one", "xbad"), ("two", "adbx")):
        rows = [f"q{i} Q0 {item} 0 {-rank} t\n" for i in range(9) for rank, item in enumerate(order)]
        (tmp_path / f"{name}.trec").write_text("".join(rows))
    paths = [str(tmp_path / f"{name}.trec") for name in ("one", "two")]
    runs = read_references(paths, qrels=tmp_path / "qrels", metrics=["alpha_ndcg@5"])
    (verdict,) = compare_runs(runs, CompareSettings(metrics=("alpha_ndcg@5",))).verdicts
    assert verdict.baseline_mean == pytest.approx(0.622213949234853)


def test_without_intents_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="alpha_ndcg@5 needs labels by intent"):
        score(Run.from_dict(RANKED), Judgements.from_dict({"1": {"a": 1}}), "alpha_ndcg@5")
    with pytest.raises(SettingError, match="err_ia@5: a golden set has no labels by intent"):
        EvaluationSettings(metrics=("err_ia@5",))
    (tmp_path / "qrels").write_text(LINES + "1 2 d 1\n")
    with pytest.raises(InputError, match="6: item 'd' is labelled 1 for query '2', and 2 further up"):
        read_intents(tmp_path / "qrels")
