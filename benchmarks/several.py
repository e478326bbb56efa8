"""Error rates of comparisons of ten systems, and of McNemar's mid-p beside the exact test."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.stats.max_t import max_t
from ragbench.stats.power import mcnemar_power

EXPERIMENTS, RESAMPLES, SYSTEMS = 1_000, 499, 10
BAND = (0.04, 0.06)
HOW = (
    f"Ten systems, all pairs, {RESAMPLES} sign flips or permutations (all sign flips with 8 documents). An experiment "
    "counts as wrong if any pair without a true difference has p < .05 (step-down max-t, beside the randomised Tukey "
    "test of earlier versions), and as covered if all 45 simultaneous intervals hold. Queries of a document correlate "
    "by .3. McNemar: shares of rejected experiments at .05, summed over all tables; power at 2.8 standard errors."
)
LAYOUTS: dict[str, tuple[str, list[int]]] = {
    "equal systems, 40 documents x 5 queries": ("equal", [5] * 40),
    "seven nearly equal, three others differ, 40 documents": ("near", [5] * 40),
    "unequal noise (sd .05 to .5), 40 documents": ("noise", [5] * 40),
    "equal systems, 8 documents x 10 queries": ("equal", [10] * 8),
    "equal systems, 24 documents of 1 to 40 queries": ("equal", [max(1, round(40 * 0.8**i)) for i in range(24)]),
    "equal systems, half of the queries from one of 21 documents": ("equal", [100] + [5] * 20),
    "90% ties, 40 documents x 5 queries": ("ties", [5] * 40),
    "0 or 1, 40 documents x 5 queries": ("binary", [5] * 40),
}
Array = npt.NDArray[np.float64]


def run(options: Options) -> Section:
    """Some two minutes."""
    experiments = 20 if options.small else EXPERIMENTS
    figures = [figure for name in LAYOUTS for figure in layout(name, experiments)]
    return Section("several", "Several systems, and hits", HOW, (*figures, *mcnemar_figures()))


def layout(name: str, experiments: int) -> Iterator[Figure]:
    """Any false verdict, and coverage of all intervals."""
    kind, sizes = LAYOUTS[name]
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    first, second = np.triu_indices(SYSTEMS, 1)
    wrong = tukey = covered = 0
    for i in range(experiments):
        values, true = draw(kind, clusters, rng)
        difference = true[second] - true[first]
        found = max_t(values[:, second] - values[:, first], clusters, rng, resamples=RESAMPLES)
        wrong += bool((found.p[difference == 0] < 0.05).any())
        covered += bool(((found.low <= difference) & (difference <= found.high)).all())
        if i < experiments // 4:
            p = randomised_tukey(values, clusters, rng)[first, second]
            tukey += bool((p[difference == 0] < 0.05).any())
    share = wrong / experiments
    coarse = kind == "binary"
    yield Figure(
        name, "any false verdict, max-t", share,
        target="at most .06" if coarse else f"{BAND[0]:g} to {BAND[1]:g}",
        met=share <= BAND[1] and (coarse or share >= BAND[0]),
        peer=f"randomised Tukey {tukey / max(experiments // 4, 1):.3f}",
    )  # fmt: skip
    held = covered / experiments
    yield Figure(
        name, "all 45 simultaneous intervals hold", held, target="at least .93", met=held >= 0.93,
        peer="no interval has an end: one document has half of the queries" if "half" in name else "",
    )  # fmt: skip


def draw(kind: str, clusters: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, Array]:
    """(n, 10) values and (10,) true means."""
    n, documents = len(clusters), int(clusters.max()) + 1
    true, spread = np.zeros(SYSTEMS), np.full(SYSTEMS, 0.2)
    if kind == "near":
        true[7:], spread = np.array([0.15, 0.3, -0.2]), np.r_[np.full(7, 0.02), np.full(3, 0.3)]
    if kind == "noise":
        spread = np.linspace(0.05, 0.5, SYSTEMS)
    own = np.sqrt(0.3) * rng.normal(size=(documents, SYSTEMS))[clusters] + np.sqrt(0.7) * rng.normal(size=(n, SYSTEMS))
    if kind == "ties":
        own *= rng.random(own.shape) < 0.1
    if kind == "binary":
        shared = rng.normal(size=(n, 1)) * np.sqrt(0.7) + rng.normal(size=(documents, 1))[clusters] * np.sqrt(0.3)
        return (0.8 * shared + 0.6 * own > -1.28).astype(np.float64), true
    return rng.random((n, 1)) + spread * own + true, true


def randomised_tukey(values: Array, clusters: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    """(s, s) p-values of Carterette 2012: the labels of the systems are permuted within a document."""
    sums = np.zeros((int(clusters.max()) + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    orders = rng.random((RESAMPLES, *sums.shape)).argsort(axis=2)
    ranges = np.ptp(np.take_along_axis(sums[None], orders, axis=2).sum(axis=1), axis=1)
    totals = sums.sum(axis=0)
    distances = np.abs(totals[:, None] - totals[None, :])
    found: Array = ((ranges >= distances[..., None] - 1e-9).sum(axis=2) + 1) / (RESAMPLES + 1)
    return found


def mcnemar_figures() -> Iterator[Figure]:
    """Size and power of the mid-p, beside those of the exact test."""
    for n, discordant in ((50, 0.1), (100, 0.1), (200, 0.05), (200, 0.2), (300, 0.5)):
        size = mcnemar_power(n, discordant, 0.0)
        what = f"hits: {n} queries, {discordant:.0%} of them differ"
        yield Figure(
            what, "size, McNemar mid-p", size, target="at most .05", met=size <= 0.05,
            peer=f"exact {exact_power(n, discordant, 0.0):.4f}",
        )  # fmt: skip
        difference = 2.8 * float(np.sqrt(discordant / n))
        yield Figure(
            what, f"power for {difference:.3f}, McNemar mid-p", mcnemar_power(n, discordant, difference),
            peer=f"exact {exact_power(n, discordant, difference):.4f}",
        )  # fmt: skip


def exact_power(n: int, discordant: float, difference: float) -> float:
    """Share of experiments that the exact test rejects at .05."""
    from scipy.stats import binom

    total, gain = 0.0, min(1.0, (1 + difference / discordant) / 2)
    for differing in range(1, n + 1):
        gains = np.arange(differing + 1)
        p = 2 * binom.cdf(np.minimum(gains, differing - gains), differing, 0.5)
        rejected = binom.pmf(gains, differing, gain)[p < 0.05].sum()
        total += float(binom.pmf(differing, n, discordant) * rejected)
    return total


if __name__ == "__main__":
    sys.exit(main(only="several"))
