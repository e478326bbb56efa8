"""The chart of the main metric over evaluations of the same golden set."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.evaluations import Estimate
from ragbench.view.runs import FoundRun, System
from ragbench.view.trend import HEIGHT, LATEST, SERIES, WIDTH, trends


def run(at: int, *values: float, golden: str = "g1", metric: str = "ndcg@10") -> FoundRun:
    systems = tuple(
        System(f"s{n}", f"{value:.3f}", estimate=Estimate(value, value - 0.05, value + 0.05, 10))
        for n, value in enumerate(values)
    )
    manifest = {"golden": {"fingerprint": golden}}
    return FoundRun(f"{at:04x}", Path(), f"run{at}", float(at), at, golden="shop", metric=metric, systems=systems,
                    manifest=manifest)  # fmt: skip


def test_evaluations_of_a_set_are_in_order_of_time_and_others_are_apart() -> None:
    runs = [run(3, 0.7), run(1, 0.5, 0.55), run(2, 0.6), run(4, 0.9, golden="g2"), run(5, 0.9, metric="mrr"),
            replace(run(6, 0.1), fault="broken"), replace(run(7, 0.1), kind="answers")]  # fmt: skip
    (trend,) = trends(runs)
    assert [one.name for one in trend.runs] == ["run1", "run2", "run3"]
    assert [(series.name, [point.run.name for point in series.points]) for series in trend.series] == [
        ("s0", ["run1", "run2", "run3"]),
        ("s1", ["run1"]),
    ]


def test_places_are_those_of_the_values() -> None:
    (trend,) = trends([run(1, 0.5), run(2, 0.6), run(3, 0.65)])
    first, second, third = trend.series[0].points
    # Half way in value is half way in the chart.
    assert (first.y - second.y) / (second.y - third.y) == pytest.approx(2, abs=0.02)
    assert first.low - first.y == pytest.approx(first.y - first.high, abs=0.2)
    assert second.x - first.x == pytest.approx(third.x - second.x, abs=0.2)
    by_label = {text: y for y, text in trend.ticks}
    assert by_label[".600"] == second.y
    for point in trend.series[0].points:
        assert 0 <= point.high <= point.low <= HEIGHT
        assert 0 <= point.x <= WIDTH


def test_long_histories_and_many_systems_are_cut_and_counted() -> None:
    (trend,) = trends([run(at, *([0.5] * (SERIES + 2))) for at in range(LATEST + 5)])
    assert (len(trend.runs), trend.every, len(trend.series), trend.more) == (LATEST, LATEST + 5, SERIES, 2)
    assert trend.runs[-1].name == f"run{LATEST + 4}"
    (same,) = trends([replace(run(at, 0.5), systems=(System("s", "1", estimate=Estimate(1.0, None, None, 3)),))
                      for at in range(2)])  # fmt: skip
    assert same.series[0].points[0].low == same.series[0].points[0].y


def test_home_links_each_point_to_its_report(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    page = client.get("/").text
    by_name = keys_of(client)
    drawn = re.search(r'<section class="trend".*?</section>', page, re.DOTALL)
    assert drawn is not None
    points = re.findall(r'<a href="/report\?runs=([0-9a-f]+)" aria-label="([^"]+?) in ', drawn[0])
    assert sorted(points) == sorted(
        [(by_name["first"], "bm25"), (by_name["first"], "bm25:stem=false"), (by_name["later/second"], "bm25:b=0.2")]
    )
