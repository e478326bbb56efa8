"""Forest plot: paired differences with their intervals, the zero line, and the margin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ragbench.core.verdicts import Verdict
from ragbench.render.charts._frames import rows_figure
from ragbench.render.charts.chart import (
    Chart,
    Spec,
    estimate_text,
    file_part,
    look,
    number,
    records,
    rows_of,
    rule_at,
    share,
)
from ragbench.render.numbers import p_value

if TYPE_CHECKING:
    import pandas as pd

LONG = 50
"""From this length on, the title of the axis has two lines, so that a phone shows all of it."""
COLUMNS = (
    "baseline", "candidate", "metric", "difference", "low", "high", "confidence", "margin", "p",
    "p_adjusted", "decision", "n", "wins", "ties", "losses",
)  # fmt: skip


def differences_frame(verdicts: Sequence[Verdict]) -> "pd.DataFrame":
    """Return one row per verdict over all queries; the columns are the attributes of `Verdict` in `COLUMNS`.

    A missing difference, interval or margin is NaN.
    """
    import pandas as pd

    found = [[getattr(one, name) for name in COLUMNS] for one in verdicts if not one.slice]
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(("difference", "low", "high", "margin", "p", "p_adjusted"), float))


def differences(frame: "pd.DataFrame", metric: str) -> Chart:
    """Draw dots with intervals; shape and colour show the decision.

    Args:
        frame: columns of `differences_frame`; only the rows of the metric are shown, in their order.
        metric: name of the metric.
    """
    chosen = frame[frame["metric"] == metric]
    several = chosen["baseline"].nunique() > 1
    against = "" if several or chosen.empty else f" to {chosen['baseline'].iloc[0]}"
    pairs = list(chosen[["candidate", "baseline"]].itertuples(index=False, name=None))
    names = [f"{candidate} minus {baseline}" if several else candidate for candidate, baseline in pairs]
    said = [_said(row) for row in rows_of(chosen)]
    alone, p = ([p_value(value) for value in chosen[name]] for name in ("p", "p_adjusted"))
    confidence = f"{100 * float(chosen['confidence'].iloc[0]):g}%" if len(chosen) else "95%"
    shown = chosen.rename(columns={"difference": "value"}).assign(row=names, said=said, p=alone, p_adjusted=p)
    margin = number(chosen["margin"].max()) if len(chosen) else None
    listed = "; ".join(
        f"{name} {text} ({row.decision})" for name, text, row in zip(names, said, rows_of(chosen), strict=True)
    )
    band = "" if margin is None else f" Differences within {share(margin)} are within the margin."
    description = f"Paired difference of {metric}{against} with its {confidence} interval: {listed}.{band}"
    hover = [("row", "system"), ("said", f"difference [{confidence}]"), ("p", "p"), ("p_adjusted", "p, corrected")]
    hover += [("decision", "decision"), ("n", "queries"), ("wins", "wins"), ("ties", "ties"), ("losses", "losses")]
    title = [f"difference of {metric}{against}, {confidence} interval"]
    if len(title[0]) > LONG:
        title = [f"difference of {metric}", f"{against.strip()}, {confidence} interval"]
    spec = rows_figure(
        description,
        records(shown),
        title if margin is None else [*title, f"grey: within {share(margin)}, the margin"],
        look=look([str(name) for name in chosen["decision"]]),
        hover=hover,
        scale={"zero": True},
        below=[*([] if margin is None else [_band(margin)]), rule_at(0.0)],
        format="+.3~f",
        aside=True,
    )
    rows = tuple(
        (name, share(row.difference, signed=True), share(row.low, signed=True), share(row.high, signed=True), p_,
         adjusted, str(row.decision), f"{row.wins}/{row.ties}/{row.losses}")
        for name, p_, adjusted, row in zip(names, alone, p, rows_of(chosen), strict=True)
    )  # fmt: skip
    head = ("system", "difference", "low", "high", "p", "p, corrected", "decision", "win/tie/loss")
    name = f"differences-{file_part(metric)}"
    return Chart(name, f"Paired differences{against}: {metric}", description, spec, head, rows)


def _band(margin: float) -> Spec:
    return {
        "data": {"values": [{"from": -margin, "to": margin}]},
        "mark": {"type": "rect", "style": "margin", "aria": False},
        "encoding": {"x": {"field": "from", "type": "quantitative"}, "x2": {"field": "to"}},
    }


def _said(row: Any) -> str:
    if number(row.difference) is None:
        return "not comparable"
    return estimate_text(row.difference, row.low, row.high, signed=True)
