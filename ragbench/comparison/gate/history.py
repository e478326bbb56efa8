"""The runs that were stored as one baseline, with the best so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.core.brief import brief
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.scores import headline
from ragbench.core.shown import Shown
from ragbench.io.baselines import Baseline, Entry


@brief
@dataclass(frozen=True)
class History(Shown):
    """The runs that were stored under a name, in one metric.

    Attributes:
        name: name of the baseline.
        metric: the metric.
        entries: oldest first.
        best: for each entry, the place of the best system so far; None before the first.
        anchor: another baseline to compare with.
    """

    name: str
    metric: str
    entries: tuple[Entry, ...]
    best: tuple[int | None, ...]
    anchor: Baseline | None


def history_of(name: str, entries: Sequence[Entry], metric: str | None, anchor: Baseline | None) -> History:
    """Follow a metric through the runs that were stored under a name.

    Args:
        name: name of the baseline.
        entries: at least one, oldest first.
        metric: the metric; the first one of the last run if None.
        anchor: another baseline to show beside.

    Raises:
        SettingError: a run lacks the metric.
    """
    metric = headline(list(entries[-1].metrics)) if metric is None else metric
    known = [(one.arm, one.metrics) for one in entries] + ([] if anchor is None else [(anchor.name, anchor.metrics)])
    for system, metrics in known:
        if metric not in metrics:
            raise SettingError(
                f"is {metric!r}, and {system} has no such metric{did_you_mean(metric, metrics)}", option="metric"
            )
    best: list[int | None] = []
    for i, entry in enumerate(entries):
        best.append(i if entry.best else best[-1] if best else None)
    return History(name, metric, tuple(entries), tuple(best), anchor)
