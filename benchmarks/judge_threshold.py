"""Rates of a judge whose threshold is chosen on the labels: how often the corrected interval holds the true rate."""

import sys

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.answers.judge_check.threshold import Threshold, chosen_threshold, share_of_yes
from ragbench.core.errors import InputError
from ragbench.stats.rogan_gladen import Precision, error_precision, rogan_gladen

RUNS = 400
SIZES = (100, 200, 300)
RATES = (0.5, 0.7, 0.85, 0.95)
SEPARATIONS = {"weak judge": 0.8, "usual judge": 1.5, "strong judge": 2.5}
LAYOUTS = ("single answers", "10 answers a document", "unequal documents")
ICC = 0.3
LATER, LATER_DOCUMENTS = 400, 40
BAND = (0.93, 0.97)
HOW = (
    f"A score separates answers by {', '.join(f'{d:g} ({name})' for name, d in SEPARATIONS.items())} standard "
    f"deviations. Annotators say yes to {', '.join(f'{rate:g}' for rate in RATES)} of the answers; the threshold is "
    f"chosen on their labels, and then the rate of {LATER} other answers is corrected. With documents, the other "
    f"answers come from {LATER_DOCUMENTS} of them, scores and labels have an intraclass correlation of {ICC:g}, and "
    "each unequal document holds 15% less than the one before. A figure is the share of experiments whose 95% interval "
    f"holds the true rate, over all rates with {RUNS} experiments each. The figure beside it is what ragbench did "
    "before: the errors of the folds' thresholds correct the rate at the threshold of all labels, with the normal "
    "quantile."
)
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


def run(options: Options) -> Section:
    """Some one and a half minutes."""
    figures = []
    for layout in LAYOUTS:
        for name, separation in SEPARATIONS.items():
            options.say(f"  {layout}, {name}")
            figures += [coverage(layout, name, separation, n, 5 if options.small else RUNS) for n in SIZES]
    return Section("judge_threshold", "Rates from a judge with a chosen threshold", HOW, tuple(figures))


def coverage(layout: str, judge: str, separation: float, n: int, runs: int) -> Figure:
    """One figure: the share of all rates and experiments."""
    rng = np.random.default_rng([n, int(10 * separation), LAYOUTS.index(layout)])
    held = [outcome for rate in RATES for _ in range(runs) if (outcome := once(rng, layout, separation, n, rate))]
    ours, before = np.mean(held, axis=0).tolist()
    weak = separation < 1
    met = ours >= BAND[0] if weak else BAND[0] <= ours <= BAND[1]
    return Figure(
        f"{judge}, {layout}, {n} labels",
        "coverage of the corrected rate",
        ours,
        target=f"at least {BAND[0]:g}" if weak else f"{BAND[0]:g} to {BAND[1]:g}",
        met=met,
        peer=f"{before:.3f} (threshold of all labels)",
        reason=""
        if met or ours < BAND[1]
        else "the interval is wider than needed, because few answers have a no and there are few documents",
    )


def once(rng: np.random.Generator, layout: str, separation: float, n: int, rate: float) -> tuple[bool, bool] | None:
    """Whether the interval holds the true rate, ours and the one before; None if the labels allow no check."""
    clusters, positive, scores = drawn(rng, layout, n, rate, separation)
    try:
        threshold = chosen_threshold(scores, positive, clusters, rng)
    except InputError:
        return None
    groups = np.arange(LATER) if layout == LAYOUTS[0] else np.repeat(np.arange(LATER_DOCUMENTS), 10)
    later = values(rng, groups, rate, separation)[1]
    right = (threshold.verdicts == positive).astype(np.float64)
    shares = share_of_yes(later, threshold.each)
    precision = error_precision(right, positive, clusters)
    ours = rogan_gladen(
        float(shares.sum()), LATER, *errors(threshold, positive), precision=precision.with_verdicts(shares, groups)
    )
    said = (later >= threshold.value).astype(np.float64)
    sizes = Precision(precision.with_verdicts(said, groups).sizes)
    before = rogan_gladen(float(said.sum()), LATER, *errors(threshold, positive), precision=sizes)
    return tuple((found.low or 0.0) <= rate <= (found.high or 1.0) for found in (ours, before))  # type: ignore[return-value]


def errors(threshold: Threshold, positive: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """True positives of the positive labels, true negatives of the negative ones."""
    yes, verdicts = int(positive.sum()), threshold.verdicts
    return int((verdicts & positive).sum()), yes, int((~verdicts & ~positive).sum()), len(positive) - yes


def drawn(
    rng: np.random.Generator, layout: str, n: int, rate: float, separation: float
) -> tuple[Clusters, npt.NDArray[np.bool_], Array]:
    """Labelled answers in clusters."""
    documents = n if layout == LAYOUTS[0] else n // 10
    sizes = np.full(documents, n // documents)
    if layout == LAYOUTS[2]:
        parts = 0.85 ** np.arange(documents)
        sizes = np.maximum(1, np.round(n * parts / parts.sum()).astype(int))
    clusters = np.repeat(np.arange(documents), sizes)
    return clusters, *values(rng, clusters, rate, separation)


def values(
    rng: np.random.Generator, clusters: Clusters, rate: float, separation: float
) -> tuple[npt.NDArray[np.bool_], Array]:
    """Labels and scores with correlation within clusters, unless each has one answer."""
    from scipy.special import ndtri

    icc = 0.0 if len(np.unique(clusters)) == len(clusters) else ICC

    def normal() -> Array:
        shared = rng.normal(size=int(clusters.max()) + 1)[clusters]
        return np.sqrt(icc) * shared + np.sqrt(1 - icc) * rng.normal(size=len(clusters))

    positive = normal() < ndtri(rate)
    return positive, normal() + separation * positive


if __name__ == "__main__":
    sys.exit(main(only="judge_threshold"))
