"""A metric over time: the systems of many evaluations, each with its interval."""

from typing import TYPE_CHECKING

from ragbench.core.experiments import Experiments
from ragbench.render.charts.chart import BANDS_HINT, Chart, Spec, estimate_text, file_part, lines_figure, rows_of

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("value", "low", "high")
SHORT = 8
"""Characters of a fingerprint that are shown."""


def experiments_frame(experiments: Experiments) -> "pd.DataFrame":
    """One row per system and evaluation that has the metric, oldest first.

    Columns: ``system``, with its golden set if there are several; ``finished``, ISO 8601; ``folder``; ``value``,
    ``low``, ``high``: the mean with its interval.
    """
    import pandas as pd

    several = len({one.golden_fingerprint for one in experiments.tried}) > 1
    rows = []
    for one in experiments.tried:
        value = one.metrics.get(experiments.metric)
        if value is not None:
            golden = f" on {one.golden or 'unknown'} {one.golden_fingerprint[:SHORT]}".rstrip() if several else ""
            rows.append((one.system + golden, one.finished, one.folder, value["mean"], value["low"], value["high"]))
    frame = pd.DataFrame(rows, columns=["system", "finished", "folder", *NUMBERS])
    return frame.astype(dict.fromkeys(NUMBERS, float))


def experiments_chart(frame: "pd.DataFrame", experiments: Experiments) -> Chart:
    """Lines with bands, a line for each system on each golden set.

    Args:
        frame: columns of `experiments_frame`.
        experiments: what it is of.
    """
    names = list(dict.fromkeys(frame["system"]))
    said = [estimate_text(row.value, row.low, row.high) for row in rows_of(frame)]
    shown = frame.assign(said=said, day=frame["finished"].str.slice(0, 16).str.replace("T", " "))
    ends = [part.iloc[[0, -1]] for _, part in shown.groupby("system", sort=False)]
    listed = "; ".join(f"{part.system.iloc[0]} {part.said.iloc[0]} first, {part.said.iloc[-1]} last" for part in ends)
    description = f"{experiments.metric} of {len(frame)} systems of evaluations in {experiments.folder}: {listed}."
    x: Spec = {
        "field": "finished",
        "type": "temporal",
        "title": "finished (UTC)",
        "scale": {"type": "utc"},
        "axis": {"grid": False, "tickCount": 6, "labelOverlap": True},
    }
    hover = (("system", "system"), ("folder", "evaluation"), ("day", "finished (UTC)"), ("said", experiments.metric))
    spec = lines_figure(description, shown, f"{experiments.metric}, 95% interval", x, names, hover)
    rows = tuple((row.system, row.day, row.folder, row.said) for row in rows_of(shown))
    head = ("system", "finished (UTC)", "evaluation", experiments.metric)
    title = f"{experiments.metric} over time"
    return Chart(f"experiments-{file_part(experiments.metric)}", title, description, spec, head, rows, BANDS_HINT)
