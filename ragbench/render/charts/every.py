"""Choose the charts that the data of some systems allow."""

from collections.abc import Mapping, Sequence

from ragbench.comparison.compare import Compared
from ragbench.core.errors import InputError
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import headline
from ragbench.render.charts.by_cut import by_cut, by_cut_frame, families
from ragbench.render.charts.chart import Chart
from ragbench.render.charts.differences import differences, differences_frame
from ragbench.render.charts.leaderboard import leaderboard, leaderboard_frame
from ragbench.render.charts.overlap import overlap_chart, overlap_frame
from ragbench.render.charts.rank_changes import rank_changes, rank_changes_frame
from ragbench.render.charts.slices import slice_differences, slice_differences_frame, slice_means, slices_frame
from ragbench.render.charts.tradeoff import Price, tradeoff, tradeoff_frame
from ragbench.render.charts.wordings import wording_differences, wordings_frame


def all_charts(
    runs: Sequence[ScoredRun],
    compared: Compared | None = None,
    *,
    metric: str | None = None,
    texts: Mapping[str, str] | None = None,
    by: Sequence[str] = ("type",),
) -> list[Chart]:
    """Build the charts of a report, in the order in which they are read.

    A chart without data (no latencies, no rankings, no types of queries) is skipped, and so is a chart of a
    single dot, such as the latency of one system.

    Args:
        runs: the systems, with different names; the first is the baseline. Systems that did not run are skipped.
        compared: their comparison.
        metric: metric of most charts; by default that of the comparison, else the headline metric of the first run.
        texts: text by id of the items that were judged (chunks or documents), for the overlap of queries with them.
        by: columns that define the slices.
    """
    ran = [run for run in runs if run.error is None and run.scores.metrics]
    if not ran:
        return []
    metric = metric or (compared.settings.metrics[0] if compared else headline(ran[0].scores.metrics))
    systems = [run.name for run in ran]
    charts = [leaderboard(leaderboard_frame(ran, metric), metric, systems)]
    if compared is not None:
        frame = differences_frame(compared.verdicts)
        charts += [differences(frame, name) for name in compared.settings.metrics]
        charts += _wordings(compared, systems)
    charts += _tradeoffs(ran, metric, systems)
    charts += _by_cuts(ran, systems)
    for cut in by:
        charts += _slices(ran, compared, metric, cut, systems)
    if texts:
        shares = overlap_frame(ran, metric, texts)
        charts += [overlap_chart(shares, metric, systems)] if shares["overlap"].nunique() > 1 else []
    charts += _rank_changes(ran, metric)
    return charts


def _wordings(compared: Compared, systems: Sequence[str]) -> list[Chart]:
    """Build the charts of differences by wording; none for queries in one wording."""
    frames = [wordings_frame(compared.verdicts, name, compared.baseline) for name in compared.settings.metrics]
    return [wording_differences(frame, systems) for frame in frames if len(frame)]


def _by_cuts(runs: Sequence[ScoredRun], systems: Sequence[str]) -> list[Chart]:
    if all(run.run is None for run in runs):
        return []
    frames = [(family, by_cut_frame(runs, family)) for family in families(runs)]
    return [by_cut(frame, family, systems) for family, frame in frames if frame["cut"].nunique() > 1]


def _slices(
    runs: Sequence[ScoredRun], compared: Compared | None, metric: str, by: str, systems: Sequence[str]
) -> list[Chart]:
    """Build the charts of the slices by one column; none if the queries have no such column."""
    try:
        means = slices_frame(runs, metric, by)
    except InputError:
        return []
    means = means[means["value"].notna()]
    charts = [slice_means(means, metric, by, systems)] if means["slice"].nunique() > 1 else []
    if compared is not None:
        frame = slice_differences_frame(compared.slices, by)
        charts += [slice_differences(frame, by, systems)] if frame["value"].notna().any() else []
    return charts


def _rank_changes(runs: Sequence[ScoredRun], metric: str) -> list[Chart]:
    """Compare the first system with the others; the one with the best mean is shown first."""
    if len(runs) < 2 or runs[0].run is None or runs[0].judgements is None:
        return []
    frame = rank_changes_frame(runs[0], runs[1:])
    if not len(frame):
        return []
    ranked = leaderboard_frame(runs, metric)["system"]
    compared = set(frame["candidate"])
    return [rank_changes(frame, next((name for name in ranked if name in compared), None))]


def _tradeoffs(runs: Sequence[ScoredRun], metric: str, systems: Sequence[str]) -> list[Chart]:
    prices: tuple[Price, ...] = ("latency", "cost")
    frames = [(price, tradeoff_frame(runs, metric, price)) for price in prices]
    return [tradeoff(frame, metric, price, systems) for price, frame in frames if len(frame) > 1]
