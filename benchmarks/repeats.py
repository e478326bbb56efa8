"""Intervals of systems whose runs vary: with one run of each system, and with several."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.stats.clusters import clustered_covariance, clustered_means
from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.intervals import mean_interval
from ragbench.stats.joint_t import all_pairs_joint, joint_t, shared_variances
from ragbench.stats.max_t import MaxT, all_pairs, max_t
from ragbench.stats.ranks import rank_intervals
from ragbench.stats.repeats import RunErrors, added, both_errors, components, run_errors, stacked, with_runs
from ragbench.stats.winner import winners_gain

RUNS = (2, 3, 5, 10)
RATIOS = (0.0, 0.25, 1.0, 4.0, 25.0)
"""Variance of the mean difference by effects that whole runs share, beside that by queries and documents."""
NOISE = (0.1, 0.6)
"""Standard deviation from run to run within queries; between queries it is .3, and between documents .2."""
LAYOUTS = {
    "30 documents x 2 queries": np.full(30, 2),
    "60 documents x 1 query": np.full(60, 1),
    "half of the queries in one of 16 documents": np.r_[30, np.full(15, 2)],
}
COVERAGE = (0.93, 0.97)
HOW = (
    "A score is the sum of effects of its document, its query, its run and the query in this run. Whole runs share "
    f"an effect. The variance that it adds to the mean is {', '.join(f'{ratio:g}' for ratio in RATIOS)} times that of "
    "queries and documents; within queries, runs have a standard deviation of .1 or .6. The true difference is 0. "
    f"Figures are the lowest coverage of 95% intervals over these settings and the layouts {', '.join(LAYOUTS)}. The "
    "highest coverage is given beside it. Intervals from means over the runs alone ignore effects that whole runs "
    "share, and so do intervals from one run of each system. Satterthwaite is the usual formula for the "
    "degrees of freedom of two parts."
)
TWO = "two runs leave one degree of freedom; ragbench warns and asks for three"
WIDE = (
    "coverage is highest where one document has half of the queries: both parts of the error then have few degrees of "
    "freedom, and intervals are too wide, not too narrow"
)
Array = npt.NDArray[np.float64]


def run(options: Options) -> Section:
    """Everything; about a minute."""
    columns = 60 if options.small else 2_000
    figures = [*coverages(columns), single(columns), *false_positives(columns), *levels(columns)]
    figures += several(max(columns // 3, 20))
    return Section("repeats", "Systems that answer differently each time", HOW, (*figures, *shares(columns // 10)))


def drawn(
    rng: np.random.Generator, sizes: npt.NDArray[np.int64], runs: int, noise: float, ratio: float, systems: int,
    columns: int,
) -> tuple[Array, npt.NDArray[np.int64], RunErrors]:  # fmt: skip
    """(q, columns) differences of means over runs, their documents, and how they vary from run to run.

    Args:
        rng: generator.
        sizes: queries of each document.
        runs: runs of each system that varies.
        noise: standard deviation of a run within a query.
        ratio: shared variance of the mean difference beside that of queries and documents.
        systems: how many of the two systems vary.
        columns: number of experiments.
    """
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    n = len(clusters)
    spread = 0.2**2 * (sizes**2).sum() / n**2 + (0.3**2 + systems * noise**2 / runs) / n
    shared = np.sqrt(ratio * spread * runs / systems)
    values = rng.normal(0, 0.2, (len(sizes), columns))[clusters] + rng.normal(0, 0.3, (n, columns))
    found: list[RunErrors] = []
    for _ in range(systems):
        own = rng.normal(0, shared, (runs, 1, 1, columns)) + rng.normal(0, noise, (runs, 1, n, columns))
        values = values + own.mean(axis=(0, 1))
        found.append(run_errors(own, clusters))
    return values, clusters, found[0] if systems == 1 else both_errors(*found)


def covered(low: Array, high: Array) -> float:
    return float(((low <= 0) & (high >= 0)).mean())


def coverages(columns: int) -> Iterator[Figure]:
    """Intervals of differences with several runs."""
    rng = np.random.default_rng(1)
    for systems, which in ((2, "both systems vary"), (1, "one system varies")):
        for runs in RUNS:
            ours, blind, usual, before = list[float](), list[float](), list[float](), list[float]()
            for sizes in LAYOUTS.values():
                for noise in NOISE:
                    for ratio in RATIOS:
                        values, clusters, errors = drawn(rng, sizes, runs, noise, ratio, systems, columns)
                        ours.append(covered(*mean_interval(values, clusters, rng, runs=errors)[:2]))
                        blind.append(covered(*mean_interval(values, clusters, rng)[:2]))
                        usual.append(by_power(values, clusters, errors, 2.0, errors.shared))
                        before.append(by_power(values, clusters, errors, 1.0, errors.squares))
            low, high = min(ours), max(ours)
            asked = runs > 2
            yield Figure(
                f"{runs} runs, {which}",
                "lowest coverage of 95% intervals of a difference",
                low,
                target=f"{COVERAGE[0]:g} to {COVERAGE[1]:g}" if asked else "",
                met=COVERAGE[0] <= low and high <= COVERAGE[1] if asked else None,
                peer=f"highest {high:.3f}; {min(blind):.3f} (means over runs alone), {min(usual):.3f} to "
                f"{max(usual):.3f} (Satterthwaite), {min(before):.3f} to {max(before):.3f} (average of reciprocals)",
                reason="" if asked and high <= COVERAGE[1] else WIDE if asked else TWO,
            )


def by_power(values: Array, clusters: npt.NDArray[np.int64], errors: RunErrors, power: float, part: Array) -> float:
    """Coverage with degrees of freedom from parts to a power: 2 is Satterthwaite's formula, 1 averages reciprocals."""
    found = clustered_means(values, clusters)
    squared = found.errors**2
    total = squared + errors.shared
    df = total**power / (squared**power / found.df + part**power / errors.df)
    reach = t_quantile(0.975, np.where(errors.shared > 0, df, found.df)) * np.sqrt(total)
    return covered(found.means - reach, found.means + reach)


