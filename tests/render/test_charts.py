"""The charts of a real evaluation: valid, drawn, the same every time, and saying what they show."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.outcomes import parse_guardrail
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import CoverageRule, LatencyRule, MetricRule, Rules
from ragbench.core.foreign import in_lines
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import NO_SCORES
from ragbench.io.scored_runs import read_scored
from ragbench.render.charts import Chart, all_charts
from ragbench.render.charts.differences import differences, differences_frame
from ragbench.render.charts.limits import gate_charts
from ragbench.render.charts.outcomes import ab_charts
from ragbench.render.charts.theme import config
from ragbench.render.figures import VEGA_LITE, picture, write_figures

ARMS = ("bm25", "bm25:k1=0.2,b=0.1", "bm25:k1=4.0,b=1.0")
NAMES = [
    "leaderboard", "differences-ndcg-10", "differences-recall-10", "quality-latency", "by-cut-ndcg", "by-cut-hit",
    "by-cut-recall", "slices-type", "slice-differences-type", "overlap", "rank-changes",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation")
    shop = sample_data / "shop"
    named = [word for arm in ARMS for word in ("--retriever", arm)]
    done = ragbench(
        "eval", "--corpus", shop / "product_catalog.csv", "--golden", shop / "golden.jsonl", *named, "--out", out
    )
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def texts(sample_data: Path) -> dict[str, str]:
    return {d.id: f"{d.title} {d.text}" for d in rb.load_corpus(sample_data / "shop" / "product_catalog.csv")}


@pytest.fixture(scope="module")
def runs(folder: Path) -> tuple[ScoredRun, ...]:
    return read_scored(folder)


def compared(runs: Sequence[ScoredRun]) -> Compared:
    return compare_runs(runs, CompareSettings(metrics=("ndcg@10", "recall@10"), by=("type",), margin=0.02))


@pytest.fixture(scope="module")
def charts(runs: tuple[ScoredRun, ...], texts: dict[str, str]) -> list[Chart]:
    return all_charts(runs, compared(runs), texts=texts)


@pytest.fixture(scope="module")
def verdict_charts(runs: tuple[ScoredRun, ...], sample_data: Path) -> list[Chart]:
    rules = Rules(
        rules=(
            MetricRule(metric="ndcg@10", margin=0.02, by="type"),
            MetricRule(metric="recall@10", min=0.85),
            LatencyRule(latency="p95", max_ms=2000.0),
            CoverageRule(coverage="answered", min=0.9),
        )
    )
    experiment = AbSettings(guardrails=(parse_guardrail("latency_ms:max_increase=5%"),))
    tested = analyse(sample_data / "experiment" / "events.csv", experiment)
    return [*gate_charts(decide_gate(runs[0], runs[1], rules)), *ab_charts(tested)]


def marks(chart: Chart) -> dict[str, int]:
    """How many marks of each kind are drawn, by role ``mark``."""
    import vl_convert

    drawn = vl_convert.vegalite_to_scenegraph(json.dumps(picture(chart)), vl_version=VEGA_LITE, config=config("light"))
    found: dict[str, int] = {}

    def walk(node: dict[str, Any]) -> None:
        if node.get("role") == "mark":
            kind = str(node["marktype"])
            found[kind] = found.get(kind, 0) + len(node.get("items", []))
        for item in node.get("items", []):
            walk(item)

    walk(drawn["scenegraph"])
    return found


def test_every_chart_is_there(charts: list[Chart], verdict_charts: list[Chart]) -> None:
    assert [chart.name for chart in charts] == NAMES
    assert [chart.name for chart in verdict_charts] == [
        "gate-differences", "gate-scores", "gate-latency", "ab-converted", "ab-order-value",
        "ab-order-value-converted", "ab-latency-ms",
    ]  # fmt: skip


def test_charts_and_themes_follow_the_schema_of_vega_lite(charts: list[Chart], verdict_charts: list[Chart]) -> None:
    import altair
    import jsonschema

    # One of each kind, for a validation takes a while.
    kinds = {chart.name.split("-")[0]: chart for chart in (*charts, *verdict_charts)}
    assert len(kinds) == 10
    for i, chart in enumerate(kinds.values()):
        themed: dict[str, Any] = {**chart.spec, "config": config("dark" if i % 2 else "light")}
        altair.LayerChart.from_dict(themed, validate=True)
    with pytest.raises(jsonschema.ValidationError, match="tall"):
        altair.LayerChart.from_dict({**charts[0].spec, "height": {"tall": 1}}, validate=True)


def test_what_the_evaluation_printed_is_drawn_and_said(charts: list[Chart], folder: Path) -> None:
    arms = json.loads((folder / "results.json").read_text())["arms"]
    board = charts[0]
    shown = {value["system"]: value for value in board.spec["data"]["values"]}
    for arm in arms:
        metric = arm["metrics"]["ndcg@10"]
        for ours, theirs in (("value", "mean"), ("low", "low"), ("high", "high")):
            assert shown[arm["name"]][ours] == pytest.approx(metric[theirs], abs=1e-6)
        mean, low, high = (f"{metric[name]:.3f}".lstrip("0") for name in ("mean", "low", "high"))
        assert f"{arm['name']} {mean} [{low}, {high}]" in board.description
    cuts = next(chart for chart in charts if chart.name == "by-cut-recall").spec["data"]["values"]
    for arm in arms:
        for value in cuts:
            stored = arm["metrics"].get(f"recall@{value['cut']}")
            if stored and value["system"] == arm["name"]:
                assert (value["value"], value["low"]) == pytest.approx((stored["mean"], stored["low"]), abs=1e-6)


def test_marks_are_drawn_for_every_figure(charts: list[Chart], verdict_charts: list[Chart]) -> None:
    drawn = {chart.name: marks(chart) for chart in (*charts, *verdict_charts)}
    # A dot and an interval of each arm, its name and its figures, both with a halo.
    assert drawn["leaderboard"] == {"rule": 3, "symbol": 3, "text": 12}
    # Two arms, the line of zero and the band of the margin.
    assert drawn["differences-ndcg-10"] == {"rect": 1, "rule": 3, "symbol": 2, "text": 8}
    for chart in charts:
        if chart.name.startswith("by-cut"):
            assert drawn[chart.name]["symbol"] == len(chart.rows)
    assert drawn["gate-scores"]["symbol"] == 2
    assert drawn["ab-converted"]["rule"] == 3  # one look, any look, zero


def drawn_texts(chart: Chart, width: int) -> dict[str, float]:
    """Left edge of every name in the picture, in pixels."""
    import vl_convert

    spec = json.dumps(picture(chart, width=width))
    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, config=config("light"))
    found = re.findall(r'transform="translate\((-?[\d.]+),[^)]*\)"[^>]*font-weight="600"[^>]*>([^<]+)<', svg)
    return {name: float(x) for x, name in found}


def test_names_step_aside_of_the_zero_line(runs: tuple[ScoredRun, ...]) -> None:
    """All differences are positive: the line stands at the left, where the names begin."""
    frame = differences_frame(compared(runs).verdicts)
    one = (
        frame[frame["metric"] == "ndcg@10"]
        .head(1)
        .assign(difference=0.2, low=0.1, high=0.3, candidate="dense", margin=None)
    )
    assert drawn_texts(differences(one, "ndcg@10"), 600)["dense"] > 14
    assert drawn_texts(differences(one.assign(low=-0.3), "ndcg@10"), 600)["dense"] == 0


def test_charts_of_nothing_are_left_out(runs: tuple[ScoredRun, ...], texts: dict[str, str]) -> None:
    """A metric without values has no slices, and one query no trend; their pictures would have no height or one dot."""
    empty = [replace(run, scores=replace(run.scores, values=np.full_like(run.scores.values, np.nan))) for run in runs]
    made = [chart.name for chart in all_charts(empty, compared(empty), texts=texts)]
    assert not [name for name in made if name.startswith("slice")]
    alone = [chart.name for chart in all_charts(runs[:1], texts=dict(list(texts.items())[:1]))]
    assert "quality-latency" not in alone
    assert "overlap" not in alone


def test_the_same_input_gives_the_same_bytes_in_every_process(folder: Path, runs: tuple[ScoredRun, ...]) -> None:
    code = (
        "import sys, json; from ragbench.io.scored_runs import read_scored; "
        "from ragbench.render.charts import all_charts; "
        "made = all_charts(read_scored(sys.argv[1])); "
        "print(json.dumps([[c.name, c.title, c.description, c.spec, c.rows] for c in made]))"
    )
    seeded = {**os.environ, "PYTHONHASHSEED": "1"}
    out = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=seeded, capture_output=True, check=True, text=True
    ).stdout
    made = all_charts(runs)
    assert out == json.dumps([[c.name, c.title, c.description, c.spec, c.rows] for c in made]) + "\n"


def test_figures_are_pictures_with_the_same_bytes(charts: list[Chart], tmp_path: Path) -> None:
    from PIL import Image

    chosen = [charts[0], charts[-1]]
    first = write_figures(chosen, tmp_path / "a", width=600, scale=1.5)
    second = write_figures(chosen, tmp_path / "b", width=600, scale=1.5, theme="light")
    assert [path.name for path in first] == [
        "leaderboard.png", "leaderboard.svg", "rank-changes.png", "rank-changes.svg"
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    with Image.open(first[0]) as image:
        assert image.width == pytest.approx(900, abs=3)
    assert "bm25:k1=0.2,b=0.1" in first[1].read_text()
    dark = write_figures(chosen[:1], tmp_path / "c", theme="dark")
    assert "#15181d" in dark[1].read_text()


def test_a_figure_that_cannot_be_written_is_told(charts: list[Chart], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(rb.InputError, match=r"figures= .*taken"):
        write_figures(charts[:1], tmp_path / "taken")


def test_the_table_beside_a_chart_is_complete(charts: list[Chart], verdict_charts: list[Chart]) -> None:
    for chart in (*charts, *verdict_charts):
        assert chart.rows, chart.name
        assert {len(row) for row in chart.rows} == {len(chart.head)}, chart.name
        assert all(isinstance(cell, str) for row in chart.rows for cell in row), chart.name
        assert chart.spec["description"] == chart.description
        json.dumps(chart.spec, allow_nan=False)


def test_twelve_hostile_names_stay_text(runs: tuple[ScoredRun, ...], texts: dict[str, str]) -> None:
    bad = [
        "<script>alert(1)</script>",
        "a'b\"c",
        "x[0].y",
        "{{7*7}}",
        "\u202eabc",
        "datum.row",
        "${1}",
        "\\",
        "😀",
        "",
        " ",
    ]
    first, rest = runs[0], itertools.cycle(runs[1:])
    twelve = [first, *(replace(run, name=name) for name, run in zip(bad, rest, strict=False))]
    made = all_charts(twelve, compared(twelve), texts=texts)
    assert [chart.name for chart in made] == NAMES
    for chart in made:
        seen = marks(chart)
        assert seen["symbol"] > 0, chart.name
    assert marks(made[0]) == {"rule": 12, "symbol": 12, "text": 48}
    shown = {value["system"] for value in made[0].spec["data"]["values"]}
    assert set(map(in_lines, bad)) < shown


def test_what_has_no_data_has_no_chart(runs: tuple[ScoredRun, ...]) -> None:
    failed = ScoredRun("broken", NO_SCORES, runs[0].queries, error="the index is empty")
    assert all_charts([failed]) == []
    alone = [chart.name for chart in all_charts([runs[0], failed])]
    assert alone == ["leaderboard", "by-cut-ndcg", "by-cut-hit", "by-cut-recall", "slices-type"]
    # As of scored answers: no rankings, no times, and what a query costs.
    bare = [
        replace(run, run=None, judgements=None, latency_ms={}, cost_per_query=0.001 * i) for i, run in enumerate(runs)
    ]
    assert [chart.name for chart in all_charts(bare, by=())] == ["leaderboard", "quality-cost"]


def test_a_run_without_any_value_is_shown_as_such(runs: tuple[ScoredRun, ...]) -> None:
    import numpy as np

    scores = runs[1].scores
    empty = replace(runs[1], scores=replace(scores, values=np.full_like(scores.values, np.nan)))
    pair = [runs[0], empty]
    made = all_charts(pair, compared(pair))
    assert made[0].rows[-1][1:4] == ("-", "-", "-")
    assert marks(made[0])["symbol"] == 1
    assert made[1].rows[0][6] == "not comparable"
