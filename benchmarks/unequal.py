"""Intervals and bounds where documents have unequal numbers of queries, and where losses are rare."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.comparison.gate.bounds import difference_bounds, share_bounds
from ragbench.stats.clusters import cluster_totals
from ragbench.stats.distributions import t_quantile
from ragbench.stats.intervals import t_interval, wilson_interval

DOCUMENTS = (5, 10, 20, 30, 50)
CORRELATIONS = (0.0, 0.3, 0.6)
COVERAGE = (0.93, 0.985)
MOST_FALSE_PASSES = 0.06
QUERIES = (20, 50, 100, 150, 200)
LOSSES = {
    "2% of queries lose 1": (0.02, 0.0, 0.0),
    "4% lose 1, 2% gain 1": (0.04, 0.02, 0.0),
    "6% lose 1, 4% gain 1": (0.06, 0.04, 0.0),
    "2% lose 1, the others change by a normal value of sd .1": (0.02, 0.0, 0.1),
}
"""Shares of losses and gains of 1, and the spread of the other differences."""
HOW = (
    "Coverage: 95% intervals of a mean whose true value is known, for documents of one size, for sizes that fall "
    f"geometrically, and for one document that holds half of the queries; {DOCUMENTS[0]} to {DOCUMENTS[-1]} documents, "
    f"and intraclass correlations of {', '.join(f'{value:g}' for value in CORRELATIONS)}. Each figure is the lowest "
    "coverage of these layouts, and the highest is beside it. CR1 is the usual clustered error with c - 1 degrees of "
    "freedom, which ragbench used before. False passes: the true loss equals the margin, and a lower bound at .05 lies "
    f"above it; the highest share of {', '.join(str(n) for n in QUERIES)} queries. The t bound is the one used before."
)
RATES = (
    "the coverage is lowest at a correlation of .6, where the few large documents are often all hits and show no "
    "spread; fewer degrees of freedom (effective documents - 1) do not help, and a limit on the effective size of "
    "twice the effective documents covers .976 there but doubles the width at a correlation of 0"
)
NORMAL = (
    "the t bound itself is at .064 with 150 and 200 queries of this kind, where few losses and gains make the mean "
    "discrete"
)
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


def run(options: Options) -> Section:
    """Everything; about half a minute."""
    columns = 40 if options.small else 4_000
    figures = [*coverages(columns), *rates(columns), *gates(10 if options.small else 400)]
    return Section("unequal", "Unequal documents and rare losses", HOW, (*figures, *losses(columns)))


def layouts(documents: int) -> Iterator[tuple[str, Clusters]]:
    """Cluster numbers of the queries, by layout."""
    sizes = {
        "equal documents": np.full(documents, 5),
        "geometric documents": np.maximum(1, np.round(20 * 0.75 ** np.arange(documents))).astype(int),
        "one document with half of the queries": np.r_[2 * (documents - 1), np.full(documents - 1, 2)],
    }
    for name, counts in sizes.items():
        yield name, np.repeat(np.arange(documents), counts)


def normal(clusters: Clusters, correlation: float, columns: int, rng: np.random.Generator) -> Array:
    """Columns of standard normal values that are correlated within clusters."""
    shared = rng.normal(0, np.sqrt(correlation), size=(clusters.max() + 1, columns))[clusters]
    return shared + rng.normal(0, np.sqrt(1 - correlation), size=shared.shape)


def old_interval(values: Array, clusters: Clusters) -> tuple[Array, Array]:
    """CR1 and c - 1 degrees of freedom."""
    sums, counts = cluster_totals(values, clusters)
    groups, n = len(sums), len(values)
    means = sums.sum(axis=0) / n
    errors = np.sqrt(groups / (groups - 1) * ((sums - counts * means) ** 2).sum(axis=0)) / n
    reach = t_quantile(0.975, groups - 1) * errors
    return means - reach, means + reach


def coverages(columns: int) -> Iterator[Figure]:
    """Intervals of a difference."""
    ours: dict[str, list[float]] = {}
    before: dict[str, list[float]] = {}
    rng = np.random.default_rng(1)
    for documents in DOCUMENTS:
        for name, clusters in layouts(documents):
            for correlation in CORRELATIONS:
                values = normal(clusters, correlation, columns, rng)
                for found, kind in ((ours, t_interval), (before, old_interval)):
                    low, high = kind(values, clusters)
                    found.setdefault(name, []).append(float(((low <= 0) & (high >= 0)).mean()))
    for name, held in ours.items():
        yield covered(f"difference, {name}", held, f"{min(before[name]):.3f} to {max(before[name]):.3f} (CR1)")


def rates(columns: int) -> Iterator[Figure]:
    """Wilson's interval of a rate of .8."""
    found: dict[str, list[float]] = {}
    rng = np.random.default_rng(2)
    for documents in DOCUMENTS[1:]:
        for name, clusters in layouts(documents):
            for correlation in CORRELATIONS:
                low, high = wilson_interval(hits(clusters, correlation, columns, rng), clusters)
                found.setdefault(name, []).append(float(((low <= 0.8) & (high >= 0.8)).mean()))
    for name, held in found.items():
        reason = RATES if min(held) < COVERAGE[0] else ""
        yield replace(covered(f"hit rate of .8, {name}, from {DOCUMENTS[1]} documents", held, ""), reason=reason)


