"""The part of the error of a difference that comes from systems that ran several times."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.scored import ScoredRun
from ragbench.core.verdicts import RunShare
from ragbench.stats.clusters import ClusteredMeans
from ragbench.stats.repeats import (
    FEWEST_RUNS,
    RunErrors,
    added,
    repeats_by_cluster,
    run_errors,
    stacked,
    with_runs,
)

Rows = npt.NDArray[np.int64]


def errors_of(
    system: ScoredRun, metric: str, rows: Rows, clusters: npt.NDArray[np.int64], *, by_document: bool = False
) -> RunErrors | None:
    """How one system varies from run to run; None if it ran once.

    Args:
        system: the system.
        metric: printed name of the metric.
        rows: rows of the queries that count.
        clusters: (n,) resampling unit of each of them.
        by_document: whether the queries of each document are averaged first.
    """
    repeats = system.scores.repeats
    if repeats is None or not len(rows):
        return None
    values = repeats[:, :, rows, system.scores.metrics.index(metric)][..., None]
    if by_document:
        values = repeats_by_cluster(values, clusters)
        clusters = np.arange(values.shape[2])
    return run_errors(values, clusters)


def errors_of_pair(
    pair: Pair, metric: str, rows: Rows, clusters: npt.NDArray[np.int64], *, by_document: bool = False
) -> RunErrors | None:
    """How the difference of two systems varies from run to run; None if both ran once. See `errors_of`."""
    return added(
        errors_of(pair.baseline, metric, rows, clusters, by_document=by_document),
        errors_of(pair.candidate, metric, rows, clusters, by_document=by_document),
    )


def runs_together(
    asked: Sequence[tuple[Pair, str]], clusters: npt.NDArray[np.int64], *, by_document: bool = False
) -> tuple[RunErrors | None, npt.NDArray[np.float64]]:
    """How differences that are reported together vary from run to run, and their covariance by what runs share.

    The effects of a run on several metrics correlate as its means do.

    Args:
        asked: pair and metric of each of the m differences.
        clusters: (q,) resampling unit of each query.
        by_document: whether the queries of each document are averaged first.
    """
    signed: dict[str, npt.NDArray[np.float64]] = {}
    systems: dict[str, ScoredRun] = {}
    errors = list[RunErrors | None]()
    for at, (pair, metric) in enumerate(asked):
        rows = np.flatnonzero(~np.isnan(np.column_stack(pair.values(metric))).any(axis=1))
        own = np.unique(clusters[rows], return_inverse=True)[1]
        parts = [errors_of(one, metric, rows, own, by_document=by_document) for one in (pair.baseline, pair.candidate)]
        errors.append(added(parts[0], parts[1]))
        for system, part, sign in zip((pair.baseline, pair.candidate), parts, (-1.0, 1.0), strict=True):
            if part is not None and part.shared[0] > 0:
                systems[system.name] = system
                signed.setdefault(system.name, np.zeros(len(asked)))[at] = sign * part.shared[0] ** 0.5
    covariance = np.zeros((len(asked), len(asked)))
    for name, roots in signed.items():
        covariance += np.outer(roots, roots) * _alike(systems[name], [metric for _, metric in asked])
    return stacked(errors), covariance


def _alike(system: ScoredRun, metrics: Sequence[str]) -> npt.NDArray[np.float64]:
    """(m, m) Correlation of the means of the runs of a system in several metrics."""
    repeats = system.scores.repeats
    assert repeats is not None
    columns = [system.scores.metrics.index(metric) for metric in metrics]
    means = np.nanmean(repeats[:, :, :, columns], axis=(1, 2))
    apart = means - means.mean(axis=0)
    length = np.sqrt((apart**2).sum(axis=0))
    apart = apart / np.where(length > 0, length, 1.0)
    alike: npt.NDArray[np.float64] = apart.T @ apart
    return alike


def run_share(pair: Pair, runs: RunErrors, means: ClusteredMeans) -> RunShare:
    """How much of the squared error of a difference comes from run to run."""
    counts = [1 if one.scores.repeats is None else len(one.scores.repeats) for one in (pair.baseline, pair.candidate)]
    total = float(means.errors[0]) ** 2 + float(runs.shared[0])
    shares = (float(part[0]) / total if total > 0 else 0.0 for part in (runs.shared, runs.within))
    shared, within = (min(share, 1.0) for share in shares)
    return RunShare(counts[0], counts[1], shared, within, float(with_runs(means, runs).df[0]))


def run_notes(pair: Pair, share: RunShare) -> list[str]:
    """What a reader must know about the runs behind a difference."""
    notes = []
    both = share.shared + share.within
    if both >= WORTH_A_NOTE:
        shared = f", {share.shared:.0%} in effects that a whole run shares" if share.shared >= WORTH_A_NOTE else ""
        notes.append(f"an estimated {both:.0%} of the squared error of the difference comes from run to run{shared}")
    counts = ((pair.baseline, share.baseline_runs), (pair.candidate, share.candidate_runs))
    for system, count in counts:
        if 1 < count < FEWEST_RUNS:
            notes.append(f"{system.name} ran {count} times, which hardly shows how its runs vary; use 3 runs or more")
        if count == 1 and not _once_is_enough(system):
            notes.append(f"{system.name} ran once: if its runs vary, the interval does not include that")
    return notes


WORTH_A_NOTE = 0.05
"""Below this share of the squared error, runs are not worth a note."""


def _once_is_enough(system: ScoredRun) -> bool:
    """Whether its evaluation repeats what can vary, so that this system cannot."""
    if system.manifest.get("kind") == "answers":
        return False
    settings = system.manifest.get("settings")
    return isinstance(settings, dict) and int(settings.get("repeats", 1)) > 1
