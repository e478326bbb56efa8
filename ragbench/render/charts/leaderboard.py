"""Leaderboard: every system's mean with its interval, best first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.core.scored import ScoredRun
from ragbench.render.charts._frames import direction_of, metric_estimate, rows_figure
from ragbench.render.charts.chart import Chart, colour, estimate_text, records, rows_of, shape, share

if TYPE_CHECKING:
    import pandas as pd


def leaderboard_frame(runs: Sequence[ScoredRun], metric: str) -> "pd.DataFrame":
    """Return one row per system that ran, the best first. Without a direction, the order is that of the runs.

    Columns: ``system``; ``mean``, ``low``, ``high`` (95% interval; NaN where there is none); ``n``, queries with a
    value; ``failed``, queries that could not be answered.
    """
    import pandas as pd

    found = []
    for run in runs:
        if run.error is None and metric in run.scores.metrics:
            value = metric_estimate(run, metric)
            found.append((run.name, value.mean, value.low, value.high, value.n, run.failed))
    frame = pd.DataFrame(found, columns=["system", "mean", "low", "high", "n", "failed"])
    frame = frame.astype({"mean": float, "low": float, "high": float})
    direction = direction_of(runs, metric)
    if direction == "none":
        return frame
    ranked = frame.sort_values("mean", ascending=direction == "lower", kind="stable", na_position="last")
    return ranked.reset_index(drop=True)


def leaderboard(frame: "pd.DataFrame", metric: str, systems: Sequence[str] | None = None) -> Chart:
    """Draw dots with intervals.

    Args:
        frame: columns of `leaderboard_frame`; its order is kept.
        metric: name of the metric.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    systems = list(systems or frame["system"])
    said = [estimate_text(row.mean, row.low, row.high) for row in rows_of(frame)]
    shown = frame.rename(columns={"system": "row", "mean": "value"}).assign(said=said, system=frame["system"])
    listed = ", ".join(f"{name} {text}" for name, text in zip(frame["system"], said, strict=True))
    description = f"Mean {metric} of each system with its 95% interval: {listed}."
    spec = rows_figure(
        description,
        records(shown),
        f"{metric}, mean and 95% interval",
        look={"color": colour(systems), "shape": shape(systems)},
        hover=(("system", "system"), ("said", f"{metric} [95%]"), ("n", "queries"), ("failed", "failed")),
        scale={"zero": False},
    )
    rows = tuple(
        (row.system, share(row.mean), share(row.low), share(row.high), str(row.n), str(row.failed))
        for row in rows_of(frame)
    )
    return Chart(
        "leaderboard", f"Leaderboard: {metric}", description, spec,
        ("system", metric, "low", "high", "queries", "failed"), rows,
    )  # fmt: skip
