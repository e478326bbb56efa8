"""Tests and intervals: speed beside scipy, false positives with clusters, coverage, and ranx's tests beside ours."""

import sys
import time
import warnings

import numpy as np
import numpy.typing as npt

from benchmarks import coverage
from benchmarks.child import run_module
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.resampling import METRICS
from ragbench.stats.max_t import max_t
from ragbench.stats.paired_tests import paired_t, sign_flip_test

SPEEDUP, SECONDS, GIB = 80.0, 10.0, 2.0
BAND = (0.04, 0.06)
DOCUMENTS, EACH, ICC = 100, 5, 0.3
SCIPY_BATCH = 500
"""scipy holds a whole batch of sign matrices at once."""
HOW = (
    "Sign flips: `scipy.stats.permutation_test` gets the same differences; its time is extrapolated from a part of its "
    "resamples. Bootstrap: it runs in its own process. False positives: the experiments have no true difference, "
    f"{DOCUMENTS} documents with {EACH} queries each, and an intra-class correlation of {ICC}; they are tested at .05. "
    "ranx: the functions behind its `stat_test` option run on the scores of simulated systems. Coverage: the share of "
    "samples whose 95% interval contains the true mean, for three numbers of independent queries or documents."
)
Array = npt.NDArray[np.float64]


def run(options: Options) -> Section:
    """Everything; some one and a half minutes."""
    figures = [
        *sign_flips(*((500, 2_000, 500) if options.small else (10_000, 100_000, 3_000))),
        *bootstrap(*((500, 200) if options.small else (50_000, 10_000))),
        *false_positives(40 if options.small else 2_000),
        *beside_ranx(options.small),
        *coverage.figures(20 if options.small else 1_000),
    ]
    return Section("statistics", "Tests and intervals", HOW, tuple(figures))


def sign_flips(queries: int, resamples: int, theirs: int) -> list[Figure]:
    """Time and p beside scipy's."""
    from scipy.stats import permutation_test, ttest_1samp

    differences = np.random.default_rng(1).normal(size=queries)
    # Two standard errors from 0, where p decides.
    differences += 2 * differences.std(ddof=1) / np.sqrt(queries) - differences.mean()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        p = sign_flip_test(differences[:, None], np.arange(queries), np.random.default_rng(2), resamples=resamples)[0]
        seconds.append(time.perf_counter() - start)
    ours = float(np.median(seconds))
    start = time.perf_counter()
    reference = float(
        permutation_test(
            (differences,),
            np.mean,
            permutation_type="samples",
            n_resamples=theirs,
            batch=SCIPY_BATCH,
            vectorized=True,
            rng=np.random.default_rng(3),
        ).pvalue
    )
    scipy_seconds = (time.perf_counter() - start) * resamples / theirs
    # scipy doubles the smaller tail, so the error of its p is twice that of a tail.
    error = 2 * np.sqrt(reference / 2 / theirs) + np.sqrt(p / resamples)
    what = f"sign flips, {resamples:,} resamples x {queries:,} queries"
    return [
        Figure(
            what,
            "time of scipy / ragbench",
            scipy_seconds / ours,
            "x",
            target=f"at least {SPEEDUP:g} x",
            met=scipy_seconds / ours >= SPEEDUP,
            peer=f"scipy {scipy_seconds:.1f} s ({theirs:,} resamples, extrapolated), here {ours:.2f} s",
        ),
        Figure(
            what,
            "p",
            float(p),
            target="scipy's, within 3 Monte-Carlo errors",
            met=bool(abs(p - reference) <= 3 * error),
            peer=f"scipy {reference:.4f}, paired t {ttest_1samp(differences, 0).pvalue:.4f}",
        ),
    ]


def bootstrap(queries: int, resamples: int) -> list[Figure]:
    """Seconds and memory."""
    found = run_module("benchmarks.resampling", str(queries), str(resamples))
    seconds, peak = float(found["seconds"]), float(found["peak_gib"])
    what = f"bootstrap, {resamples:,} resamples x {queries:,} queries x {METRICS} metrics"
    return [
        Figure(
            what,
            "time",
            seconds,
            "s",
            target=f"at most {SECONDS:g} s",
            met=seconds <= SECONDS,
            peer=f"{found['cpu_seconds']:.1f} s of processor time",
        ),
        Figure(what, "peak memory", peak * 1024, "MiB", target=f"at most {GIB:g} GiB", met=peak <= GIB),
    ]


