"""A pilot: two systems on a few queries, to measure how their differences vary."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair, pair
from ragbench.comparison.repeat_plan import RunVariance, run_variance
from ragbench.comparison.wording_plan import WordingSpread, wording_spread
from ragbench.comparison.wordings import wordings_of
from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse
from ragbench.stats.clusters import cluster_index, standard_errors
from ragbench.stats.icc import ClusterSizes, Icc, cluster_sizes, icc
from ragbench.stats.paired_tests import TIE

INSTEAD = "name another pair of systems, or plan from an assumed standard deviation (sd)"


@brief
@dataclass(frozen=True, eq=False)
class Pilot:
    """The variation of the differences of two systems.

    Attributes:
        baseline, candidate, metric: names of systems and metric.
        differences: (n,) candidate minus baseline, for queries where both have a value; not all equal.
        clusters: (n,) resampling unit of each query.
        binary: whether every value of both is 0 or 1.
        notes: notes for the reader.
        runs: how the differences vary from run to run; None if both systems ran once.
        wordings: how they vary between wordings; None for queries in fewer than three wordings.
    """

    baseline: str
    candidate: str
    metric: str
    differences: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    binary: bool = False
    notes: tuple[str, ...] = ()
    runs: RunVariance | None = None
    wordings: WordingSpread | None = None

    @cached_property
    def sd(self) -> float:
        """Standard deviation of the differences."""
        return float(self.differences.std(ddof=1))

    @cached_property
    def error(self) -> float:
        """Clustered standard error of the mean difference; NaN for a single cluster."""
        return float(standard_errors(self.differences[:, None], self.clusters)[0])

    @property
    def effect(self) -> float:
        """Design effect: the clustered variance of the mean over that of as many independent queries."""
        return len(self.differences) * (self.error / self.sd) ** 2

    @cached_property
    def icc(self) -> Icc | None:
        """Intraclass correlation of the differences of one document; None if it cannot be estimated."""
        return icc(self.differences, self.clusters)

    @cached_property
    def sizes(self) -> ClusterSizes:
        """Distribution of the queries over documents."""
        return cluster_sizes(self.clusters)

    @cached_property
    def differing(self) -> int:
        """Number of documents (of queries, if they are independent) with a difference."""
        return len(np.unique(self.clusters[self.differences != 0]))


def pilot_of(runs: Sequence[ScoredRun], metric: str, *, intersect: bool = False) -> Pilot:
    """Make a pilot of two systems.

    Args:
        runs: the systems.
        metric: metric of the differences.
        intersect: use only the queries that both have.

    Raises:
        ArmError: one of the systems did not run.
        InputError: there are not exactly two systems, or as in `measure_pilot`.
    """
    both = pair(*pilot_pair(runs), intersect=intersect)
    if metric not in runs[0].scores.metrics:
        with suppress(SettingError):  # a name that cannot be parsed is refused below, with the list of metrics
            metric = str(parse(metric))
    return measure_pilot(both, metric)


def pilot_pair(runs: Sequence[ScoredRun]) -> tuple[ScoredRun, ScoredRun]:
    """Return the two systems.

    Raises:
        InputError: there are not exactly two.
    """
    if len(runs) != 2:
        names = ", ".join(run.name for run in runs)
        raise InputError(
            f"a pilot is two systems, and {len(runs)} {'is' if len(runs) == 1 else 'are'} named ({names}): "
            "name them as FOLDER::ARM FOLDER::ARM"
        )
    return runs[0], runs[1]


def measure_pilot(pair: Pair, metric: str) -> Pilot:
    """Measure how the differences of two systems vary.

    Raises:
        InputError: the metric is missing, both are the same run, or there are fewer than two different differences.
        SettingError: the metric is a geometric mean.
    """
    if pair.baseline.scores.geometric(metric):
        raise SettingError(f"{metric} is a geometric mean, and a plan is for differences of arithmetic means: use map")
    baseline, candidate = pair.values(metric)
    names = f"{pair.baseline.name} and {pair.candidate.name}"
    if pair.same_run:
        raise InputError(f"{names} are the same run, so it is unknown how differences vary: {INSTEAD}")
    kept = np.flatnonzero(~(np.isnan(baseline) | np.isnan(candidate)))
    if len(kept) < 2:
        count = "one query has" if len(kept) == 1 else "no query has"
        raise InputError(f"{count} a value of {metric} for {names}; a plan needs at least two: {INSTEAD}")
    differences = candidate[kept] - baseline[kept]
    differences[np.abs(differences) < TIE] = 0.0
    if np.ptp(differences) < TIE:
        raise InputError(
            f"every query of {names} differs by {differences[0]:+.3f} in {metric}, so it is unknown how "
            f"differences vary: {INSTEAD}"
        )
    left_out = len(baseline) - len(kept)
    pilot = Pilot(
        pair.baseline.name,
        pair.candidate.name,
        metric,
        differences,
        cluster_index([pair.queries.units[row] for row in kept.tolist()]),
        bool(np.isin(baseline[kept], (0.0, 1.0)).all() and np.isin(candidate[kept], (0.0, 1.0)).all()),
        (*pair.notes, *_skipped(left_out)),
        run_variance(pair, metric, kept),
        _spread(pair, differences, kept),
    )
    if not pilot.error > 0:
        raise InputError(
            f"all queries of {names} come from one document, or all documents differ equally, so it is unknown "
            f"how differences vary: {INSTEAD}"
        )
    return pilot


def _spread(pair: Pair, differences: npt.NDArray[np.float64], rows: npt.NDArray[np.intp]) -> WordingSpread | None:
    wordings = wordings_of(pair.queries, rows)
    clusters = cluster_index([pair.queries.units[row] for row in rows.tolist()])
    return None if wordings is None else wording_spread(differences, clusters, wordings)


def _skipped(count: int) -> list[str]:
    if not count:
        return []
    return ["1 query has no value and is skipped" if count == 1 else f"{count} queries have no value and are skipped"]
