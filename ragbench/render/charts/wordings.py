"""Difference by wording: in each wording, over all queries, and as predicted for a further wording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.core.verdicts import PREDICTED, Verdict
from ragbench.render.charts._frames import groups_figure
from ragbench.render.charts.chart import LEGEND_HINT, Chart, estimate_text, file_part, rows_of, share

if TYPE_CHECKING:
    import pandas as pd

ALL, FURTHER = "all", "further wording"
"""Groups below those of the wordings."""


def wordings_frame(verdicts: Sequence[Verdict], metric: str, baseline: str) -> "pd.DataFrame":
    """Return one row per wording and system that is compared with the baseline; none for queries in one wording.

    The group `ALL` has the difference over all queries, and `FURTHER` the mean difference with its prediction interval.

    Columns: ``slice`` (the wording), ``queries`` (in it), ``system``; ``value``, ``low``, ``high`` (difference and its
    interval; NaN where there is none); ``confidence`` of the interval; ``same_sign``, the chance of the same sign, for
    `FURTHER`; ``decision``, ``baseline``, ``metric``.
    """
    import pandas as pd

    found = []
    for one in verdicts:
        across = one.wordings
        if across is None or one.slice or (one.metric, one.baseline) != (metric, baseline):
            continue
        rows: list[tuple[str, int, float | None, float | None, float | None]] = [
            (part.wording, part.n, part.difference, part.low, part.high) for part in across.parts
        ]
        rows.append((ALL, one.n, one.difference, one.low, one.high))
        last = (FURTHER, one.n, one.difference, across.low, across.high)
        found += [(name, n, one.candidate, *ends, one.confidence, None, one.decision) for name, n, *ends in rows]
        found.append((*last[:2], one.candidate, *last[2:], PREDICTED, across.same_sign, one.decision))
    columns = ["slice", "queries", "system", "value", "low", "high", "confidence", "same_sign", "decision"]
    frame = pd.DataFrame(found, columns=columns).assign(baseline=baseline, metric=metric)
    return frame.astype(dict.fromkeys(("value", "low", "high", "confidence", "same_sign"), float))


def wording_differences(frame: "pd.DataFrame", systems: Sequence[str] | None = None) -> Chart:
    """Draw differences with intervals and the zero line, grouped by wording.

    Args:
        frame: columns of `wordings_frame`, at least one row.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    metric, baseline = str(frame["metric"].iloc[0]), str(frame["baseline"].iloc[0])
    labels = [str(name) for name in dict.fromkeys(frame["slice"])]
    order = [*(name for name in labels if name not in (ALL, FURTHER)), ALL, FURTHER]
    shown = frame.sort_values("slice", key=lambda names: names.map(order.index), kind="stable")
    confidence, predicted = f"{100 * float(shown['confidence'].iloc[0]):g}%", f"{100 * PREDICTED:g}%"
    said = [estimate_text(row.value, row.low, row.high, signed=True) for row in rows_of(shown)]
    kinds = [f"{predicted} prediction" if name == FURTHER else confidence for name in shown["slice"]]
    chances = [
        "-" if name != FURTHER else f"{chance:.0%}"
        for name, chance in zip(shown["slice"], shown["same_sign"], strict=True)
    ]
    shown = shown.assign(said=said, interval=kinds, chance=chances)
    listed = "; ".join(
        f"{label}: " + ", ".join(f"{row.system} {row.said}" for row in rows_of(shown[shown["slice"] == label]))
        for label in order
    )
    description = (
        f"Paired difference of {metric} to {baseline} with its {confidence} interval, by wording, and with its "
        f"{predicted} prediction interval for a further wording: {listed}."
    )
    hover = (
        ("slice", "wording"), ("system", "system"), ("said", "difference"), ("interval", "interval"),
        ("chance", "same sign"), ("decision", "decision"),
    )  # fmt: skip
    systems = list(systems or dict.fromkeys(frame["system"]))
    title = [
        f"difference of {metric} to {baseline}, {confidence} interval;",
        f"further wording: {predicted} prediction interval",
    ]
    spec = groups_figure(description, shown, title, systems, hover, zero=True, uncounted=(FURTHER,))
    rows = tuple(
        (str(row.slice), row.system, share(row.value, signed=True), share(row.low, signed=True),
         share(row.high, signed=True), row.interval, row.chance, "-" if row.slice == FURTHER else str(row.queries))
        for row in rows_of(shown)
    )  # fmt: skip
    head = ("wording", "system", "difference", "low", "high", "interval", "same sign", "queries")
    name = f"wordings-{file_part(metric)}"
    return Chart(name, f"Difference to {baseline} by wording: {metric}", description, spec, head, rows, LEGEND_HINT)
