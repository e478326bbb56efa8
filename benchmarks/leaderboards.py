"""Ranks of ten systems and the gain of the best of eight, also for equal systems and few documents."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.clusters import clustered_covariance
from ragbench.stats.distributions import t_quantile
from ragbench.stats.max_t import all_pairs
from ragbench.stats.ranks import rank_intervals
from ragbench.stats.winner import winners_gain

EXPERIMENTS, RESAMPLES = 2_000, 499
HOW = (
    f"{EXPERIMENTS:,} experiments for each row; queries of a document correlate by .3. Ranks: ten systems, {RESAMPLES} "
    "sign flips (all of them with 8 documents). The intervals of an experiment hold if they contain every rank that a "
    "system's true mean allows; equal systems share ranks. Beside it are intervals from 2.5% to 97.5% of the ranks "
    "in bootstrap samples. Gain: eight systems, of which the first is the baseline. Only experiments count in which "
    "another system has the best mean. Beside it is the gain as measured, with its t interval."
)
Array = npt.NDArray[np.float64]
HITS = {"hits": 0.253, "rare": 1.881}
"""Normal quantiles of 60% and 97%."""
EQUAL, UNEVEN = [5] * 40, [100] + [5] * 20
GROUPS = np.r_[np.zeros(7), 0.15, 0.3, -0.2]
RANKS: dict[str, tuple[Array, list[int], str]] = {
    "ten equal systems, 40 documents x 5 queries": (np.zeros(10), EQUAL, ""),
    "seven equal, three others, 40 documents x 5": (GROUPS, EQUAL, ""),
    "seven equal, three others, 8 documents x 10": (GROUPS, [10] * 8, ""),
    "ten equal systems, 8 documents x 10": (np.zeros(10), [10] * 8, ""),
    "ten equal systems, half of the queries from one of 21 documents": (np.zeros(10), UNEVEN, ""),
    "seven equal, three others, 90% ties, 40 documents x 5": (GROUPS / 3, EQUAL, "ties"),
    "ten equal systems, 60% hits, 40 documents x 5": (np.zeros(10), EQUAL, "hits"),
    "ten systems, each .1 better than the next, 40 documents x 5": (np.arange(10) / 10, EQUAL, ""),
}
GAINS: dict[str, tuple[Array, list[int], str]] = {
    "eight equal systems, 40 documents x 5 queries": (np.zeros(8), EQUAL, ""),
    "three equal systems, 40 documents x 5": (np.zeros(3), EQUAL, ""),
    "one better by .03, 40 documents x 5": (np.r_[np.zeros(7), 0.03], EQUAL, ""),
    "one better by .1, 40 documents x 5": (np.r_[np.zeros(7), 0.1], EQUAL, ""),
    "seven equally better by .1, 40 documents x 5": (np.r_[0.0, np.full(7, 0.1)], EQUAL, ""),
    "eight equal systems, 90% ties, 40 documents x 5": (np.zeros(8), EQUAL, "ties"),
    "eight equal systems of unequal noise (sd .05 to .5), 40 documents x 5": (np.zeros(8), EQUAL, "noise"),
    "eight equal systems, 60% hits, 40 documents x 5": (np.zeros(8), EQUAL, "hits"),
    "eight equal systems, 97% hits, 40 documents x 5": (np.zeros(8), EQUAL, "rare"),
    "eight equal systems, 8 documents x 10": (np.zeros(8), [10] * 8, ""),
    "eight equal systems, 5 documents x 10": (np.zeros(8), [10] * 5, ""),
    "eight equal systems, half of the queries from one of 21 documents": (np.zeros(8), UNEVEN, ""),
}


def run(options: Options) -> Section:
    """Some two minutes."""
    experiments = 20 if options.small else EXPERIMENTS
    figures = [figure for name in RANKS for figure in ranks(name, experiments)]
    figures += [figure for name in GAINS for figure in gains(name, experiments)]
    return Section("leaderboards", "Ranks of several systems, and the gain of the best", HOW, tuple(figures))


def draw(true: Array, clusters: npt.NDArray[np.int64], kind: str, rng: np.random.Generator) -> Array:
    """(n, k) Values: a common value of the query, and noise of each system."""
    n, documents, k = len(clusters), int(clusters.max()) + 1, len(true)
    own = np.sqrt(0.3) * rng.normal(size=(documents, k))[clusters] + np.sqrt(0.7) * rng.normal(size=(n, k))
    common = np.sqrt(0.3) * rng.normal(size=(documents, 1))[clusters] + np.sqrt(0.7) * rng.normal(size=(n, 1))
    if kind in HITS:
        hits: Array = (np.sqrt(0.7) * common + np.sqrt(0.3) * own < HITS[kind]).astype(np.float64)
        return hits
    spread = np.linspace(0.05, 0.5, k) if kind == "noise" else 0.2
    share = 0.1 if kind == "ties" else 1.0
    values: Array = common + (spread * own + true / share) * (rng.random((n, k)) < share)
    return values


def ranks(name: str, experiments: int) -> Iterator[Figure]:
    """How often all intervals hold, that of one system, and how many ranks an interval has."""
    true, sizes, kind = RANKS[name]
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    first = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    last = len(true) - (true[None, :] < true[:, None]).sum(axis=1)
    together = alone = naive = width = 0.0
    few = max(experiments // 10, 1)
    for at in range(experiments):
        values = draw(true, clusters, kind, rng)
        found = all_pairs(values, clusters, rng, resamples=RESAMPLES)
        low, high = rank_intervals(values.mean(axis=0), found.p)
        together += bool(((low <= first) & (high >= last)).all())
        width += (high - low + 1).mean()
        low, high = rank_intervals(values.mean(axis=0), found.p_of_each)
        alone += bool(low[0] <= first[0] and high[0] >= last[0])
        if at < few:
            order = (-resampled_means(values, clusters, rng, RESAMPLES)).argsort(axis=1).argsort(axis=1) + 1
            ends = np.quantile(order, [0.025, 0.975], axis=0)
            naive += bool(((ends[0] <= first) & (ends[1] >= last)).all())
    held = together / experiments
    yield Figure(
        name, "all rank intervals hold", held, target="at least .94", met=held >= 0.94,
        peer=f"bootstrap ranks {naive / few:.2f}", reason=f"{width / experiments:.1f} ranks in an interval on average",
    )  # fmt: skip
    share = alone / experiments
    yield Figure(name, "rank interval of one system holds", share, target="at least .94", met=share >= 0.94)


def gains(name: str, experiments: int) -> Iterator[Figure]:
    """Bias of the estimate and coverage of the interval, beside those of the gain as measured."""
    true, sizes, kind = GAINS[name]
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    rows = []
    for _ in range(experiments):
        values = draw(true, clusters, kind, rng)
        found = winners_gain(values, clusters)
        if found is None:
            continue
        gain = true[found.winner] - true[0]
        _, variance, df = clustered_covariance(values[:, [found.winner]] - values[:, :1], clusters)
        reach = float(t_quantile(0.975, df)) * np.sqrt(variance[0, 0])
        rows.append((
            found.measured - gain, found.corrected - gain, found.low <= gain <= found.high,
            abs(found.measured - gain) <= reach,
        ))  # fmt: skip
    measured, corrected, held, naive = np.array(rows, dtype=np.float64).T
    uneven = sizes is UNEVEN
    hard = uneven or kind == "rare"
    above, coverage = float((corrected > 0).mean()), float(held.mean())
    yield Figure(
        name, "estimate above the true gain", above, target="" if hard else ".42 to .58",
        met=None if hard else 0.42 <= above <= 0.58, peer=f"as measured {(measured > 0).mean():.3f}",
        reason="half of the bias remains: one document counts as much as all others together" if uneven else "",
    )  # fmt: skip
    yield Figure(
        name, "median bias of the estimate", float(np.median(corrected)), peer=f"as measured {np.median(measured):+.4f}"
    )
    yield Figure(
        name, "interval of the gain covers", coverage, target="at least .93" if hard else ".93 to .98",
        met=coverage >= 0.93 and (hard or coverage <= 0.98), peer=f"as measured {naive.mean():.3f}",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="leaderboards"))
