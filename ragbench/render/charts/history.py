"""A baseline over time: each stored run with its interval, the best so far, and another anchor."""

from typing import TYPE_CHECKING

from ragbench.comparison.gate.history import History
from ragbench.render.charts.chart import BANDS_HINT, Chart, Spec, estimate_text, file_part, lines_figure, rows_of

if TYPE_CHECKING:
    import pandas as pd

BEST = "best so far"
NUMBERS = ("value", "low", "high")


def history_frame(history: History) -> "pd.DataFrame":
    """One row per stored run for the baseline, the best so far, and the anchor.

    Columns: ``system``, the name of the baseline, `BEST` or the anchor's name; ``place``, from 1; ``state``, the label
    or the place; ``arm``, the system; ``value``, ``low``, ``high``: the mean with its interval.
    """
    import pandas as pd

    found = []
    for i, entry in enumerate(history.entries):
        state = entry.label or f"{i + 1}"
        best, anchor = history.best[i], history.anchor
        shown = [(history.name, entry.arm, entry.metrics)]
        if best is not None:
            shown.append((BEST, history.entries[best].arm, history.entries[best].metrics))
        if anchor is not None:
            shown.append((anchor.name, anchor.arm, anchor.metrics))
        for system, arm, metrics in shown:
            value = metrics[history.metric]
            found.append((system, i + 1, state, arm, value["mean"], value["low"], value["high"]))
    frame = pd.DataFrame(found, columns=["system", "place", "state", "arm", *NUMBERS])
    return frame.astype(dict.fromkeys(NUMBERS, float))


def history_chart(frame: "pd.DataFrame", history: History) -> Chart:
    """Lines with bands.

    Args:
        frame: columns of `history_frame`.
        history: what it is of.
    """
    names = list(dict.fromkeys(frame["system"]))
    said = [estimate_text(row.value, row.low, row.high) for row in rows_of(frame)]
    own = frame["system"] == history.name
    # One band: those of the anchors would cover it.
    shown = frame.assign(said=said, low=frame["low"].where(own), high=frame["high"].where(own))
    ends = [part.iloc[[0, -1]] for _, part in shown.groupby("system", sort=False)]
    listed = "; ".join(f"{part.system.iloc[0]} {part.said.iloc[0]} first, {part.said.iloc[-1]} last" for part in ends)
    description = f"{history.metric} of the {len(history.entries)} runs that were stored as {history.name}: {listed}."
    axis = {"labelAngle": -45, "labelOverlap": True, "grid": False}
    x: Spec = {"field": "place", "type": "ordinal", "title": "stored run, oldest first", "axis": axis}
    hover = (("system", "line"), ("state", "state"), ("arm", "system"), ("said", history.metric))
    spec = lines_figure(description, shown, f"{history.metric}, 95% interval", x, names, hover)
    rows = tuple((row.system, row.state, row.arm, row.said) for row in rows_of(shown))
    title = f"{history.name} over time: {history.metric}"
    head = ("line", "state", "system", history.metric)
    return Chart(f"history-{file_part(history.name)}", title, description, spec, head, rows, BANDS_HINT)
