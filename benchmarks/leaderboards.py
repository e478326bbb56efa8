"""Ranks of several systems and the gain of the best, also for equal systems, few documents and several wordings."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.comparison.leaderboard import pairs_over_wordings
from ragbench.comparison.wordings import wording_errors
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.clusters import clustered_covariance
from ragbench.stats.distributions import t_quantile
from ragbench.stats.max_t import all_pairs
from ragbench.stats.posterior import posterior_difference
from ragbench.stats.prediction import groups_of
from ragbench.stats.ranks import best_shares, rank_intervals
from ragbench.stats.winner import winners_gain

EXPERIMENTS, RESAMPLES = 2_000, 499
HOW = (
    f"{EXPERIMENTS:,} experiments for each row; queries of a document correlate by .3. Ranks: ten systems, {RESAMPLES} "
    "sign flips (all of them with 8 documents). The intervals of an experiment hold if they contain every rank that a "
    "system's true mean allows; equal systems share ranks. Beside it are intervals from 2.5% to 97.5% of the ranks "
    "in bootstrap samples. Gain: eight systems, of which the first is the baseline. Only experiments count in which "
    "another system has the best mean. Beside it is the gain as measured, with its t interval. Wordings: half as many "
    "experiments with six systems and 200 queries in five wordings. The mean of each system varies from wording to "
    "wording, with the named standard deviation (that of a query is .2); true ranks are those of the means over all "
    "wordings. Beside it are ranks, shares and posteriors that know nothing of wordings."
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
SYSTEMS, SPREAD = 6, 0.05
"""Systems on queries in wordings, and the standard deviation of their true means where they differ."""
WORDINGS: dict[str, tuple[float, float, list[int], bool]] = {
    "six equal systems, no variance between wordings": (0.0, 0.0, [40] * 5, False),
    "six equal systems, wordings vary by .03": (0.0, 0.03, [40] * 5, False),
    "six equal systems, wordings vary by .1": (0.0, 0.1, [40] * 5, False),
    "six equal systems, wordings vary by .03, each document in all five": (0.0, 0.03, [40] * 5, True),
    "six equal systems, wordings of 80, 40, 40, 20 and 20 queries vary by .1": (0.0, 0.1, [80, 40, 40, 20, 20], False),
    "six systems that differ by .05, wordings vary by .03": (SPREAD, 0.03, [40] * 5, False),
}
"""Spread of true means, standard deviation between wordings, queries of each, and whether documents are shared."""

FEW_WORDINGS = (
    "five wordings show how much wordings vary with four degrees of freedom, and at times they seem not to vary at all"
)


def run(options: Options) -> Section:
    """Some three minutes."""
    experiments = 20 if options.small else EXPERIMENTS
    figures = [figure for name in RANKS for figure in ranks(name, experiments)]
    figures += [figure for name in GAINS for figure in gains(name, experiments)]
    figures += [figure for name in WORDINGS for figure in in_wordings(name, max(experiments // 2, 1))]
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


def in_wordings(name: str, experiments: int) -> Iterator[Figure]:
    """How often ranks, first places and posteriors of queries in five wordings hold."""
    spread, between, sizes, shared = WORDINGS[name]
    rng = np.random.default_rng(3)
    labels = np.repeat([f"w{at}" for at in range(len(sizes))], sizes)
    wording = np.repeat(np.arange(len(sizes)), sizes)
    clusters = np.concatenate([np.arange(size) for size in sizes]) if shared else np.arange(len(labels))
    rows, groups = [], [rows for _, rows in groups_of(labels)]
    for _ in range(experiments):
        true = rng.normal(0, spread, SYSTEMS) if spread else np.zeros(SYSTEMS)
        values = 0.2 * (np.sqrt(0.3) * rng.normal(size=(int(clusters.max()) + 1, SYSTEMS))[clusters]
                        + np.sqrt(0.7) * rng.normal(size=(len(labels), SYSTEMS)))  # fmt: skip
        values += true + rng.normal(0, between, (len(sizes), SYSTEMS))[wording]
        first = 1 + (true[None, :] > true[:, None]).sum(axis=1)
        last = SYSTEMS - (true[None, :] < true[:, None]).sum(axis=1)
        tested = all_pairs(values, clusters, rng, resamples=RESAMPLES)
        row: list[float] = []
        together, alone = pairs_over_wordings(tested.p, tested.p_of_each, values, labels)
        for p, of_each in ((together, alone), (tested.p, tested.p_of_each)):
            low, high = rank_intervals(values.mean(axis=0), p)
            row += [float(((low <= first) & (high >= last)).all()), float((high - low + 1).mean())]
            low, high = rank_intervals(values.mean(axis=0), of_each)
            row.append(float(low[0] <= first[0] and high[0] >= last[0]))
        for drawn in (groups, []):
            shares = best_shares(values, clusters, rng, resamples=200, groups=drawn)
            row += [float(shares.max()), float(shares.argmax() == true.argmax())]
        difference, errors = values[:, 1] - values[:, 0], wording_errors(values[:, 1] - values[:, 0], clusters, labels)
        for runs in (errors, None):
            posterior = posterior_difference(
                difference, clusters, scale=max(spread * np.sqrt(2), 0.05), rope=0.01, runs=runs
            )
            assert posterior is not None
            row.append(float(posterior.low <= true[1] - true[0] <= posterior.high))
        rows.append(row)
    found = np.array(rows).T
    held, width, alone_held, plain, plain_width, plain_alone = found[:6].mean(axis=1).tolist()
    yield Figure(
        name, "all rank intervals hold", held, target="at least .94", met=held >= 0.94, peer=f"without {plain:.3f}",
        reason=f"{width:.1f} ranks in an interval on average, {plain_width:.1f} without",
    )  # fmt: skip
    yield Figure(
        name, "rank interval of one system holds", alone_held, target="at least .94", met=alone_held >= 0.94,
        peer=f"without {plain_alone:.3f}",
    )  # fmt: skip
    if spread:
        firm, firm_without = found[6] > 0.8, found[8] > 0.8
        yield Figure(
            name, "is best, where its share was above .8", float(found[7][firm].mean()),
            peer=f"average share {found[6][firm].mean():.3f}; without {found[9][firm_without].mean():.3f}, "
            f"average share {found[8][firm_without].mean():.3f}",
        )  # fmt: skip
    coverage = float(found[10].mean())
    yield Figure(
        name, "95% credible interval holds", coverage, target="at least .93", met=coverage >= 0.93,
        peer=f"without {found[11].mean():.3f}", reason="" if coverage >= 0.93 else FEW_WORDINGS,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="leaderboards"))
