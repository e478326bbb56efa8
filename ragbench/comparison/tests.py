"""Run a paired test by name, or the one that fits the data."""

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.verdicts import Item
from ragbench.stats.choose import WHOLE_RUNS, choose_test
from ragbench.stats.clusters import cluster_totals
from ragbench.stats.paired_tests import mcnemar, paired_t, sign_flip_test, sign_test, wilcoxon
from ragbench.stats.repeats import RunErrors
from ragbench.stats.sign_flips import EXACT_CLUSTERS

TestName = Literal["auto", "sign-flip", "t", "wilcoxon", "sign", "mcnemar"]
INDEPENDENT = ("wilcoxon", "sign", "mcnemar")
"""Tests that assume independent queries."""


class Tested(NamedTuple):
    """The result of a paired test.

    Attributes:
        p: two-sided p-value, in (0, 1].
        test: name of the test, with the unit and the number of resamples.
        reason: why this test was chosen, in one sentence.
        notes: what the test does not account for.
        least: the smallest p that the test can give for this many values; 0 if there is no limit.
        unit: the independent unit.
    """

    p: float
    test: str
    reason: str
    notes: tuple[str, ...] = ()
    least: float = 0.0
    unit: Item = "query"


def check_test(test: str) -> None:
    """Refuse an unknown test.

    Raises:
        SettingError: the test does not exist.
    """
    if test not in get_args(TestName):
        raise SettingError(f"there is no test {test!r}{did_you_mean(test, get_args(TestName))}")


def is_binary(*columns: npt.NDArray[np.float64]) -> bool:
    """Whether every value is 0 or 1."""
    return all(bool(((values == 0) | (values == 1)).all()) for values in columns)


def paired_test(
    test: str,
    baseline: npt.NDArray[np.float64],
    candidate: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    resamples: int,
    item: Item = "query",
    runs: RunErrors | None = None,
) -> Tested:
    """Test the hypothesis that two columns do not differ.

    Args:
        test: one of `TestName`.
        baseline: (n,) values without NaN.
        candidate: (n,) values of the same queries.
        clusters: (n,) resampling unit of each query.
        rng: generator for the sign flips.
        resamples: number of sign flips.
        item: what a value belongs to.
        runs: how the difference varies from run to run, if the values are means over several runs. Where runs share an
            effect, ``auto`` is a t-test that includes it, and so is ``t``.

    Raises:
        SettingError: the test is unknown, or it is McNemar's and values are not 0 or 1.
    """
    check_test(test)
    difference = candidate - baseline
    n, c = len(difference), int(clusters.max()) + 1
    choice = choose_test(n=n, clusters=c, binary=is_binary(baseline, candidate), item=item)
    reason = choice.reason if test == "auto" else "You chose it."
    name = {"McNemar mid-p": "mcnemar"}.get(choice.test, "sign-flip") if test == "auto" else test
    shared = runs is not None and bool(runs.shared[0] > 0)
    if shared and test == "auto":
        name, reason = "t", WHOLE_RUNS
    unit: Item = "document" if c < n else item
    by_query, by_unit = 2.0 ** (1 - n), 2.0 ** (1 - c)
    notes: tuple[str, ...] = ()
    if name in INDEPENDENT and c < n:
        notes = (
            f"the {name} test takes all {n} queries as independent, but they come from {c} documents: its p is too low",
        )
    if shared and name != "t":
        notes = (*notes, f"the {name} test ignores that whole runs vary: its p is too low")
    if name == "mcnemar":
        if not is_binary(baseline, candidate):
            raise SettingError("test mcnemar is for metrics that are 0 or 1, such as hit@5; these values are not")
        found = mcnemar(baseline, candidate)
        return Tested(found.p, f"McNemar mid-p ({found.c} gained, {found.b} lost)", reason, notes, by_query / 2)
    if name == "wilcoxon":
        return Tested(wilcoxon(difference), "Wilcoxon signed-rank", reason, notes, by_query)
    if name == "sign":
        return Tested(sign_test(difference), "sign test", reason, notes, by_query)
    if name == "t":
        p = float(paired_t(difference[:, None], clusters, runs=runs).p[0])
        how = (", clustered by document" if c < n else "") + (", with the variance between runs" if shared else "")
        return Tested(p, "paired t" + how, reason, notes)
    p = float(sign_flip_test(difference[:, None], clusters, rng, resamples=resamples)[0])
    moving = int((cluster_totals(difference[:, None], clusters)[0] != 0).sum())
    how = "exact" if moving <= EXACT_CLUSTERS else f"{resamples:,} resamples"
    return Tested(p, f"sign-flip by {unit}, {how}", reason, notes, by_unit, unit)
