"""An A/B test: every challenger's difference to the control, with the interval of one look and that of any look."""

from typing import TYPE_CHECKING

from ragbench.comparison.ab.results import AbResult, Contrast, OutcomeResult
from ragbench.render.ab import number_text
from ragbench.render.charts._frames import layout, row_place, rows_figure
from ragbench.render.charts.chart import (
    Chart,
    Spec,
    file_part,
    known,
    look,
    number,
    quantitative,
    records,
    rows_of,
    rule_at,
)
from ragbench.render.numbers import p_value

if TYPE_CHECKING:
    import pandas as pd


def outcome_frame(outcome: OutcomeResult, result: AbResult) -> "pd.DataFrame":
    """Return one row per challenger.

    Columns: ``row``, the challenger; ``value``, ``low``, ``high``: difference to the control with the interval of one
    look; ``any_low``, ``any_high``: the interval that holds for any number of looks; NaN where there is none. Shares
    are in percentage points. ``p``: corrected, of the test that decides; ``decision``: ``better``, ``worse``,
    or ``no difference shown``.
    """
    import pandas as pd

    times = 100.0 if outcome.percent else 1.0
    found = []
    for one in outcome.contrasts:
        p = one.p_adjusted if result.final else one.sequence_p_adjusted
        ends = [one.difference, one.low, one.high, one.sequence.low, one.sequence.high]
        found.append(
            (one.challenger, *(None if end is None else times * end for end in ends), p, _decision(one, p, result))
        )
    frame = pd.DataFrame(found, columns=["row", "value", "low", "high", "any_low", "any_high", "p", "decision"])
    return frame.astype(dict.fromkeys(("value", "low", "high", "any_low", "any_high", "p"), float))


def outcome_chart(frame: "pd.DataFrame", outcome: OutcomeResult, result: AbResult) -> Chart:
    """Draw dots with two intervals: a thick line for one look, a thin one for any look.

    Args:
        frame: columns of `outcome_frame`.
        outcome: name of the outcome.
        result: the analysis, for control and level.
    """
    control, unit = result.variants[0].name, " in points" if outcome.percent else ""
    said = [signed(row.value, row.low, row.high) for row in rows_of(frame)]
    any_look = [signed(row.value, row.any_low, row.any_high) for row in rows_of(frame)]
    p = [p_value(value) for value in frame["p"]]
    level = f"{100 * (1 - result.alpha):g}%"
    listed = "; ".join(
        f"{row.row} {one}, any look {many} ({row.decision})"
        for row, one, many in zip(rows_of(frame), said, any_look, strict=True)
    )
    description = f"Difference of {outcome.name} to {control}{unit} with its {level} interval of one look: {listed}."
    hover = (("row", "variant"), ("said", "one look"), ("any_look", "any look"), ("p", "p"), ("decision", "decision"))
    spec = rows_figure(
        description,
        records(frame.assign(said=said, any_look=any_look, p=p)),
        [f"{outcome.name}: difference to {control}{unit}", f"{level} intervals: thick of one look, thin of any look"],
        look=look([str(name) for name in frame["decision"]]),
        hover=hover,
        scale={"zero": True},
        below=[rule_at(0.0), _any_look(layout(frame["row"]).dot)],
        format="+,~r",
        aside=True,
    )
    rows = tuple(
        (str(row.row), one, many, p_, str(row.decision))
        for row, one, many, p_ in zip(rows_of(frame), said, any_look, p, strict=True)
    )
    head = ("variant", "one look", "any look", "p", "decision")
    title = f"{outcome.name}: difference to {control}"
    return Chart(f"ab-{file_part(outcome.name)}", title, description, spec, head, rows)


def ab_charts(result: AbResult) -> list[Chart]:
    """Build one chart per outcome; none if the split is broken, because the differences then mean nothing."""
    if not result.srm_ok:
        return []
    return [outcome_chart(outcome_frame(outcome, result), outcome, result) for outcome in result.outcomes]


def _any_look(lower: int) -> Spec:
    return {
        "transform": known("any_low", "any_high"),
        "mark": {"type": "rule", "strokeWidth": 1, "yOffset": lower, "aria": False},
        "encoding": {"x": quantitative("any_low"), "x2": {"field": "any_high"}, "y": row_place()},
    }


def _decision(one: Contrast, p: float, result: AbResult) -> str:
    if p >= result.alpha or not one.difference:
        return "no difference shown"
    return "better" if one.better else "worse"


def signed(value: float, low: float, high: float) -> str:
    """Format a difference as ``+5.08 [+1.87, +8.29]``, and a missing one as ``-``."""
    if number(value) is None:
        return "-"
    texts = [
        number_text(end) if end < 0 else f"+{number_text(end)}" for end in (value, low, high) if number(end) is not None
    ]
    return texts[0] if len(texts) < 3 else f"{texts[0]} [{texts[1]}, {texts[2]}]"
