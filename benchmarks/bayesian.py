"""The Bayesian reading: how often its probabilities are right if true differences come from the prior, and if not."""

import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.stats.posterior import posterior_difference

EXPERIMENTS = 4_000
SCALE, ROPE = 0.05, 0.02
HOW = (
    f"{EXPERIMENTS:,} experiments for each row. The prior is normal with a standard deviation of {SCALE:g}, and "
    f"differences up to {ROPE:g} are equivalent. True differences come from this prior, except where the row names "
    "another spread. Queries of a document correlate by .3; the difference of a query has a standard deviation of .3. "
    "The second line of a layout counts only experiments with a stated probability above .8; beside it is the average "
    "of these probabilities."
)
LAYOUTS: dict[str, tuple[list[int], float]] = {
    "200 documents x 1 query": ([1] * 200, SCALE),
    "30 documents x 5 queries": ([5] * 30, SCALE),
    "24 documents of 1 to 40 queries": ([max(1, round(40 * 0.8**i)) for i in range(24)], SCALE),
    "6 documents x 8 queries": ([8] * 6, SCALE),
    "half of the queries from one of 21 documents": ([60] + [3] * 20, SCALE),
    "30 x 5, true spread .02": ([5] * 30, 0.02),
    "30 x 5, true spread .15": ([5] * 30, 0.15),
}
WRONG_PRIOR = "the true differences do not come from the prior, as happens if the prior is wrong"
FEW_DOCUMENTS = "few effective documents do not show their own spread well, and compare warns"
FEW = ("6 documents", "half of", "24 documents")


def run(options: Options) -> Section:
    """Some twenty seconds."""
    experiments = 40 if options.small else EXPERIMENTS
    figures = tuple(figure for name in LAYOUTS for figure in layout(name, experiments))
    return Section("bayesian", "The Bayesian reading", HOW, figures)


def layout(name: str, experiments: int) -> Iterator[Figure]:
    """Coverage of the credible interval, and how often a stated probability is right."""
    sizes, spread = LAYOUTS[name]
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    rows = []
    for _ in range(experiments):
        true = rng.normal(0, spread)
        noise = np.sqrt(0.3) * rng.normal(size=len(sizes))[clusters] + np.sqrt(0.7) * rng.normal(size=len(clusters))
        found = posterior_difference(true + 0.3 * noise, clusters, scale=SCALE, rope=ROPE)
        assert found is not None
        rows.append((true, found.above, found.low <= true <= found.high))
    true_values, above, held = np.array(rows, dtype=np.float64).T
    wrong, few = spread != SCALE, name.startswith(FEW)
    coverage = float(held.mean())
    yield Figure(
        name, "95% credible interval holds", coverage, target="" if wrong else ".92 to .97",
        met=None if wrong else 0.92 <= coverage <= 0.97, reason=WRONG_PRIOR if wrong else "",
    )  # fmt: skip
    stated = above > 0.8
    if not stated.any():
        return
    right = float((true_values[stated] > ROPE).mean())
    claim = float(above[stated].mean())
    yield Figure(
        name, "is better, where that was stated with more than .8", right,
        target="" if wrong or few else "within .04 of the stated probability",
        met=None if wrong or few else abs(right - claim) <= 0.04, peer=f"stated {claim:.3f}",
        reason=WRONG_PRIOR if wrong else FEW_DOCUMENTS if few else "",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="bayesian"))
