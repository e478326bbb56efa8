"""An A/B test day by day, against hand arithmetic and scipy."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

import ragbench as rb
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.outcomes import parse_outcome
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.core.errors import InputError, SettingError
from ragbench.render.ab import ab_json, read_ab
from ragbench.render.charts.over_time import over_time_charts

HEAD = "timestamp,user_id,variant_id,spent"
SMALL = [
    "2026-03-01T23:59:00,a,control,1", "2026-03-01T10:00:00,b,control,3",
    "2026-03-01T11:00:00,c,new,4", "2026-03-01T12:00:00,d,new,6",
    # A unit that comes back belongs to its first day, with all that it spent.
    "2026-03-02T12:00:00,d,new,2",
    "2026-03-02T00:00:00,e,control,8", "2026-03-03T08:00:00,f,new,0",
    ",g,new,100",
]  # fmt: skip


def analysed(path: Path, lines: list[str], **more: object) -> AbResult:
    path.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    settings = AbSettings(outcomes=(parse_outcome("spent:sum"),), over_time=True, **more)  # type: ignore[arg-type]
    return analyse(path, settings)


def test_days_by_hand(tmp_path: Path) -> None:
    result = analysed(tmp_path / "events.csv", SMALL)
    first, second, third = result.over_time
    assert [one.day for one in result.over_time] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    # Day 1: control 1 and 3, new 4 and 6 + 2; the means are 2 and 6.
    assert (first.units, first.difference, first.so_far) == (4, 4.0, 4.0)
    test = ttest_ind([4, 8], [1, 3], equal_var=False).confidence_interval()
    assert (first.low, first.high) == (pytest.approx(test.low), pytest.approx(test.high))
    # Day 2 has no unit of the challenger; control is (1 + 3 + 8) / 3 = 4 so far.
    assert (second.units, second.difference, second.low) == (1, None, None)
    assert (second.units_so_far, second.so_far) == (5, 2.0)
    # Day 3: new is (4 + 8 + 0) / 3 = 4.
    assert (third.units_so_far, third.so_far, third.any_low, third.any_p) == (6, 0.0, None, 1.0)
    assert "1 units have no time and are in none of the days" in result.notes


def test_so_far_has_the_boundary_of_the_paper_and_ends_with_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lines, values = [], {"control": list[float](), "new": list[float]()}
    for at in range(600):
        name = ("control", "new")[at % 2]
        value = round(float(rng.normal(10 + 2 * (name == "new"), 3)), 3)
        values[name].append(value)
        lines.append(f"2026-03-{1 + at // 300:02d}T00:00:{at % 60:02d},u{at},{name},{value}")
    result = analysed(tmp_path / "events.csv", lines, horizon=500)
    first, last = result.over_time
    one, two = np.array(values["new"][:150]), np.array(values["control"][:150])
    difference = one.mean() - two.mean()
    error = math.sqrt(one.var(ddof=1) / 150 + two.var(ddof=1) / 150)
    tuned = -2 * math.log(0.05)
    x = 300 * (tuned + math.log(1 + tuned)) / 500
    reach = error * math.sqrt(2 * (1 + 1 / x) * math.log(math.sqrt(1 + x) / 0.05))
    assert first.so_far == pytest.approx(difference)
    assert (first.any_low, first.any_high) == (pytest.approx(difference - reach), pytest.approx(difference + reach))
    (whole,) = result.outcomes[0].contrasts
    assert (last.so_far, last.any_low, last.any_high) == (whole.difference, whole.sequence.low, whole.sequence.high)
    assert last.difference is not None
    assert first.difference is not None
    assert (first.difference + last.difference) / 2 == pytest.approx(last.so_far)


def test_json_holds_it_and_gives_the_same_charts(tmp_path: Path, sample_data: Path) -> None:
    found = rb.ab(sample_data / "experiment" / "events.csv", over_time=True, outcomes=["converted", "clicked/events"])
    (tmp_path / "ab.json").write_text(json.dumps(ab_json(found)), "utf-8")
    read = read_ab(tmp_path / "ab.json")
    assert isinstance(read, AbResult)
    charts = over_time_charts(found)
    assert [chart.spec for chart in over_time_charts(read)] == [chart.spec for chart in charts]
    assert [chart.name for chart in charts] == ["ab-over-time-converted", "ab-over-time-clicked-events"]
    days = [one for one in found.over_time if one.outcome == "converted"]
    assert len(charts[0].rows) == len(days) == 14
    # Points: 13.38% of 94 and 95 users.
    assert charts[0].rows[0][2].startswith("+13.4 [+3.94, ")
    assert found.plot.over_time("clicked/events").to_dict()["layer"]
    with pytest.raises(InputError, match="did you mean 'converted'"):
        found.plot.over_time("convert")
    with pytest.raises(InputError, match="call ab with over_time=True"):
        rb.ab(sample_data / "experiment" / "events.csv").plot.over_time()


def test_it_needs_a_time(ragbench: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("user_id,variant_id,spent\n1,control,2\n2,new,3\n", "utf-8")
    done = ragbench("ab", events, "--outcome", "spent", "--over-time")
    assert (done.code, "--over-time needs a column of the time" in done.err) == (2, True)
    events.write_text("user_id,variant_id,spent,timestamp\n1,control,2,\n2,new,3,\n3,new,3,\n", "utf-8")
    settings = AbSettings(outcomes=(parse_outcome("spent:sum"),), over_time=True)
    with pytest.raises((InputError, SettingError), match="time"):
        analyse(events, settings)


def test_too_many_days_are_no_days(tmp_path: Path) -> None:
    lines = [f"{at * 90_000},u{at},{('control', 'new')[at % 2]},1" for at in range(1_100)]
    with pytest.raises(InputError, match="spans 1,100 days; name the column of the time by time="):
        analysed(tmp_path / "events.csv", lines)


def test_a_broken_split_draws_nothing(tmp_path: Path) -> None:
    lines = [f"2026-03-0{1 + i % 3}T10:00:00,u{i},{'new' if i % 3 else 'control'},{i % 7}" for i in range(900)]
    result = analysed(tmp_path / "events.csv", lines)
    assert not result.srm_ok
    for draw in (result.plot.over_time, result.plot.outcome):
        with pytest.raises(InputError, match="the split is not the one that was planned"):
            draw()