def single(columns: int) -> Figure:
    """One run of each system, where whole runs vary as much as queries do."""
    rng, found = np.random.default_rng(2), list[float]()
    for sizes in LAYOUTS.values():
        for ratio in RATIOS[1:]:
            values, clusters, _ = drawn(rng, sizes, 1, 0.1, ratio, 2, columns)
            found.append(covered(*mean_interval(values, clusters, rng)[:2]))
    return Figure(
        "one run of each system", "lowest coverage of 95% intervals of a difference", min(found),
        peer=f"highest {max(found):.3f}, where the shared part is a fifth of the variance",
        reason="one run cannot show an effect that all of its queries share; only more runs help",
    )  # fmt: skip


def false_positives(columns: int) -> Iterator[Figure]:
    """The test of systems that do not differ."""
    rng = np.random.default_rng(3)
    for runs in RUNS[1:]:
        ours, blind = list[float](), list[float]()
        for sizes in LAYOUTS.values():
            for noise in NOISE:
                for ratio in RATIOS:
                    values, clusters, errors = drawn(rng, sizes, runs, noise, ratio, 2, columns)
                    for found, kind in ((with_runs(clustered_means(values, clusters), errors), ours),
                                        (clustered_means(values, clusters), blind)):  # fmt: skip
                        p = 2 * t_above(np.abs(found.means / found.errors), found.df)
                        kind.append(float((p < 0.05).mean()))
        yield Figure(
            f"{runs} runs, equal systems", "highest share of false verdicts at .05", max(ours), target="at most 0.07",
            met=max(ours) <= 0.07, peer=f"{max(blind):.3f} (means over runs alone)",
        )  # fmt: skip


def levels(columns: int) -> Iterator[Figure]:
    """Wilson's interval of a mean score, which is a probability that every run shifts on the logit scale."""
    rng = np.random.default_rng(4)
    for runs in RUNS[1:]:
        ours, blind = list[float](), list[float]()
        for shift in (0.0, 0.2, 0.5):
            clusters, base = np.repeat(np.arange(30), 3), rng.normal(1, 1, (90, columns))
            chance = 1 / (1 + np.exp(-(base + rng.normal(0, shift, (runs, 1, 1, columns)))))
            hits = (rng.random(chance.shape) < chance).astype(np.float64)
            # The truth is the mean over all queries and runs.
            far = 1 / (1 + np.exp(-(rng.normal(1, 1, 400_000) + rng.normal(0, shift, 400_000))))
            for errors, kind in ((run_errors(hits, clusters), ours), (None, blind)):
                low, high, _ = mean_interval(hits.mean(axis=(0, 1)), clusters, rng, levels=True, runs=errors)
                kind.append(float(((low <= far.mean()) & (high >= far.mean())).mean()))
        yield Figure(
            f"{runs} runs, a hit rate of .70", "lowest coverage of 95% intervals", min(ours),
            target=f"{COVERAGE[0]:g} to 0.98", met=COVERAGE[0] <= min(ours) and max(ours) <= 0.98,
            peer=f"highest {max(ours):.3f}; {min(blind):.3f} (means over runs alone)",
        )  # fmt: skip


