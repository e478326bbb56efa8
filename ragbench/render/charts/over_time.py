"""An A/B test over time: the difference of all units so far with the interval of any look, and each day's own."""

from typing import TYPE_CHECKING

from ragbench.comparison.ab.results import AbResult, OutcomeResult
from ragbench.render.charts.chart import (
    BANDS_HINT,
    Chart,
    Spec,
    file_part,
    known,
    lines_figure,
    number,
    only_chosen,
    quantitative,
    rows_of,
)
from ragbench.render.charts.outcomes import signed

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("value", "low", "high", "alone", "alone_low", "alone_high")


def over_time_frame(outcome: OutcomeResult, result: AbResult) -> "pd.DataFrame":
    """Return one row per challenger and day.

    Columns: ``system``, the challenger; ``day``, ISO; ``value``, ``low``, ``high``: difference of all units so far with
    the interval that holds for any number of looks; ``alone``, ``alone_low``, ``alone_high``: that day's units by
    themselves, with the interval of one look; ``units`` of the day, ``so_far``. NaN where there is none; shares are in
    percentage points. Empty for an analysis without `AbResult.over_time`.
    """
    import pandas as pd

    times = 100.0 if outcome.percent else 1.0
    found = []
    for one in result.over_time:
        if one.outcome == outcome.name:
            ends = (one.so_far, one.any_low, one.any_high, one.difference, one.low, one.high)
            scaled = (None if end is None else times * end for end in ends)
            found.append((one.challenger, one.day, *scaled, one.units, one.units_so_far))
    frame = pd.DataFrame(found, columns=["system", "day", *NUMBERS, "units", "so_far"])
    return frame.astype(dict.fromkeys(NUMBERS, float))


def over_time(frame: "pd.DataFrame", outcome: OutcomeResult, result: AbResult) -> Chart:
    """Draw lines with bands; small circles are single days.

    Args:
        frame: columns of `over_time_frame`.
        outcome: name of the outcome.
        result: the analysis, for control and level.
    """
    control, unit = result.variants[0].name, " in points" if outcome.percent else ""
    level = f"{100 * (1 - result.alpha):g}%"
    said = [signed(row.value, row.low, row.high) for row in rows_of(frame)]
    alone = [signed(row.alone, row.alone_low, row.alone_high) for row in rows_of(frame)]
    names = list(dict.fromkeys(frame["system"]))
    listed = "; ".join(f"{name} {_course(frame[frame['system'] == name])}" for name in names)
    description = (
        f"Difference of {outcome.name} to {control}{unit}, of all units up to each day, with its {level} interval for "
        f"any number of looks: {listed}. Small circles are the units of single days by themselves."
    )
    hover = (
        ("system", "variant"), ("day", "day"), ("said", "all so far, any look"), ("so_far", "units so far"),
        ("alone_said", "that day alone, one look"), ("units", "units of the day"),
    )  # fmt: skip
    axis = {"labelAngle": -45, "labelOverlap": True, "grid": False}
    x: Spec = {"field": "day", "type": "ordinal", "title": "day, UTC; small circles: that day alone", "axis": axis}
    shown = frame.assign(said=said, alone_said=alone)
    spec = lines_figure(description, shown, f"difference to {control}{unit}, {level} any look", x, names, hover)
    spec = {**spec, "layer": [_zero(), _days(x, spec["layer"][1]["encoding"]["color"]), *spec["layer"]]}
    rows = tuple(
        (f"{row.day} {row.system}" if len(names) > 1 else str(row.day), str(row.units), day, str(row.so_far), total)
        for row, day, total in zip(rows_of(frame), alone, said, strict=True)
    )
    head = ("day", "units", "that day alone", "units so far", "all so far, any look")
    title = f"{outcome.name} over time: difference to {control}"
    return Chart(f"ab-over-time-{file_part(outcome.name)}", title, description, spec, head, rows, BANDS_HINT)


def over_time_charts(result: AbResult) -> list[Chart]:
    """Build one chart per outcome of an analysis over time; none if the split is broken."""
    if not result.srm_ok:
        return []
    frames = [(outcome, over_time_frame(outcome, result)) for outcome in result.outcomes]
    return [over_time(frame, outcome, result) for outcome, frame in frames if frame["value"].notna().any()]


def _zero() -> Spec:
    return {
        "data": {"values": [{"at": 0}]},
        "mark": {"type": "rule", "style": "zero", "aria": False},
        "encoding": {"y": {"field": "at", "type": "quantitative"}},
    }


def _days(x: Spec, colour: Spec) -> Spec:
    return {
        "transform": [only_chosen(), *known("alone")],
        "mark": {"type": "point", "filled": False, "size": 24, "opacity": 0.8, "aria": False},
        "encoding": {"x": x, "y": quantitative("alone"), "color": colour},
    }


def _course(frame: "pd.DataFrame") -> str:
    rows = [row for row in rows_of(frame) if number(row.value) is not None]
    ends = rows if len(rows) < 3 else (rows[0], rows[len(rows) // 2], rows[-1])
    return ", ".join(f"{signed(row.value, row.low, row.high)} on {row.day}" for row in ends)
