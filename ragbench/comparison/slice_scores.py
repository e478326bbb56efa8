"""The scores of one system by a column of its queries: type, variant, language and so on."""

from collections.abc import Sequence

from ragbench.comparison.slices import slices
from ragbench.core.context import generator
from ragbench.core.evaluations import SliceScores
from ragbench.core.scored import ScoredRun
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import estimates


def scores_by(scored: ScoredRun, columns: Sequence[str], *, seed: int, resamples: int) -> tuple[SliceScores, ...]:
    """Mean and interval of every metric, by the values of each column. Intervals are not corrected for their number.

    Args:
        scored: the system.
        columns: ``type``, ``length``, or columns of its queries.
        seed: seed of the bootstrap.
        resamples: number of resamples.

    Raises:
        InputError: a column does not exist, or no query has a value in it.
    """
    found = []
    for column in dict.fromkeys(columns):
        for one in slices(scored.queries, column):
            part = scored.select(one.rows)
            draw = generator(seed, "slice", one.name)
            metrics = estimates(part.scores, cluster_index(part.queries.units), draw, resamples)
            found.append(SliceScores(one.by, one.label, len(one.rows), metrics))
    return tuple(found)
