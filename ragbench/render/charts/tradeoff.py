"""Quality against latency or cost per query. The Pareto front is marked."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.scored import COST, MEDIAN, ScoredRun
from ragbench.render.charts._frames import direction_of, metric_estimate
from ragbench.render.charts.chart import (
    LEGEND_HINT,
    TICKS,
    Chart,
    Spec,
    colour,
    estimate_text,
    figure,
    known,
    legend_choice,
    number,
    only_chosen,
    quantitative,
    records,
    rows_of,
    shape,
    tooltip,
)

if TYPE_CHECKING:
    import pandas as pd

Price = Literal["latency", "cost"]
HEIGHT = 340
WIDE = 8.0
"""From this ratio of the largest to the smallest price on, the axis is logarithmic."""


class _Words(NamedTuple):
    """Words for a price: on the axis, in the title, after "nothing is better and", and for its interval."""

    axis: str
    title: str
    less: str
    interval: str


WORDS: dict[Price, _Words] = {
    "latency": _Words("ms per query, median and 95% interval", "latency", "faster", MEDIAN),
    "cost": _Words("cost per query, mean and 95% interval", "cost", "cheaper", COST),
}


def tradeoff_frame(runs: Sequence[ScoredRun], metric: str, price: Price) -> "pd.DataFrame":
    """Return one row per system that has the metric and the price.

    Columns: ``system``; ``mean``, ``low``, ``high`` of the metric (95% interval; NaN where there is none); ``price``:
    median latency in milliseconds, or mean cost per query; ``least``, ``most``: its 95% interval, NaN where there is
    none (few queries, or only the sum of the cost is known); ``p95``: of the latency, NaN for cost; ``front``: no
    other system is at least as good on both and better on one; nobody, where neither more nor less of the metric is
    better.
    """
    import pandas as pd

    found = []
    for run in runs:
        paid = run.latency_ms.get("p50") if price == "latency" else run.cost_per_query
        if run.error is None and metric in run.scores.metrics and paid is not None:
            value = metric_estimate(run, metric)
            p95 = run.latency_ms.get("p95") if price == "latency" else None
            ends = run.intervals.get(WORDS[price].interval, (None, None))
            found.append((run.name, value.mean, value.low, value.high, paid, *ends, p95))
    numbers = ("mean", "low", "high", "price", "least", "most", "p95")
    frame = pd.DataFrame(found, columns=["system", *numbers]).astype(dict.fromkeys(numbers, float))
    sign = {"higher": 1.0, "lower": -1.0, "none": float("nan")}[direction_of(runs, metric)]
    return frame.assign(front=pareto_front(frame["price"].to_numpy(), sign * frame["mean"].to_numpy()))


def pareto_front(price: npt.NDArray[np.float64], quality: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether no other system is as cheap and as good, and cheaper or better. A NaN is never on it."""
    no_dearer = price[:, None] <= price[None, :]
    no_worse = quality[:, None] >= quality[None, :]
    gain = (price[:, None] < price[None, :]) | (quality[:, None] > quality[None, :])
    front: npt.NDArray[np.bool_] = ~(no_dearer & no_worse & gain).any(axis=0) & ~np.isnan(price) & ~np.isnan(quality)
    return front


def tradeoff(frame: "pd.DataFrame", metric: str, price: Price, systems: Sequence[str] | None = None) -> Chart:
    """Draw dots with 95% intervals on both axes.

    Args:
        frame: columns of `tradeoff_frame`.
        metric: name of the metric.
        price: which price the frame has.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    words, systems = WORDS[price], list(systems or frame["system"])
    quality = [estimate_text(row.mean, row.low, row.high) for row in rows_of(frame)]
    paid = [_paid(row.price, row.least, row.most, row.p95, price) for row in rows_of(frame)]
    on = ["yes" if front else "no" for front in frame["front"]]
    listed = "; ".join(f"{name} {q} at {p}" for name, q, p in zip(frame["system"], quality, paid, strict=True))
    front = frame[frame["front"]].sort_values(["price", "system"])
    best = f" On the Pareto front (no other is both {words.less} and better): {', '.join(front['system'])}."
    description = f"{metric} against {words.title} a query: {listed}.{best if len(front) else ''}"
    values = records(frame.assign(quality=quality, paid=paid, on=on))
    hover = tooltip(("system", "system"), ("quality", f"{metric} [95%]"), ("paid", words.title), ("on", "on the front"))
    spec = figure(description, values, HEIGHT, _layers(metric, words, frame, systems, hover))
    rows = tuple(zip(frame["system"], quality, paid, on, strict=True))
    return Chart(
        f"quality-{words.title}", f"{metric} against {words.title}", description, spec,
        ("system", f"{metric} [95%]", words.title, "on the front"), rows, LEGEND_HINT,
    )  # fmt: skip


def _layers(
    metric: str, words: _Words, frame: "pd.DataFrame", systems: Sequence[str], hover: Sequence[Spec]
) -> list[Spec]:
    drawn = [name for name in systems if name in set(frame["system"])]
    scale, axis = _price_axis(frame)
    x = quantitative("price", words.axis, scale=scale, axis=axis)
    y = quantitative(
        "mean", f"{metric}, mean and 95% interval", scale={"zero": False, "nice": True},
        axis={"format": ".2~f", "tickCount": 6},
    )  # fmt: skip
    look = {"color": colour(systems, drawn)}
    line = {"type": "rule", "strokeWidth": 1.5, "aria": False}
    front = {"x": x, "y": y, "order": {"field": "price", "type": "quantitative"}}
    return [
        {
            "transform": [{"filter": "datum.front"}],
            "mark": {"type": "line", "interpolate": "step-after", "style": "front", "aria": False},
            "encoding": front,
        },
        {
            "transform": [only_chosen(), *known("low", "high")],
            "mark": line,
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, **look},
        },
        {
            "transform": [only_chosen(), *known("least", "most")],
            "mark": line,
            "encoding": {"x": {**x, "field": "least"}, "x2": {"field": "most"}, "y": y, **look},
        },
        {
            "transform": [only_chosen(), {"filter": "datum.front"}],
            "mark": {"type": "point", "filled": False, "size": 330, "strokeWidth": 1.5, "shape": "circle",
                     "aria": False},
            "encoding": {"x": x, "y": y, **look},
        },
        {
            "params": legend_choice(),
            "transform": [only_chosen()],
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 110},
            "encoding": {"x": x, "y": y, **look, "shape": shape(systems, drawn), "tooltip": list(hover)},
        },
    ]  # fmt: skip


def _price_axis(frame: "pd.DataFrame") -> tuple[Spec, Spec]:
    """Return scale and axis, logarithmic if the prices lie far apart."""
    least, most = float(frame[["price", "least"]].min().min()), float(frame[["price", "most"]].max().max())
    axis: Spec = {"format": ",~r", "labelFlush": True, "grid": False}
    if least <= 0 or most / least < WIDE:
        return {"zero": True, "nice": True}, {**axis, "tickCount": TICKS}
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    # Rounded, for 10**-1 * 5 must not be written .50000001.
    ticks = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return {"type": "log", "nice": False, "padding": 16}, {**axis, "values": ticks, "labelOverlap": True}


def _paid(price: float, least: float, most: float, p95: float, kind: Price) -> str:
    ends = f" [{least:.3g}, {most:.3g}]" if number(least) is not None and number(most) is not None else ""
    if kind == "cost":
        return f"{price:.3g}{ends}"
    return f"{price:.3g} ms{ends} (p95 {p95:.3g})" if number(p95) is not None else f"{price:.3g} ms{ends}"
