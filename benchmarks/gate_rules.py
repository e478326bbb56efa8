"""False passes of the rules of a gate that ask for a gain or a ratio, of counts, and of gaps between groups."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, norm

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.unequal import CORRELATIONS, DOCUMENTS, MOST_FALSE_PASSES, layouts, normal
from ragbench.comparison.gate.bounds import difference_bounds, share_bounds
from ragbench.stats.bounds import LARGEST
from ragbench.stats.gaps import group_gaps

GAIN, RATIO, CEILING = 0.02, 1.02, 0.2
ERROR = 0.05
SIZES = (20, 50, 100, 200)
HOW = (
    "Each simulated candidate lies exactly at the limit of its rule, so that every pass is false; the nominal rate is "
    f"{ERROR:g}. The figure is the highest share of passes over {SIZES[0]} to {SIZES[-1]} queries, or, for clustered "
    "queries, over documents of one size, sizes that fall geometrically, and one document that holds half of the "
    f"queries, with {DOCUMENTS[0]} to {DOCUMENTS[-1]} documents and intraclass correlations of "
    f"{', '.join(f'{value:g}' for value in CORRELATIONS)}. Gains: the lower bound of the difference. Ratios: the lower "
    "bound of the mean of candidate - ratio x baseline (Fieller); beside it a normal interval of the logarithm of the "
    "ratio (delta method), which takes the queries as independent. Counts: how often the true share lies above the "
    "upper bound that the gate prints; beside it the rule of Clopper and Pearson for independent queries. Gaps: "
    "several categories, of which two differ by exactly the ceiling; beside those of hits, the bound by t alone."
)
FEW = "with 5 documents, one of which holds half of the queries, there are about 3 effective documents"
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
Draw = Callable[[int, int, np.random.Generator], Array]


def run(options: Options) -> Section:
    """Some four minutes."""
    columns = 20 if options.small else 2_000
    figures = [*gains(columns), *ratios(columns), *counts(columns), *gaps(columns)]
    return Section("gate_rules", "Gains, ratios, counts and gaps", HOW, tuple(figures))


def passes(values: Array, clusters: Clusters, bound: float, largest: float = LARGEST) -> float:
    """Share of the columns whose lower bound reaches the bound."""
    found = (difference_bounds(one, clusters, below=ERROR, above=0.01, largest=largest).low for one in values.T)
    return float(np.mean([low is not None and low >= bound for low in found]))


def figure(what: str, measure: str, ours: list[float], peer: str = "", reason: str = "") -> Figure:
    """The highest share, with its target."""
    met = max(ours) <= MOST_FALSE_PASSES
    return Figure(
        what, measure, max(ours), target=f"at most {MOST_FALSE_PASSES:g}", met=met, peer=peer,
        reason="" if met else reason,
    )  # fmt: skip


def _t(values: Array, bound: float) -> float:
    from ragbench.stats.distributions import t_quantile

    n = len(values)
    low = values.mean(axis=0) - t_quantile(1 - ERROR, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return float((low >= bound).mean())


def gains(columns: int) -> Iterator[Figure]:
    """A true gain of exactly the limit, and none for superiority."""
    rng = np.random.default_rng(1)
    for rule, gain in ((f"min_gain {GAIN:g}", GAIN), ("superiority", 0.0)):
        draws: dict[str, Draw] = {
            "varied differences": lambda n, m, rng, gain=gain: gain + 0.15 * rng.normal(size=(n, m)),
            "hits, 8% change": lambda n, m, rng, gain=gain: _changes(rng.random((n, m)), 0.04 + gain, 0.04),
            "all queries gain, 2% lose everything": lambda n, m, rng, gain=gain: np.where(
                rng.random((n, m)) < 0.02, -1.0, (gain + 0.02) / 0.98
            ),
            "2% of the queries gain everything, and others lose or tie": lambda n, m, rng, gain=gain: _changes(
                rng.random((n, m)), 0.02 + gain, 0.02
            ),
        }
        for name, draw in draws.items():
            ours, before = [], []
            for n in SIZES:
                values = draw(n, columns, rng)
                ours.append(passes(values, np.arange(n), np.nextafter(gain, 1)))
                before.append(_t(values, np.nextafter(gain, 1)))
            yield figure(f"{rule}, {name}", "highest share of false passes", ours, f"{max(before):.3f} (t bound)")
        ours = [
            passes(gain + 0.5 * normal(clusters, correlation, columns, rng), clusters, gain)
            for documents in DOCUMENTS
            for _, clusters in layouts(documents)
            for correlation in CORRELATIONS
        ]
        yield figure(f"{rule}, clustered queries", "highest share of false passes", ours, reason=FEW)


def _changes(chance: Array, gained: float, lost: float) -> Array:
    return np.where(chance < gained, 1.0, np.where(chance > 1 - lost, -1.0, 0.0))


def _log_ratio(before: Array, after: Array, ratio: float) -> float:
    """The delta method on the logarithm, with the normal quantile and independent queries."""
    n = len(before)
    a, b = after.mean(axis=0), before.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = (after / a - before / b).std(axis=0, ddof=1) / np.sqrt(n)
        low = np.log(a / b) - norm.ppf(1 - ERROR) * errors
    return float((low >= np.log(ratio)).mean())


def ratios(columns: int) -> Iterator[Figure]:
    """A true ratio of exactly the limit."""
    rng = np.random.default_rng(2)

    def graded(n: int) -> tuple[Array, Array]:
        before = rng.beta(1, 1, size=(n, columns)) * 0.9
        return before, before * RATIO + 0.1 * rng.normal(size=before.shape) * np.sqrt(before)

    def hits(rate: float, keeps: float) -> Callable[[int], tuple[Array, Array]]:
        def draw(n: int) -> tuple[Array, Array]:
            before = rng.random((n, columns)) < rate
            gained = rate * (RATIO - keeps) / (1 - rate)
            after = np.where(before, rng.random(before.shape) < keeps, rng.random(before.shape) < gained)
            return before.astype(np.float64), after.astype(np.float64)

        return draw

    for name, draw in (
        ("graded values", graded),
        ("hit rate .5, of which a tenth is lost", hits(0.5, 0.9)),
        ("hit rate .9, of which 3% is lost", hits(0.9, 0.97)),
        ("hit rate .05, of which half is lost", hits(0.05, 0.5)),
    ):
        ours, peers = [], []
        for n in SIZES:
            before, after = draw(n)
            ours.append(passes(after - RATIO * before, np.arange(n), 1e-12, RATIO))
            peers.append(_log_ratio(before, after, RATIO))
        peer = f"{max(peers):.3f} (normal interval of the logarithm)"
        yield figure(f"min_ratio {RATIO:g}, {name}", "highest share of false passes", ours, peer)
    ours, peers = [], []
    for documents in DOCUMENTS:
        for _, clusters in layouts(documents):
            for correlation in CORRELATIONS:
                before = 2.0 + 0.3 * normal(clusters, correlation, columns, rng)
                after = RATIO * before + 0.5 * normal(clusters, correlation, columns, rng)
                ours.append(passes(after - RATIO * before, clusters, 0.0, RATIO))
                peers.append(_log_ratio(before, after, RATIO))
    peer = f"{max(peers):.3f} (normal interval of the logarithm)"
    yield figure(f"min_ratio {RATIO:g}, clustered queries", "highest share of false passes", ours, peer, FEW)


def counts(columns: int) -> Iterator[Figure]:
    """How often the true share of rare answers lies above the printed bound."""
    rng = np.random.default_rng(3)
    for share in (0.01, 0.05):
        for correlation in (0.0, 0.3):
            ours, peers = [], []
            for documents in (30, 100):
                for _, clusters in layouts(documents):
                    n, spread = len(clusters), (1 - correlation) / max(correlation, 1e-9)
                    chances = (
                        np.full((documents, columns), share)
                        if correlation == 0
                        else rng.beta(share * spread, (1 - share) * spread, size=(documents, columns))
                    )[clusters]
                    found = (rng.random(chances.shape) < chances).astype(np.float64)
                    ends = [share_bounds(one, clusters, below=ERROR, above=ERROR).high for one in found.T]
                    ours.append(float(np.mean([end is not None and end < share for end in ends])))
                    seen = found.sum(axis=0)
                    peers.append(float((beta.ppf(1 - ERROR, seen + 1, n - seen) < share).mean()))
            yield figure(
                f"max_count, {share:.0%} of the queries count, correlation {correlation:g} within documents",
                "highest share of bounds below the true share", ours,
                f"{max(peers):.3f} (Clopper and Pearson, independent queries)",
                "a document that holds many of the queries has either most of the rare answers or none, and a sample "
                "in which it has none shows no sign of that",
            )  # fmt: skip


def gaps(columns: int) -> Iterator[Figure]:
    """Categories of which the first two differ by exactly the ceiling."""
    rng = np.random.default_rng(4)
    runs = max(columns // 2, 10)
    for size in (12, 30):
        for categories in (2, 4):
            groups = np.repeat(np.arange(categories), size)
            means = np.array([0.6, 0.8, *[0.7] * (categories - 2)])[groups]
            for name, draw in (
                ("graded values", lambda means=means: means + 0.15 * rng.normal(size=len(means))),
                ("hits", lambda means=means: (rng.random(len(means)) < means + 0.15).astype(np.float64)),
            ):
                clusters = np.arange(len(groups))
                found = [group_gaps(draw(), groups, clusters) for _ in range(runs)]
                by_t = [replace(one, sizes=None).upper(ERROR) <= CEILING for one in found]
                yield figure(
                    f"max_gap {CEILING:g}, {categories} categories of {size} queries, {name}",
                    "share of false passes", [float(np.mean([one.upper(ERROR) <= CEILING for one in found]))],
                    f"{np.mean(by_t):.3f} (t)" if name == "hits" else "",
                )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="gate_rules"))
