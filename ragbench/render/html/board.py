"""The leaderboard of the page: the table of systems, with each interval drawn on one scale."""

import math
from dataclasses import dataclass

from ragbench.render.blocks import Block
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.sections import estimate, leaderboard
from ragbench.render.numbers import fraction


@dataclass(frozen=True)
class Bar:
    """A mean with its interval, in percent of the width of the scale."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Board:
    """The leaderboard.

    Attributes:
        table: as text.
        bars: by name of the system; none for a system without a mean.
        ends: first and last value of the scale, as text.
    """

    table: Block
    bars: dict[str, Bar]
    ends: tuple[str, str]


def board(data: ReportData) -> Board:
    """Return the leaderboard with a bar for every mean."""
    values = {run.name: estimate(data.arms[run.name], data.metric) for run in data.runs}
    ends = [
        number
        for one in values.values()
        for number in (one.low, one.mean, one.high)
        if number is not None and math.isfinite(number)
    ]
    table = leaderboard(data)
    if not ends:
        return Board(table, {}, ("", ""))
    low, high = min(ends), max(ends)
    room = (high - low) * 0.04 or 0.01
    low, high = low - room, high + room

    def at(value: float | None, mean: float) -> float:
        number = mean if value is None or not math.isfinite(value) else value
        return round(100 * (number - low) / (high - low), 2)

    bars = {
        name: Bar(at(one.mean, one.mean), at(one.low, one.mean), at(one.high, one.mean))
        for name, one in values.items()
        if one.mean is not None and math.isfinite(one.mean)
    }
    return Board(table, bars, (fraction(low + room), fraction(high - room)))
