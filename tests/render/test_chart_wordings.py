"""The chart of differences by wording: what it shows, that it is drawn, and where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from ragbench.api.plots import ComparedPlots
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.core.errors import InputError
from ragbench.core.scored import ScoredRun
from ragbench.render.charts import Chart, all_charts
from ragbench.render.charts.wordings import wording_differences, wordings_frame
from ragbench.render.wordings import wording_blocks
from tests.comparison.test_across_wordings import EACH, NAMES, runs
from tests.comparison.test_compare import METRIC
from tests.render.test_charts import marks


def three(gains: tuple[float, ...]) -> list[ScoredRun]:
    """A baseline, a candidate that gains this much by wording, and one that gains .1 in each."""
    first, second = runs(gains)
    third = runs((0.1,) * len(gains))[1]
    # The queries are mixed, so that the order of the chart is that of the wordings.
    mixed = np.random.default_rng(4).permutation(len(first.queries))
    return [
        replace(one, scores=one.scores.select(mixed), queries=one.queries.select(mixed))
        for one in (first, second, replace(third, name="c"))
    ]


@pytest.fixture
def compared() -> Compared:
    return compare_runs(three((0.11, 0.09, 0.02, -0.03, -0.08)), CompareSettings(metrics=(METRIC,)))


def chart_of(compared: Compared) -> Chart:
    return wording_differences(wordings_frame(compared.verdicts, METRIC, compared.baseline), compared.systems)


def test_each_wording_has_a_group_and_then_all_and_a_further_one(compared: Compared) -> None:
    chart = chart_of(compared)
    assert list(dict.fromkeys(row[0] for row in chart.rows)) == [*NAMES, "all", "further wording"]
    assert [row[1] for row in chart.rows[:4]] == ["b", "c", "b", "c"]
    found = compared.verdicts[0].wordings
    assert found is not None
    frame = wordings_frame(compared.verdicts, METRIC, compared.baseline).set_index(["system", "slice"])
    for part in found.parts:
        row = frame.loc[("b", part.wording)]
        assert (row["value"], row["low"], row["high"], row["queries"]) == (part.difference, part.low, part.high, EACH)
    further = frame.loc[("b", "further wording")]
    assert (further["low"], further["high"], further["same_sign"]) == (found.low, found.high, found.same_sign)
    assert further["confidence"] == pytest.approx(0.8)
    cells = dict(zip(chart.head, chart.rows[-2], strict=True))
    assert (cells["interval"], cells["same sign"], cells["queries"]) == (
        "80% prediction", f"{found.same_sign:.0%}", "-"
    )  # fmt: skip
    assert "short-copy: b -.0" in chart.description


def test_it_is_drawn_and_stands_among_the_charts_of_a_report(compared: Compared) -> None:
    charts = all_charts(three((0.11, 0.09, 0.02, -0.03, -0.08)), compared)
    assert [chart.name for chart in charts][1:3] == ["differences-ndcg-10", "wordings-ndcg-10"]
    drawn = marks(charts[2])
    assert drawn["symbol"] == 2 * 7
    # Seven headings, each with its halo.
    assert drawn["text"] == 14
    figures = {value["slice"]: value for value in charts[2].spec["data"]["values"] if value["system"] == "b"}
    assert figures["paraphrase"]["y"] < figures["short-copy"]["y"] < figures["all"]["y"]


def test_it_shows_the_figures_of_the_table(compared: Compared) -> None:
    """The table of the command and the one behind the chart are the same verdicts."""
    (block,) = wording_blocks(compared.verdicts, METRIC, lambda verdict: verdict.candidate)
    told = {str(row[0]): str(row[1]) for row in block.rows}
    for name, system, difference, low, high, *_ in chart_of(compared).rows:
        if system == "b" and name not in ("all", "further wording"):
            assert told[name] == f"{difference} [{low}, {high}]"
    assert list(told) == [*NAMES, "all", "further wording"]


def test_queries_without_wordings_have_no_such_chart() -> None:
    plain = [replace(one, queries=replace(one.queries, columns={})) for one in runs((0.1,) * 5)]
    compared = compare_runs(plain, CompareSettings(metrics=(METRIC,)))
    assert not any(chart.name.startswith("wordings") for chart in all_charts(plain, compared))
    with pytest.raises(InputError, match="not in several wordings"):
        ComparedPlots(compared).wordings()


def test_a_notebook_draws_it(compared: Compared) -> None:
    title = ComparedPlots(compared).wordings(theme="dark").to_dict()["title"]
    assert "by wording" in (title["text"] if isinstance(title, dict) else title)