def hits(clusters: Clusters, correlation: float, columns: int, rng: np.random.Generator) -> Array:
    """Zeros and ones with a mean of .8 and this correlation within clusters."""
    shape = (clusters.max() + 1, columns)
    if correlation == 0:
        return (rng.random((len(clusters), columns)) < 0.8).astype(np.float64)
    spread = (1 - correlation) / correlation
    chances = rng.beta(0.8 * spread, 0.2 * spread, size=shape)[clusters]
    return (rng.random(chances.shape) < chances).astype(np.float64)


def covered(what: str, held: list[float], peer: str) -> Figure:
    """The lowest coverage, with the highest beside it."""
    low, high = min(held), max(held)
    beside = f"highest {high:.3f}" + (f"; {peer}" if peer else "")
    return Figure(
        what,
        "lowest coverage of 95% intervals",
        low,
        target=f"{COVERAGE[0]:g} to {COVERAGE[1]:g}",
        met=COVERAGE[0] <= low and high <= COVERAGE[1],
        peer=beside,
    )


def gates(columns: int) -> Iterator[Figure]:
    """False passes of the gate where half of the queries come from one document."""
    rng, clusters = np.random.default_rng(3), np.repeat(np.arange(30), [58] + [2] * 29)
    differences, shares = [], []
    for correlation in CORRELATIONS:
        values = 0.2 * normal(clusters, correlation, columns, rng)
        found = [difference_bounds(column, clusters, below=0.05, above=0.01).low for column in values.T]
        differences.append(float(np.mean([low is not None and low > 0 for low in found])))
        right = hits(clusters, correlation, columns, rng)
        found = [share_bounds(column, clusters, below=0.05, above=0.01).low for column in right.T]
        shares.append(float(np.mean([low is not None and low > 0.8 for low in found])))
    for what, passed in (("margin", differences), ("floor", shares)):
        yield Figure(
            f"gate at its {what}, one document with half of the queries",
            "highest share of false passes",
            max(passed),
            target=f"at most {MOST_FALSE_PASSES:g}",
            met=max(passed) <= MOST_FALSE_PASSES,
            peer="up to .32 before" if what == "margin" else "",
        )


def losses(columns: int) -> Iterator[Figure]:
    """False passes where the true loss equals the margin and few queries cause it."""
    rng = np.random.default_rng(4)
    for name, (lost, gained, others) in LOSSES.items():
        ours, before, margin = [], [], lost - gained
        for queries in QUERIES:
            clusters, chance = np.arange(queries), rng.random((queries, columns))
            values = np.where(chance > 1 - gained, 1.0, others * rng.normal(size=chance.shape))
            values[chance < lost] = -1.0
            found = [difference_bounds(column, clusters, below=0.05, above=0.01).low for column in values.T]
            ours.append(float(np.mean([low is not None and low > -margin for low in found])))
            errors = values.std(axis=0, ddof=1) / np.sqrt(queries)
            t = values.mean(axis=0) - t_quantile(0.95, queries - 1) * errors
            before.append(float((t > -margin).mean()))
        yield Figure(
            name,
            "highest share of false passes",
            max(ours),
            target=f"at most {MOST_FALSE_PASSES:g}",
            met=max(ours) <= MOST_FALSE_PASSES,
            peer=f"{max(before):.3f} (t bound)",
            reason=NORMAL if max(ours) > MOST_FALSE_PASSES else "",
        )


if __name__ == "__main__":
    sys.exit(main(only="unequal"))
