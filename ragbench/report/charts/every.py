"""All charts that some systems have the data for."""

from collections.abc import Mapping, Sequence

from ragbench.core.scored import ScoredRun
from ragbench.harness.compare.compare import Compared
from ragbench.report.charts.chart import Chart
from ragbench.report.charts.leaderboard import leaderboard, leaderboard_frame
from ragbench.report.tables import headline


def all_charts(
    runs: Sequence[ScoredRun],
    compared: Compared | None = None,
    *,
    metric: str | None = None,
    texts: Mapping[str, str] | None = None,
    by: Sequence[str] = ("type",),
) -> list[Chart]:
    """The charts of a report, in the order they are read.

    A chart without data (no latencies, no rankings, no types of queries) is left out.

    Args:
        runs: the systems, with different names; the first is the baseline. Those that did not run are passed over.
        compared: their comparison.
        metric: what most charts are of; the comparison's first, else the headline of the first that ran.
        texts: text by id of the items that were judged (chunks or documents), for the overlap of queries with them.
        by: what to cut the queries by.
    """
    ran = [run for run in runs if run.error is None and run.scores.metrics]
    if not ran:
        return []
    metric = metric or (compared.settings.metrics[0] if compared else headline(ran[0].scores.metrics))
    return [leaderboard(leaderboard_frame(ran, metric), metric)]
