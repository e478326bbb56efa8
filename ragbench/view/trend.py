"""The main metric over the evaluations of the same golden set, as a chart of the home page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.render.numbers import fraction
from ragbench.view.runs import FoundRun, System

LATEST = 30
"""Most evaluations of a chart."""
SERIES = 6
"""Most systems of a chart."""
WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 34
ASIDE = 3
"""Distance of the systems of an evaluation, so that their intervals do not hide each other."""
DATES = 8
"""Most dates below a chart."""
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
TICKS = 5


@dataclass(frozen=True)
class Point:
    """The value of a system in an evaluation, with the ends of its interval, as places in the chart."""

    run: FoundRun
    value: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """A system over the evaluations. ``place`` numbers its colour and its sign."""

    name: str
    place: int
    points: tuple[Point, ...]

    @property
    def line(self) -> str:
        """The points of the line."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True)
class Trend:
    """A chart.

    Attributes:
        golden: name of the golden set.
        metric: the metric.
        runs: the evaluations, the oldest first.
        every: number of evaluations of the set, of which ``runs`` are the latest.
        series: the systems.
        more: number of systems that are not drawn.
        ticks: height and label of each line of the scale.
        dates: place and evaluation of each date.
    """

    golden: str
    metric: str
    runs: tuple[FoundRun, ...]
    every: int
    series: tuple[Series, ...]
    more: int
    ticks: tuple[tuple[float, str], ...]
    dates: tuple[tuple[float, FoundRun], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def trends(runs: Sequence[FoundRun]) -> list[Trend]:
    """Return a chart for each golden set with two evaluations or more by the same metric, the newest set first."""
    groups: dict[tuple[str, str], list[FoundRun]] = {}
    for run in sorted(runs, key=lambda run: (-run.changed, run.name)):
        fingerprint = ((run.manifest or {}).get("golden") or {}).get("fingerprint")
        if fingerprint and run.kind == "retrieval" and not run.fault:
            groups.setdefault((str(fingerprint), run.metric), []).append(run)
    return [_trend(group) for group in groups.values() if len(group) > 1]


def _trend(newest_first: Sequence[FoundRun]) -> Trend:
    runs = tuple(reversed(newest_first[:LATEST]))
    counts = Counter(system.name for run in runs for system in run.systems if _ends(system))
    latest = {system.name: _ends(system)[1] for run in runs for system in run.systems if _ends(system)}
    names = sorted(counts, key=lambda name: (-counts[name], -latest[name], name))
    shown = names[:SERIES]
    drawn = [system for run in runs for system in run.systems if system.name in shown]
    ends = [end for system in drawn for end in _ends(system)]
    scale = _Scale(min(ends, default=0.0), max(ends, default=1.0), len(runs))
    return Trend(
        newest_first[0].golden,
        newest_first[0].metric,
        runs,
        len(newest_first),
        tuple(
            Series(name, place, scale.points(runs, name, ASIDE * (place - (len(shown) - 1) / 2)))
            for place, name in enumerate(shown)
        ),
        len(names) - len(shown),
        scale.ticks(),
        tuple((scale.x(at), run) for at, run in enumerate(runs) if at % -(-len(runs) // DATES) == 0),
    )


def _ends(system: System) -> list[float]:
    """Return the mean between the ends of its interval; nothing if there is no mean."""
    one = system.estimate
    if one is None or one.mean is None:
        return []
    return [one.mean if one.low is None else one.low, one.mean, one.mean if one.high is None else one.high]


class _Scale:
    """Places in the chart. The scale begins and ends at round numbers around all intervals."""

    def __init__(self, low: float, high: float, count: int) -> None:
        self._step = next((step for step in STEPS if (high - low) / step <= TICKS), (high - low) / TICKS or 1.0)
        self._first = int(low // self._step)
        self._last = max(-int(-high // self._step), self._first + 1)
        self._count = count

    def x(self, at: int) -> float:
        room = WIDTH - LEFT - RIGHT
        return round(LEFT + room * (at + 0.5) / self._count, 1)

    def y(self, value: float) -> float:
        share = (value / self._step - self._first) / (self._last - self._first)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        values = [at * self._step for at in range(self._first, self._last + 1)]
        return tuple((self.y(value), fraction(value)) for value in values)

    def points(self, runs: Sequence[FoundRun], name: str, aside: float) -> tuple[Point, ...]:
        found = []
        for at, run in enumerate(runs):
            for system in run.systems:
                if system.name == name and (ends := _ends(system)):
                    low, mean, high = map(self.y, ends)
                    found.append(Point(run, system.value, round(self.x(at) + aside, 1), mean, low, high))
        return tuple(found)
