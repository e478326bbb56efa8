"""Rank changes: the ranks of the first relevant result of each query in two systems."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragbench.core.scored import ScoredRun
from ragbench.metrics.ranked import look_through
from ragbench.render.charts.chart import Chart, Spec, figure, quantitative, records, rows_of, tooltip
from ragbench.render.charts.theme import DECISIONS

if TYPE_CHECKING:
    import pandas as pd

BANDS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 100))
NOT_FOUND = "none"
HEIGHT = 360
NARROW = 480
CANDIDATE = "candidate"
EARLIER, LATER, SAME = "better", "worse", "no difference shown"
"""Decisions whose colours the discs take."""


def first_relevant(run: ScoredRun) -> dict[str, int]:
    """Return the rank of the first relevant item, from 1, by id of each query with relevant items; 0 if none was found.

    Raises:
        ValueError: the rankings or labels are not there.
    """
    if run.run is None or run.judgements is None:
        raise ValueError(f"{run.name}: its rankings are not there")
    relevant = look_through(run.run, run.judgements, ties=False).relevant(1)
    rank: npt.NDArray[np.int64] = np.zeros(len(relevant.total), dtype=np.int64)
    first = relevant.nth == 1
    rank[relevant.query[first]] = relevant.rank[first]
    asked = zip(run.judgements.query_ids, relevant.total.tolist(), rank.tolist(), strict=True)
    return {id_: at for id_, total, at in asked if total}


def rank_changes_frame(baseline: ScoredRun, candidates: Sequence[ScoredRun]) -> "pd.DataFrame":
    """Return one row per candidate and pair of rank bands that occurs.

    Columns: ``baseline``, ``candidate``; ``before``, ``after``: band of the rank of the first relevant item
    (``"1"``, ``"4-5"``, ``"none"``); ``change``: ``better``, ``worse`` or ``no difference shown``, for the bands;
    ``queries``: how many. Only queries that both have, with something relevant, are counted; candidates without
    rankings are skipped.
    """
    import pandas as pd

    found = []
    before = first_relevant(baseline)
    for other in candidates:
        if other.error is not None or other.run is None or other.judgements is None:
            continue
        after = first_relevant(other)
        counts: dict[tuple[int, int], int] = {}
        for id_, rank in before.items():
            if id_ in after:
                cell = (_band(rank), _band(after[id_]))
                counts[cell] = counts.get(cell, 0) + 1
        names = band_names()
        for (one, two), queries in sorted(counts.items()):
            change = SAME if one == two else EARLIER if two < one else LATER
            found.append((baseline.name, other.name, names[one], names[two], change, queries))
    return pd.DataFrame(found, columns=["baseline", "candidate", "before", "after", "change", "queries"])


def rank_changes(frame: "pd.DataFrame", candidate: str | None = None) -> Chart:
    """Draw a disc for each pair of bands; its area is the number of queries. Several candidates get a menu.

    Args:
        frame: columns of `rank_changes_frame`, of one baseline, at least one row.
        candidate: system to show first; by default the first.
    """
    names = list(dict.fromkeys(frame["candidate"]))
    shown_first = candidate or names[0]
    baseline = str(frame["baseline"].iloc[0])
    description = (
        f"Rank of the first relevant result of each query, in {baseline} and in the other system: "
        + "; ".join(f"{name}: {_counted(frame[frame['candidate'] == name])}" for name in names)
        + f". The picture shows {shown_first}."
    )
    spec = figure(description, records(frame), HEIGHT, _layers(frame, baseline, names))
    if len(names) > 1:
        menu = {"input": "select", "options": names, "name": "against "}
        spec["params"] = [{"name": CANDIDATE, "value": shown_first, "bind": menu}]
        spec["transform"] = [{"filter": f"datum.candidate === {CANDIDATE}"}]
    rows = tuple((str(r.candidate), str(r.before), str(r.after), str(r.queries)) for r in rows_of(frame))
    head = ("system", f"rank in {baseline}", "rank in the system", "queries")
    return Chart("rank-changes", f"First relevant result: {baseline} and others", description, spec, head, rows)


def band_names() -> list[str]:
    """List the bands, the best first and "not found" last."""
    return [*(f"{low}" if low == high else f"{low}-{high}" for low, high in BANDS), f"{BANDS[-1][1] + 1}+", NOT_FOUND]


def _band(rank: int) -> int:
    if rank == 0:
        return len(BANDS) + 1
    return next((i for i, (low, high) in enumerate(BANDS) if low <= rank <= high), len(BANDS))


def _layers(frame: "pd.DataFrame", baseline: str, names: Sequence[str]) -> list[Spec]:
    used = {*frame["before"], *frame["after"]}
    last = max(band_names().index(name) for name in used - {NOT_FOUND}) if used - {NOT_FOUND} else 0
    bands = [*band_names()[: last + 1], *([NOT_FOUND] if NOT_FOUND in used else [])]
    # Above the axis, for the title of an axis cannot follow a menu.
    heading = {"expr": f"'rank in ' + {CANDIDATE}"} if len(names) > 1 else f"rank in {names[0]}"
    axis = {"grid": True, "tickBand": "center", "labelOverlap": False}
    # Turned where the bands are narrow.
    turned = {
        "labelAngle": {"expr": f"width < {NARROW} ? -45 : 0"},
        "labelAlign": {"expr": f"width < {NARROW} ? 'right' : 'center'"},
    }
    x = {
        "field": "before",
        "type": "ordinal",
        "scale": {"domain": bands},
        "title": None,
        "axis": {**axis, **turned, "title": f"rank in {baseline}"},
    }
    y = {
        "field": "after",
        "type": "ordinal",
        "scale": {"domain": bands},
        "title": None,
        "axis": {**axis, "title": None},
    }
    legend = {
        "orient": "bottom",
        "title": None,
        "values": [EARLIER, LATER],
        "symbolSize": 100,
        "labelExpr": f"datum.label === '{EARLIER}' ? 'found earlier' : 'found later'",
    }
    change: Spec = {"field": "change", "type": "ordinal", "scale": {"domain": list(DECISIONS)}, "legend": legend}
    most = int(frame["queries"].max())
    size = quantitative("queries", scale={"type": "sqrt", "domain": [0, most], "range": [30, 700]}, legend=None)
    hover = tooltip(("before", f"rank in {baseline}"), ("after", "rank in the other"), ("queries", "queries"))
    return [
        {
            "data": {"values": [{}]},
            "mark": {"type": "text", "align": "left", "text": heading, "limit": {"expr": "width"}, "aria": False},
            "encoding": {"x": {"value": 0}, "y": {"value": -10}},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 0.45, "shape": "circle"},
            "encoding": {"x": x, "y": y, "size": size, "color": change, "tooltip": hover},
        },
        {
            "mark": {"type": "text", "aria": False, "fontSize": 11},
            "encoding": {"x": x, "y": y, "text": {"field": "queries", "type": "quantitative"}, "tooltip": hover},
        },
    ]


def _counted(frame: "pd.DataFrame") -> str:
    sums: dict[Any, int] = {
        name: int(frame.loc[frame["change"] == name, "queries"].sum()) for name in (EARLIER, LATER, SAME)
    }
    return f"{sums[EARLIER]} queries earlier, {sums[LATER]} later, {sums[SAME]} in the same place"
