"""Attributes of documents as slices of queries, and the exposure of groups of items."""

from dataclasses import replace
from math import log2

import numpy as np
import pytest
from scipy.stats import t

from ragbench.comparison.exposure import exposure, gaps
from ragbench.core.attributes import of_queries, values_of
from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score

CATEGORY = {"a": "tents", "b": "tents", "c": "shoes", "d": "shoes"}
RUN = Run.from_dict({"q1": {"a": 3, "c": 2, "x": 1}, "q2": {"d": 2, "b": 1}, "q3": {"a": 1}})
LABELS = Judgements.from_dict({"q1": {"a": 1}, "q2": {"d": 2, "b": 1}, "q3": {"c": 0}})


def system(run: Run = RUN, labels: Judgements = LABELS, category: dict[str, str] | None = None) -> ScoredRun:
    scores = score(run, labels, parse_all(["ndcg@10"]))
    ids = list(labels.query_ids)
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), [f"query:{id_}" for id_ in ids])
    return ScoredRun(
        "s", scores, table, run, labels, attributes={"category": CATEGORY if category is None else category}
    )


def test_exposure_by_hand() -> None:
    found = exposure(system(), "category")
    first, second, third = 1.0, 1 / log2(3), 1 / log2(4)
    q1 = np.array([first, second, third]) / (first + second + third)
    q2 = np.array([first, second]) / (first + second)
    tents, shoes, none = (next(g for g in found.groups if g.label == label) for label in ("tents", "shoes", "(none)"))
    assert tents.relevant == pytest.approx((1 + 0.5) / 2)
    assert tents.exposure == pytest.approx((q1[0] + q2[1]) / 2)
    assert shoes.exposure == pytest.approx((q1[1] + q2[0]) / 2)
    assert none.exposure == pytest.approx(q1[2] / 2)
    assert tents.gap == pytest.approx(tents.exposure - tents.relevant)
    gap = np.array([q1[0] - 1, q2[1] - 0.5])
    reach = t.ppf(1 - 0.025 / 3, 1) * gap.std(ddof=1) / np.sqrt(2)
    assert (tents.low, tents.high) == pytest.approx((gap.mean() - reach, gap.mean() + reach))
    assert (found.queries, found.skipped) == (2, 1)
    assert found.largest.label == "tents"
    assert sum(group.gap for group in found.groups) == pytest.approx(0)


def test_only_the_first_ranks_count() -> None:
    found = gaps(system(), "category", depth=1)
    assert found.exposure.tolist() == [[0, 1], [1, 0]]
    assert found.labels == ("shoes", "tents")


def test_what_has_no_exposure_is_refused() -> None:
    with pytest.raises(InputError, match="no such attribute"):
        exposure(system(), "brand")
    with pytest.raises(InputError, match="numbers"):
        exposure(system(category={"a": 1.0}), "category")  # type: ignore[dict-item]
    with pytest.raises(InputError, match="no rankings"):
        exposure(replace(system(), run=None), "category")


def test_values_of_documents() -> None:
    rows: list[tuple[str, dict[str, object]]] = [
        ("a", {"x": " tents "}), ("b", {"x": True}), ("c", {"x": ["no"]}), ("d", {}), ("e", {"x": ""}), ("f", {"x": 3}),
    ]  # fmt: skip
    assert values_of("x", rows) == {"a": "tents", "b": "true", "f": "3"}
    assert values_of("y", [("a", {"y": "1"}), ("b", {"y": 2})]) == {"a": 1.0, "b": 2.0}
    assert values_of("y", [("a", {"y": "nan"}), ("b", {"y": 2})]) == {"a": "nan", "b": "2"}


def test_a_query_has_the_value_of_most_of_its_relevant_items() -> None:
    labels = Judgements.from_dict(
        {"q1": {"a": 1, "b": 1, "c": 1}, "q2": {"a": 1, "c": 2}, "q3": {"x": 1}, "q4": {"a": 0}, "q5": {"c": 1}}
    )
    assert of_queries(labels, CATEGORY) == ["tents", "(several)", None, None, "shoes"]
    assert of_queries(labels, {"a": 1.0, "b": 2.0, "c": 6.0}) == [3.0, 3.5, None, None, 6.0]


def test_rare_values_are_one_group() -> None:
    items = {f"d{i}": f"brand {i}" for i in range(300)}
    run = Run.from_dict({f"q{i}": {f"d{i}": 2.0, f"d{(i + 1) % 300}": 1.0} for i in range(300)})
    labels = Judgements.from_dict({f"q{i}": {f"d{i % 250}": 1} for i in range(300)})
    found = gaps(system(run, labels, items), "category")
    assert len(found.labels) == 201
    assert "(others)" in found.labels
    assert found.exposure.sum(axis=1) == pytest.approx(1)
    assert found.relevant.sum(axis=1) == pytest.approx(1)
