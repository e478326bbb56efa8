"""The best system so far, an anchor that only a shown improvement moves."""

import numpy as np
import numpy.typing as npt

from ragbench.comparison.gate.applicable import metric_name
from ragbench.comparison.gate.bounds import FEWEST_CLUSTERS
from ragbench.comparison.pairing import column, pair
from ragbench.comparison.runs import errors_of
from ragbench.comparison.wordings import wordings_of
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.scored import ScoredRun
from ragbench.stats.bounds import mean_bounds
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.prediction import lasting_differences
from ragbench.stats.repeats import RunErrors, added, with_runs

ERROR = 0.01
"""Probability that a system that is no better becomes the best."""


def is_new_best(best: ScoredRun, candidate: ScoredRun, metric: str) -> bool:
    """Whether the candidate is shown to be better than the best system so far.

    The highest mean of many systems is too high by chance (the winner's curse), so a gate that measures from it would
    raise false alarms. The best therefore changes only if the lower bound of the difference lies above 0. On queries in
    several wordings, it must also not be small, and no wording may contradict it. Small improvements that are not shown
    alone add up, because all are measured from the same best.

    Args:
        best: the best system so far.
        candidate: a later one, on the same queries.
        metric: metric that decides.

    Raises:
        SettingError: a system lacks the metric, or neither more nor less of it is better.
        InputError: the systems were evaluated on different queries.
    """
    names = [metric_name(run, metric) for run in (best, candidate)]
    for run, name in zip((best, candidate), names, strict=True):
        if name is None:
            raise SettingError(
                f"is {metric!r}, and {run.name} has no such metric{did_you_mean(metric, run.scores.metrics)}",
                option="best",
            )
        if run.scores.direction(name) == "none":
            raise SettingError(f"is {name}, and neither more nor less of it is better", option="best")
    try:
        both = pair(best, candidate)
    except InputError as error:
        raise InputError(
            f"{error}. The best so far was measured in another way: store it again with 'ragbench baseline set', under "
            "its name"
        ) from error
    before, after = column(both.baseline, names[0] or metric), column(both.candidate, names[1] or metric)
    kept = ~(np.isnan(before) | np.isnan(after))
    sign = -1.0 if best.scores.direction(names[0] or metric) == "lower" else 1.0
    units = [unit for unit, keep in zip(both.queries.units, kept.tolist(), strict=True) if keep]
    rows, clusters = np.flatnonzero(kept), cluster_index(units)
    runs = added(
        errors_of(both.baseline, names[0] or metric, rows, clusters),
        errors_of(both.candidate, names[1] or metric, rows, clusters),
    )
    differences = sign * (after - before)[kept]
    wordings = wordings_of(both.queries, rows)
    if wordings is not None and not lasting_differences(differences[:, None], wordings)[0]:
        return False
    return shown_better(differences, clusters, runs)


def shown_better(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], runs: RunErrors | None = None
) -> bool:
    """Whether the lower bound of the mean difference, at `ERROR`, lies above 0.

    Args:
        differences: (n,) without NaN.
        clusters: (n,) cluster of each query.
        runs: how the difference varies from run to run, if the values are means over several runs.
    """
    found = clustered_means(differences[:, None], clusters)
    if runs is not None:
        found = with_runs(found, runs)
    if not len(differences) or int(found.clusters[0]) < FEWEST_CLUSTERS:
        return False
    return mean_bounds(found).lower(ERROR, unseen=False) > 0