def false_positives(experiments: int) -> list[Figure]:
    """Shares of experiments without a difference that are called significant."""
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(1)
    documents = np.repeat(np.arange(DOCUMENTS), EACH)
    queries = np.arange(DOCUMENTS * EACH)
    rejected: dict[str, list[float]] = {}
    for _ in range(20):
        columns = experiments // 20
        shared = np.repeat(rng.normal(0, np.sqrt(ICC), size=(DOCUMENTS, columns)), EACH, axis=0)
        differences = shared + rng.normal(0, np.sqrt(1 - ICC), size=shared.shape)
        for name, p in {
            "sign flips by document (the default)": sign_flip_test(differences, documents, rng),
            "t by document": paired_t(differences, documents).p,
            "sign flips by query": sign_flip_test(differences, queries, rng),
            "t by query (scipy, ranx)": ttest_1samp(differences, 0).pvalue,
        }.items():
            rejected.setdefault(name, []).append(float((p < 0.05).mean()))
    shares = {name: float(np.mean(parts)) for name, parts in rejected.items()}
    default, *others = shares
    beside = ", ".join(f"{name} {shares[name]:.4f}" for name in others)
    return [
        Figure(
            f"{experiments:,} experiments without a difference",
            f"false positives: {default}",
            shares[default],
            target=f"{BAND[0]:g} to {BAND[1]:g}",
            met=BAND[0] <= shares[default] <= BAND[1],
            peer=beside,
        )
    ]


def beside_ranx(small: bool) -> list[Figure]:
    """Fisher's and Tukey's tests of ranx on scores where the right answer is known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ranx.statistical_tests import fisher_randomization_test, tukey_hsd_test
    except ImportError:
        sys.exit("this benchmark needs the peers: pip install 'ragbench[bench]'")
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(4)
    queries = np.arange(200)
    control = rng.beta(1, 1, size=200)
    slight = np.clip(control + rng.normal(0.015, 0.2, size=200), 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [float(fisher_randomization_test(control, slight, 1000, 0.01, 42)[0]) for _ in range(5)]
        certain = float(fisher_randomization_test(control, control + 0.1, 1000, 0.01, 42)[0])
    ours = {float(sign_flip_test((slight - control)[:, None], queries, np.random.default_rng(42))[0]) for _ in range(5)}
    sure = float(sign_flip_test(np.full((200, 1), 0.1), queries, np.random.default_rng(42))[0])
    # Every query is better by some .03, while queries differ among themselves by far more.
    better = control + rng.normal(0.03, 0.05, size=200)
    scores = np.column_stack((control, better, control + rng.normal(0, 0.05, size=200)))
    names = ["a", "b", "c"]
    hsd = tukey_hsd_test(names, list(scores.T), 0.01)
    unpaired = next(r["p-value"] for r in hsd if (r["control"], r["treatment"]) == ("a", "b"))
    pairs = scores[:, [1, 2, 2]] - scores[:, [0, 0, 1]]
    paired = max_t(pairs, queries, rng, resamples=200 if small else 10_000).p[0]
    return [
        Figure(
            "200 queries, one seed, five runs",
            "spread of p",
            max(ours) - min(ours),
            target="0: a seed means one p",
            met=len(ours) == 1,
            peer=f"ranx fisher {min(theirs):.3f} to {max(theirs):.3f}; here {min(ours):.4f} every time",
        ),
        Figure(
            "200 queries, each better by .1",
            "p",
            sure,
            target="above 0",
            met=sure > 0,
            peer=f"ranx fisher {certain:g}",
        ),
        Figure(
            "three systems, one better by .03 on 200 queries of very different difficulty",
            "p, max-t of all pairs",
            float(paired),
            target="at most .01: the paired t-test says so",
            met=bool(paired <= 0.01),
            peer=f"ranx tukey {unpaired:.2f}, paired t {ttest_rel(better, control).pvalue:.0e}",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main(only="statistics"))
