"""What the charts are drawn from, against hand arithmetic, pandas, and what the evaluation wrote."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import NO_SCORES, Scores
from ragbench.metrics.ndcg import NDCG
from ragbench.metrics.score import score
from ragbench.render.charts.by_cut import by_cut_frame, families
from ragbench.render.charts.differences import differences_frame
from ragbench.render.charts.leaderboard import leaderboard_frame
from ragbench.render.charts.overlap import overlap_frame, query_overlaps
from ragbench.render.charts.rank_changes import rank_changes_frame
from ragbench.render.charts.slices import slice_differences_frame, slices_frame
from ragbench.render.charts.tradeoff import pareto_front, tradeoff, tradeoff_frame

METRIC = "ndcg@10"


def scored(name: str, values: Sequence[float], types: Sequence[str] | None = None, **more: object) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [f"text {i}" for i in ids], types or [""] * len(ids), ids)
    run = ScoredRun(name, Scores(ids, (METRIC,), np.array(values, dtype=np.float64)[:, None]), table)
    return replace(run, **more)  # type: ignore[arg-type]


def ranked(name: str, rankings: dict[str, Sequence[str]], labels: dict[str, dict[str, int]]) -> ScoredRun:
    """Rankings, best first, scored by their labels."""
    given = {id_: {item: float(-place) for place, item in enumerate(items)} for id_, items in rankings.items()}
    run, judgements = Run.from_dict(given), Judgements.from_dict(labels)
    ids = list(labels)
    table = QueryTable(ids, ids, [""] * len(ids), ids)
    return ScoredRun(name, score(run, judgements, [METRIC, "ndcg@3"]), table, run.select(ids), judgements)


def test_the_leaderboard_has_the_best_first_whichever_way_is_better() -> None:
    runs = [
        scored("low", [0.2, 0.4]),
        scored("high", [0.8, 0.6]),
        ScoredRun("gone", NO_SCORES, scored("", []).queries, error="x"),
    ]
    frame = leaderboard_frame(runs, METRIC)
    assert frame["system"].tolist() == ["high", "low"]
    assert frame["mean"].tolist() == pytest.approx([0.7, 0.3])
    assert (frame["low"] < frame["mean"]).all()
    assert (frame["mean"] < frame["high"]).all()

    def directed(direction: str) -> list[str]:
        turned = [replace(run, scores=replace(run.scores, directions={METRIC: direction})) for run in runs[:2]]
        return list(leaderboard_frame(turned, METRIC)["system"])

    assert directed("lower") == ["low", "high"]
    assert directed("none") == ["low", "high"]
    assert leaderboard_frame(runs, "mrr").empty


def test_differences_are_the_verdicts() -> None:
    rng = np.random.default_rng(3)
    before = rng.uniform(size=60)
    runs = [
        scored("a", before.tolist()),
        scored("b", (before + 0.1).tolist()),
        scored("c", rng.uniform(size=60).tolist()),
    ]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,), margin=0.05))
    frame = differences_frame(found.verdicts)
    assert frame["candidate"].tolist() == ["b", "c"]
    assert frame["difference"].tolist() == [v.difference for v in found.verdicts]
    assert frame["decision"].tolist() == [v.decision for v in found.verdicts]
    assert frame["margin"].tolist() == [0.05, 0.05]


def test_the_pareto_front_is_what_nothing_beats() -> None:
    price = np.array([1.0, 2.0, 2.0, 3.0, 4.0, np.nan, 1.0])
    quality = np.array([0.5, 0.7, 0.6, 0.7, 0.9, 1.0, 0.5])
    # 2 is no better than 1 and as cheap; 3 is as good as 1 and dearer; two that are equal both stay.
    assert pareto_front(price, quality).tolist() == [True, True, False, False, True, False, True]


def test_a_front_on_a_metric_of_which_less_is_better() -> None:
    runs = [
        scored(name, [value] * 3, latency_ms={"p50": ms, "p95": 2 * ms})
        for name, value, ms in (("quick", 0.5, 1.0), ("slow", 0.2, 9.0), ("worse", 0.6, 5.0))
    ]
    assert tradeoff_frame(runs, METRIC, "latency")["front"].tolist() == [True, False, True]
    turned = [replace(run, scores=replace(run.scores, directions={METRIC: "lower"})) for run in runs]
    frame = tradeoff_frame(turned, METRIC, "latency")
    assert frame["front"].tolist() == [True, True, False]
    assert frame["p95"].tolist() == [2.0, 18.0, 10.0]
    assert tradeoff_frame(runs, METRIC, "cost").empty


def test_cuts_are_scored_as_the_evaluation_scored_them() -> None:
    rng = np.random.default_rng(1)
    items = [f"d{i}" for i in range(30)]
    rankings = {f"q{i}": rng.permutation(items)[:20].tolist() for i in range(25)}
    labels = {f"q{i}": dict(zip(rng.permutation(items)[:3].tolist(), (1, 1, 2), strict=True)) for i in range(25)}
    run = ranked("a", rankings, labels)
    frame = by_cut_frame([run, scored("no rankings", [0.5])], NDCG(k=1)).set_index("cut")
    assert frame.index.tolist() == [1, 2, 3, 5, 10, 20]
    assert frame.loc[10, "value"] == pytest.approx(run.scores.means()["ndcg@10"])
    assert frame.loc[3, "value"] == pytest.approx(run.scores.means()["ndcg@3"])
    assert [str(metric) for metric in families([run])] == ["ndcg@1", "hit@1", "recall@1"]


def test_families_keep_the_gain_that_was_scored() -> None:
    run = scored("a", [0.5])
    run = replace(run, scores=replace(run.scores, metrics=("ndcg(gain=exp)@7",)))
    assert [str(metric) for metric in families([run])] == ["ndcg(gain=exp)@1", "hit@1", "recall@1"]


def test_slices_are_means_by_group() -> None:
    rng = np.random.default_rng(2)
    values, types = rng.uniform(size=50), [("keyword", "question", "")[i % 3] for i in range(50)]
    frame = slices_frame([scored("a", values.tolist(), types)], METRIC, "type")
    expected = pd.Series(values).groupby([type_ or "(none)" for type_ in types]).mean()
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == pytest.approx(expected.to_dict())
    assert frame["queries"].sum() == 50


def test_slice_differences_have_an_interval_where_they_were_tested() -> None:
    types = ["few"] * 3 + ["many"] * 30
    rng = np.random.default_rng(2)
    runs = [scored(name, rng.uniform(size=33).tolist(), types) for name in "ab"]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,), by=("type",)))
    frame = slice_differences_frame(found.slices, "type").set_index("slice")
    assert np.isnan(frame.loc["few", "low"])
    assert frame.loc["few", "decision"] == "not tested"
    assert frame.loc["many", "low"] < frame.loc["many", "value"] < frame.loc["many", "high"]
    assert slice_differences_frame(found.slices, "length").empty


def test_overlap_is_the_share_of_content_words_in_the_best_graded_items() -> None:
    queries = ["red bicycle helmet", "the green teapot", "of the"]
    labels = Judgements.from_dict({"q0": {"a": 2, "b": 2, "c": 1}, "q1": {"a": 1}, "q2": {"a": 1}})
    texts = {"a": "A helmet, red as bicycles are.", "b": "Bicycle.", "c": "red bicycle helmet"}
    # q0: a has all three words (stemmed), b one of three; c has a lower grade. q1: none of two. q2: no content word.
    found = query_overlaps(queries, ["q0", "q1", "q2"], labels, texts)
    assert found[:2] == pytest.approx([(1 + 1 / 3) / 2, 0.0])
    assert np.isnan(found[2])
    assert np.isnan(query_overlaps(queries, ["q0", "q1", "q2"], labels, {})).all()


def test_parts_of_the_overlap_hold_every_query_and_keep_equal_ones_together() -> None:
    words = ["apple", "banana", "cherry", "damson", "elderberry", "figs", "grape", "hazel", "iris", "jasmine"]
    queries = [" ".join(words[: 1 + i % 10]) for i in range(200)]
    ids = [f"q{i}" for i in range(200)]
    labels = {id_: {"x": 1} for id_ in ids}
    run = ranked("a", {id_: ["x"] for id_ in ids}, labels)
    run = replace(run, queries=QueryTable(ids, queries, [""] * 200, ids))
    frame = overlap_frame([run], METRIC, {"x": "apple"})
    # One word of one to ten is there: ten different shares, twenty queries each.
    assert frame["n"].tolist() == [20] * 10
    assert frame["overlap"].tolist() == pytest.approx(sorted(1 / n for n in range(1, 11)))
    few = overlap_frame([run.select(np.arange(25))], METRIC, {"x": "apple"})
    assert len(few) == 2
    assert few["n"].sum() == 25


def test_rank_changes_count_first_relevant_ranks() -> None:
    labels = {"q0": {"x": 1}, "q1": {"x": 1}, "q2": {"x": 1, "y": 2}, "q3": {"x": 0}}
    mine = ranked("a", {"q0": ["x"], "q1": ["b", "c", "x"], "q2": ["y", "x"], "q3": ["x"]}, labels)
    other = ranked("b", {"q0": ["b"], "q1": ["x"], "q2": ["x", "y"], "q3": ["x"]}, labels)
    frame = rank_changes_frame(mine, [other, scored("no rankings", [0.5])])
    cells = {(row.before, row.after, row.change): row.queries for row in frame.itertuples()}
    # q3 has nothing relevant.
    assert cells == {("1", "none", "worse"): 1, ("3", "1", "better"): 1, ("1", "1", "no difference shown"): 1}


def test_price_is_drawn_with_its_interval_and_not_with_its_spread() -> None:
    latency = {"p50": 5.0, "p95": 50.0, "p99": 60.0}
    runs = [
        scored("timed", [0.2, 0.4], latency_ms=latency, intervals={"p50": (4.0, 7.0)}),
        scored("few", [0.3, 0.1], latency_ms=latency),
    ]
    frame = tradeoff_frame(runs, METRIC, "latency")
    assert frame[["least", "most"]].iloc[0].tolist() == [4.0, 7.0]
    assert frame[["least", "most"]].iloc[1].isna().all()
    chart = tradeoff(frame, METRIC, "latency")
    assert [row[2] for row in chart.rows] == ["5 ms [4, 7] (p95 50)", "5 ms (p95 50)"]
    drawn = [layer["encoding"] for layer in chart.spec["layer"] if "x2" in layer["encoding"]]
    assert [(one["x"]["field"], one["x2"]["field"]) for one in drawn] == [("least", "most")]
    assert drawn[0]["x"]["title"] == "ms per query, median and 95% interval"
    paid = [scored("paid", [0.2, 0.4], cost_per_query=0.3, intervals={"cost_per_query": (0.1, 0.5)})]
    assert tradeoff(tradeoff_frame(paid, METRIC, "cost"), METRIC, "cost").rows[0][2] == "0.3 [0.1, 0.5]"
