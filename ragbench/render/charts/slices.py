"""Slices: the mean of every system on each part of the queries, or its difference to the baseline there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.comparison.compare import SliceVerdict
from ragbench.comparison.slices import slices
from ragbench.core.scored import ScoredRun
from ragbench.render.charts._frames import groups_figure, metric_estimate
from ragbench.render.charts.chart import LEGEND_HINT, Chart, estimate_text, file_part, rows_of, share

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 3
"""Fewest queries of a slice with an interval. The interval of two queries is many times as wide as the others."""
MOST_LISTED = 4
"""Most systems that a description lists for each slice."""


def slices_frame(runs: Sequence[ScoredRun], metric: str, by: str) -> "pd.DataFrame":
    """Return one row per slice and system.

    Columns: ``slice``, ``queries`` (in it), ``system``; ``value``, ``low``, ``high`` (mean and 95% interval; NaN where
    there is none, as with fewer than `FEWEST` queries); ``n``, queries with a value.

    Raises:
        InputError: the queries have no such column, or no value in it.
    """
    import pandas as pd

    found = []
    for run in runs:
        if run.error is not None or metric not in run.scores.metrics:
            continue
        for part in slices(run.queries, by):
            value = metric_estimate(run, metric, part.rows)
            ends = (value.low, value.high) if value.n >= FEWEST else (None, None)
            found.append((part.label, len(part.rows), run.name, value.mean, *ends, value.n))
    frame = pd.DataFrame(found, columns=["slice", "queries", "system", "value", "low", "high", "n"])
    return frame.astype({"value": float, "low": float, "high": float})


def slice_differences_frame(verdicts: Sequence[SliceVerdict], by: str) -> "pd.DataFrame":
    """Return one row per slice of one column and system after the first.

    Columns: as `slices_frame`, with the paired difference as ``value``; ``decision``; ``baseline``, ``metric``. An
    interval is there where the slice was tested.
    """
    import pandas as pd

    found = []
    for one in verdicts:
        cut, _, label = one.verdict.slice.partition("=")
        if cut == by:
            v = one.verdict
            decision = v.decision if one.tested else "not tested"
            found.append((label, v.n, v.candidate, v.difference, v.low, v.high, v.n, decision, v.baseline, v.metric))
    columns = ["slice", "queries", "system", "value", "low", "high", "n", "decision", "baseline", "metric"]
    return pd.DataFrame(found, columns=columns).astype({"value": float, "low": float, "high": float})


def slice_means(frame: "pd.DataFrame", metric: str, by: str, systems: Sequence[str] | None = None) -> Chart:
    """Draw dots with intervals, grouped by slice.

    Args:
        frame: columns of `slices_frame`.
        metric: name of the metric.
        by: column that defines the slices.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    hover = (("slice", "slice"), ("system", "system"), ("said", f"{metric} [95%]"), ("n", "queries"))
    shown = frame.assign(said=[estimate_text(row.value, row.low, row.high) for row in rows_of(frame)])
    description = f"Mean {metric} with its 95% interval by {by}: {_listed(shown)}."
    axis = f"{metric}, mean and 95% interval"
    systems = list(systems or dict.fromkeys(frame["system"]))
    spec = groups_figure(description, shown, axis, systems, hover)
    rows = tuple(
        (str(row.slice), row.system, share(row.value), share(row.low), share(row.high), str(row.n))
        for row in rows_of(shown)
    )
    head = (by, "system", metric, "low", "high", "queries")
    return Chart(f"slices-{file_part(by)}", f"{metric} by {by}", description, spec, head, rows, LEGEND_HINT)


def slice_differences(frame: "pd.DataFrame", by: str, systems: Sequence[str] | None = None) -> Chart:
    """Draw paired differences with intervals and the zero line, grouped by slice.

    Args:
        frame: columns of `slice_differences_frame`, at least one row.
        by: column that defines the slices.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    metric, baseline = str(frame["metric"].iloc[0]), str(frame["baseline"].iloc[0])
    said = [estimate_text(row.value, row.low, row.high, signed=True) for row in rows_of(frame)]
    shown = frame.assign(said=said)
    description = f"Paired difference of {metric} to {baseline} with its interval, by {by}: {_listed(shown)}."
    hover = (
        ("slice", "slice"),
        ("system", "system"),
        ("said", "difference"),
        ("decision", "decision"),
        ("n", "queries"),
    )
    systems = list(systems or dict.fromkeys(frame["system"]))
    spec = groups_figure(description, shown, f"difference of {metric} to {baseline}", systems, hover, zero=True)
    rows = tuple(
        (str(row.slice), row.system, share(row.value, signed=True), share(row.low, signed=True),
         share(row.high, signed=True), str(row.decision), str(row.n))
        for row in rows_of(shown)
    )  # fmt: skip
    head = (by, "system", "difference", "low", "high", "decision", "queries")
    title = f"Difference to {baseline} by {by}: {metric}"
    return Chart(f"slice-differences-{file_part(by)}", title, description, spec, head, rows, LEGEND_HINT)


def _listed(frame: "pd.DataFrame") -> str:
    """Describe every system of every slice; of many systems, the highest and the lowest."""
    parts = []
    for label in dict.fromkeys(frame["slice"]):
        own = frame[frame["slice"] == label]
        if len(own) > MOST_LISTED:
            ranked = own.sort_values("value", ascending=False, kind="stable")
            own = ranked[ranked["value"].notna()].iloc[[0, -1]] if ranked["value"].notna().any() else ranked[:0]
        parts.append(f"{label}: " + ", ".join(f"{row.system} {row.said}" for row in rows_of(own)))
    return "; ".join(parts)