def several(experiments: int) -> Iterator[Figure]:
    """Five equal systems together: any false verdict, intervals of ranks, simultaneous intervals, and the best."""
    for which, varies in (("all five vary", np.ones(5)), ("the first one varies", np.eye(5)[0])):
        for runs in RUNS[1:]:
            rng, rates = np.random.default_rng(runs), np.zeros((2, 4))
            lucky = 0
            for at in range(experiments):
                sizes = list(LAYOUTS.values())[at % len(LAYOUTS)]
                clusters = np.repeat(np.arange(len(sizes)), sizes)
                values = rng.normal(0, 0.2, (len(sizes), 5))[clusters] + rng.normal(0, 0.3, (len(clusters), 5))
                spread = 0.2**2 * (sizes**2).sum() / len(clusters) ** 2 + 0.3**2 / len(clusters)
                shared = np.sqrt((1.0, 4.0)[at % 2] * spread * runs) * varies
                own = rng.normal(0, 1, (runs, 1, 1, 5)) * shared + rng.normal(0, 0.1, (runs, 1, len(clusters), 5))
                own = np.where(varies > 0, own, 0.0)
                values = values + own.mean(axis=(0, 1))
                errors = [run_errors(own[..., [i]], clusters) if varies[i] else None for i in range(5)]
                pairs = all_pairs_joint(values, clusters, errors, rng, resamples=499).p
                low, high = rank_intervals(values.mean(axis=0), pairs)
                differences = values[:, 1:] - values[:, :1]
                parts = stacked([added(errors[0], one) for one in errors[1:]])
                assert parts is not None
                variances = shared_variances(errors)
                covariance = clustered_covariance(differences, clusters)[1] + variances[0] + np.diag(variances[1:])
                ours = joint_t(with_runs(clustered_means(differences, clusters), parts), covariance, rng, resamples=499)
                flips = max_t(differences, clusters, rng, resamples=499)
                naive = all_pairs(values, clusters, rng, resamples=499).p
                rates[0, :3] += (pairs < 0.05).any(), ((low == 1) & (high == 5)).all(), held(ours)
                rates[1, :3] += (naive < 0.05).any(), False, held(flips)
                gain, alone = (winners_gain(values, clusters, runs=known) for known in (errors, None))
                if gain is not None and alone is not None:
                    lucky += 1
                    rates[:, 3] += gain.low <= 0 <= gain.high, alone.low <= 0 <= alone.high
            share = rates / [experiments, experiments, experiments, max(lucky, 1)]
            name = f"five equal systems, {runs} runs, {which}"
            for at, (measure, target) in enumerate((
                ("any false verdict in all pairs at .05", "at most 0.07"),
                ("all rank intervals hold", "at least 0.93"),
                ("simultaneous intervals hold together", "at least 0.93"),
                ("interval of the gain of the best covers", "at least 0.93"),
            )):  # fmt: skip
                value = float(share[0, at])
                peer = "" if at == 1 else f"{share[1, at]:.3f} (sign flips or errors of queries alone)"
                met = value <= 0.07 if at == 0 else value >= 0.93
                yield Figure(name, measure, value, target=target, met=met, peer=peer)


def held(found: MaxT) -> bool:
    return bool(((found.low <= 0) & (found.high >= 0)).all())


def shares(experiments: int) -> Iterator[Figure]:
    """Estimated shares of the variance, documents of unequal sizes."""
    rng, sizes = np.random.default_rng(5), np.array([1, 1, 2, 2, 3, 4, 6, 12, 30, 5, 8, 2])
    clusters, sds = np.repeat(np.arange(12), sizes), (0.3, 0.4, 0.1, 0.2, 0.15)
    found: list[dict[str, float]] = []
    for _ in range(experiments):
        document, query = rng.normal(0, sds[0], 12)[clusters], rng.normal(0, sds[1], len(clusters))
        runs = rng.normal(0, sds[2], (5, 1, 1)) + rng.normal(0, sds[3], (5, 1, len(clusters)))
        found.append(components(document + query + runs + rng.normal(0, sds[4], (5, 2, len(clusters))), clusters).parts)
    for name, sd in zip(("document", "query", "run", "run_query", "judge"), sds, strict=True):
        mean = float(np.mean([one[name] for one in found]))
        yield Figure(
            f"variance of {name.replace('run_query', 'a query from run to run')}, 5 runs judged twice, documents of 1 "
            "to 30 queries",
            "mean estimate", mean, peer=f"{sd**2:.4f} is true",
            target="within 10%", met=abs(mean / sd**2 - 1) <= 0.1,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="repeats"))
