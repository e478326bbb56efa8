"""What items without a label could change in the means of a system."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scores import HoleRange, Scores
from ragbench.metrics.base import Metric
from ragbench.metrics.holes import hole_bounds
from ragbench.stats.clusters import cluster_averages


def hole_ranges(
    runs: Sequence[Run],
    judgements: Judgements,
    metrics: Sequence[Metric],
    scores: Scores,
    documents: npt.NDArray[np.int64] | None = None,
) -> dict[str, HoleRange]:
    """Bound the mean of every metric by the labels that items without one may have (`ragbench.metrics.holes`).

    Args:
        runs: the rankings of each run of a system; bounds of several are averaged, as its scores are.
        judgements: the labels.
        metrics: the metrics.
        scores: the scores of the system, which know how a metric is averaged.
        documents: (q,) document of each query, if every document counts once; else None.
    """
    each = [hole_bounds(run, judgements, metrics) for run in runs]
    found = {}
    for name in each[0]:
        share = float(np.mean([bounds[name].share for bounds in each]))
        values = np.column_stack(
            [np.mean([getattr(bounds[name], end) for bounds in each], axis=0) for end in ("lowest", "highest")]
        )
        if documents is not None:
            values = cluster_averages(values, documents)
        ends = [replace(scores, metrics=(name,), values=values[:, [at]], repeats=None).means()[name] for at in range(2)]
        low, high = (None if np.isnan(end) else end for end in ends)
        found[name] = HoleRange(share, low, high)
    return found
