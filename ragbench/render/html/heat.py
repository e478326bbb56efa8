"""Slices as a heat map: the difference of every system to the baseline in every slice."""

from dataclasses import dataclass

from ragbench.comparison.compare import SliceVerdict
from ragbench.comparison.slices import slices
from ragbench.core.errors import InputError
from ragbench.render.charts._frames import metric_estimate
from ragbench.render.html.inputs import ReportData
from ragbench.render.numbers import fraction, interval

STEPS = 4
"""Shades of a colour; the largest difference of a map has the darkest."""
MOST = 30
"""Most slices of a map; those with the most queries are shown."""


@dataclass(frozen=True)
class HeatCell:
    """A cell.

    Attributes:
        text: the difference, or the mean.
        mark: ``▲`` or ``▼`` if the difference is significant; ``◆`` for a metric without direction.
        shade: ``up-1`` to ``up-4``, ``down-1`` to ``down-4``, or empty.
        hover: the interval and the decision.
    """

    text: str
    mark: str = ""
    shade: str = ""
    hover: str = ""


@dataclass(frozen=True)
class Heat:
    """A map.

    Attributes:
        by: column that defines the slices.
        systems: heads of the columns, the baseline first.
        rows: label, number of queries and cells of each slice.
        more: number of slices that are not shown.
    """

    by: str
    systems: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[HeatCell, ...]], ...]
    more: int


def heat_maps(data: ReportData) -> list[Heat]:
    """Return a map for each column of the comparison that has two slices or more."""
    found: dict[tuple[str, str], SliceVerdict] = {}
    for one in data.compared.slices if data.compared else ():
        found[one.verdict.slice, one.verdict.candidate] = one
    return [made for by in data.settings.by if (made := _map(data, by, found)) is not None]


def _map(data: ReportData, by: str, found: dict[tuple[str, str], SliceVerdict]) -> Heat | None:
    base, *others = data.runs
    try:
        parts = slices(base.queries, by)
    except InputError:
        return None
    if len(parts) < 2:
        return None
    largest = sorted(parts, key=lambda part: -len(part.rows))[:MOST]
    shown = [part for part in parts if part in largest]
    own = [found.get((part.name, run.name)) for part in shown for run in others]
    widest = max((abs(one.verdict.difference or 0.0) for one in own if one is not None), default=0.0)
    lower = base.scores.direction(data.metric) == "lower"
    rows = []
    for part in shown:
        mean = metric_estimate(base, data.metric, part.rows).mean
        cells = [HeatCell(fraction(mean))]
        cells += [_cell(found.get((part.name, run.name)), widest, lower) for run in others]
        rows.append((part.label, len(part.rows), tuple(cells)))
    return Heat(by, tuple(run.name for run in data.runs), tuple(rows), len(parts) - len(shown))


def _cell(one: SliceVerdict | None, widest: float, lower: bool) -> HeatCell:
    if one is None or one.verdict.difference is None:
        return HeatCell("-")
    verdict = one.verdict
    gain = -one.verdict.difference if lower else one.verdict.difference
    step = min(STEPS, round(STEPS * abs(gain) / widest)) if widest else 0
    shade = f"{'up' if gain > 0 else 'down'}-{step}" if step and verdict.direction != "none" else ""
    mark = {"better": "▲", "worse": "▼", "different": "◆"}.get(verdict.decision, "") if one.tested else ""
    said = f"{verdict.decision}, {verdict.n} queries" if one.tested else f"not tested, {verdict.n} queries"
    return HeatCell(fraction(one.verdict.difference, signed=True), mark, shade, f"{interval(verdict)}: {said}")
