"""Power of a comparison: the smallest difference that n queries can detect, and the queries that a difference needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.stats.bounds import LARGEST
from ragbench.stats.checks import check_share
from ragbench.stats.icc import design_effect
from ragbench.stats.repeats import RunErrors, degrees
from ragbench.stats.sign_flips import EXACT_CLUSTERS

TAIL = 1e-9
"""Numbers of discordant queries with a smaller probability are ignored."""


def mcnemar_power(n: int, discordant: float, difference: float, *, alpha: float = 0.05) -> float:
    """Power of McNemar's two-sided mid-p test for the difference of two rates.

    The number of discordant queries is binomial. Given that number, the number of gains is binomial too, and the test
    rejects if it is too far from one half. Summing over both makes the power exact.

    Args:
        n: number of independent queries, at least 1.
        discordant: probability that exactly one of the systems succeeds, in (0, 1].
        difference: difference of the rates, 0 to ``discordant``; a larger one counts as ``discordant``.
        alpha: level of the test.

    Raises:
        SettingError: a number is out of its range.

    Source: Miettinen 1968; Duffy 1984.
    """
    check_share(alpha, "alpha")
    if n < 1 or not 0 < discordant <= 1 or difference < 0:
        raise SettingError(
            f"a McNemar test of {n} queries, {discordant:g} of them discordant, by {difference:g} cannot be planned"
        )
    from scipy.stats import binom

    gain = min(1.0, (1 + difference / discordant) / 2)
    first, last = binom.ppf([TAIL / 2, 1 - TAIL / 2], n, discordant)
    counts = np.arange(int(first), int(last) + 1)
    # The largest k that still rejects: P(X <= k) + P(X < k) < alpha.
    limit = binom.ppf(alpha / 2, counts, 0.5) - 1
    limit += binom.cdf(limit + 1, counts, 0.5) + binom.cdf(limit, counts, 0.5) < alpha
    rejects = binom.cdf(limit, counts, gain) + binom.cdf(limit, counts, 1 - gain)
    return float(min(1.0, (binom.pmf(counts, n, discordant) * np.where(limit >= 0, rejects, 0.0)).sum()))


Aim = Literal["difference", "margin"]
"""Detect a difference (two-sided, `ragbench compare`), or show that a loss is less than a margin (one-sided, the
gate)."""
MOST_QUERIES = 10**9
"""A larger number of queries is not a plan."""
MANY_CLUSTERS = 100_000
"""Degrees of freedom from which t counts as normal."""
LARGE_SHIFT = 30.0
"""Standard errors from which the noncentral t counts as normal, because its series no longer converges."""


@dataclass(frozen=True)
class RunEffects:
    """How the difference of two means over several runs varies from run to run.

    Attributes:
        shared: variance of the mean difference by effects that all queries of a run share, above 0. No number of
            queries reduces it.
        within: variance of one query's difference of means by effects of its own, which ``Design.sd`` contains.
        df: degrees of freedom with which a comparison measures how runs vary, above 0.
    """

    shared: float
    within: float
    df: float


@dataclass(frozen=True)
class Design:
    """Variation of paired differences, and distribution of their queries over documents.

    Attributes:
        sd: standard deviation of the differences, above 0.
        icc: intraclass correlation of the differences of one document, 0 to 1.
        per_document: mean number of queries per document, at least 1.
        unevenness: effective divided by mean number of queries per document (`ragbench.stats.icc.ClusterSizes`), at
            least 1.
        binary: whether the metric is 0 or 1 for every query.
        measured: design effect measured on queries with this distribution; None derives it from the ICC.
        runs: how the difference varies from run to run; None if whole runs do not vary.

    Raises:
        SettingError: a number is out of its range.
    """

    sd: float
    icc: float = 0.0
    per_document: float = 1.0
    unevenness: float = 1.0
    binary: bool = False
    measured: float | None = None
    runs: RunEffects | None = None

    def __post_init__(self) -> None:
        if not 0 < self.sd < float("inf"):
            raise SettingError(f"the standard deviation of differences must be above 0, not {self.sd:g}")
        if not 0 <= self.icc <= 1:
            raise SettingError(f"the intraclass correlation lies between 0 and 1, not at {self.icc:g}")
        if not 1 <= self.per_document < float("inf"):
            raise SettingError(f"a document has at least one query, not {self.per_document:g}")
        if not 1 <= self.unevenness < float("inf"):
            raise SettingError(f"the unevenness is at least 1, not {self.unevenness:g}")
        if self.measured is not None and not 0 < self.measured < float("inf"):
            raise SettingError(f"the design effect is above 0, not {self.measured:g}")

    @property
    def effect(self) -> float:
        """Design effect: variance of the mean divided by that of as many independent queries."""
        if self.measured is not None:
            return self.measured
        return design_effect(self.per_document * self.unevenness, self.icc)

    def spread_over(self, per_document: float) -> "Design":
        """Return a design with the same differences and another number of queries per document."""
        return replace(self, per_document=per_document, unevenness=1.0, measured=None)

    def error(self, n: float) -> float:
        """Return the standard error of the mean difference of n queries, in runs that share nothing."""
        return self.sd * float(np.sqrt(self.effect / n))

    def whole_error(self, n: float) -> float:
        """Return the standard error with what whole runs add."""
        return self.error(n) if self.runs is None else float(np.hypot(self.error(n), self.runs.shared**0.5))

    def clusters(self, n: float) -> float:
        """Return the number of documents that n queries come from."""
        return n / self.per_document

    def effective_clusters(self, n: float) -> float:
        """Return how many documents of one size these documents are worth (`ragbench.stats.clusters`)."""
        return self.clusters(n) / self.unevenness

    def degrees(self, n: float, clusters: float) -> float:
        """Return the degrees of freedom of the error of n queries from a number of (effective) clusters."""
        df = min(clusters - 1, MANY_CLUSTERS)
        if self.runs is None or df <= 0:
            return df
        shared, within = self.runs.shared, self.runs.within / n
        runs = RunErrors(*(np.array([x]) for x in (shared, within, shared + within, self.runs.df)))
        return float(degrees(np.array([self.error(n) ** 2]), np.array([df]), runs)[0])


def power_of(design: Design, n: float, size: float, *, aim: Aim = "difference", alpha: float = 0.05) -> float:
    """Compute the power of n queries: the probability that they detect a difference.

    It follows from the noncentral t with ``size / (sd * sqrt(deff / n))`` and c - 1 degrees of freedom, where c is the
    number of documents. With few documents, the two-sided test is the exact sign-flip test, whose p takes few values:
    its level is the largest of them below alpha, and 0 with five documents or fewer at .05. A metric of 0 and 1 on
    independent queries is tested by McNemar's mid-p, whose power is computed exactly (`mcnemar_power`). Where whole
    runs vary, the test is t with the error and the degrees of freedom of `ragbench.stats.repeats.with_runs`.

    A margin is confirmed by the lower bound of `ragbench.stats.bounds.MeanBounds`, with the effective number of
    documents. It also needs enough documents to rule out losses that none of them shows.

    Args:
        design: how the differences vary.
        n: number of queries, at least 1.
        size: true difference, above 0; for a margin, the margin plus the true difference of candidate minus baseline.
        aim: the test.
        alpha: level of the test.

    Returns:
        The power, 0 to 1.

    Raises:
        SettingError: a number is out of its range.

    Source: Cohen 1988, chapter 2; Donner and Klar 2000, chapter 5, for clusters.
    """
    _check_size(size, aim)
    _check_queries(design, n)
    check_share(alpha, "alpha")
    if aim == "margin":
        return _margin_power(design, n, size, alpha)
    if design.runs is not None:
        return _t_power(size / design.whole_error(n), design.degrees(n, design.clusters(n)), alpha)
    if design.binary and design.per_document == 1:
        return mcnemar_power(int(n), min(1.0, design.sd**2 + size**2), size, alpha=alpha)
    return _reach(size / design.error(n), design.clusters(n), alpha)


def smallest_size(
    design: Design, n: float, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Compute the smallest true difference (or margin, for equal systems) that n queries detect with this power.

    Returns:
        The difference, or None if there are too few documents to detect any.

    Raises:
        SettingError: a number is out of its range.

    Examples:
        >>> round(smallest_size(Design(sd=0.3), 200), 3)
        0.06
    """
    _check_queries(design, n)
    _check_rates(power, alpha)
    from scipy.optimize import brentq

    if design.binary and design.per_document == 1 and aim == "difference" and design.runs is None:
        if mcnemar_power(int(n), 1.0, 1.0, alpha=alpha) < power:
            return None
        return float(
            brentq(lambda d: mcnemar_power(int(n), min(1.0, design.sd**2 + d**2), d, alpha=alpha) - power, 1e-12, 1.0)
        )
    if aim == "margin":
        if design.effective_clusters(n) < 2:
            return None
        high = design.whole_error(n)
        while _margin_power(design, n, high, alpha) < power:
            high *= 2
        return float(brentq(lambda margin: _margin_power(design, n, margin, alpha) - power, 0.0, high))
    if design.runs is not None:
        df = design.degrees(n, design.clusters(n))
        return None if df <= 0 else _shift(lambda shift: _t_power(shift, df, alpha), power) * design.whole_error(n)
    shift = _shift_needed(design.clusters(n), power, alpha)
    return None if shift is None else shift * design.error(n)


def queries_needed(
    design: Design, size: float, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Compute the number of queries that detect a true difference (or a margin, for equal systems) with this power.

    It is close to ``((z_{1-alpha/2} + z_power) sd / size)^2 * deff``, but uses the quantiles of t, which give a little
    more. An sd of .3 and a difference of .03 give 784.9 by the formula and 787 here.

    Returns:
        The number, or None if it is larger than `MOST_QUERIES`.

    Raises:
        SettingError: a number is out of its range.

    Examples:
        >>> queries_needed(Design(sd=0.3), 0.03)
        787
    """
    _check_size(size, aim)
    _check_rates(power, alpha)

    def enough(n: int) -> bool:
        return n >= design.per_document and power_of(design, n, size, aim=aim, alpha=alpha) >= power

    return least(enough)


def least(enough: Callable[[int], bool], most: int = MOST_QUERIES) -> int | None:
    """Return the least whole number from 2 on that is enough, where larger ones are enough too; None above ``most``."""
    high = 2
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest_of_documents(
    design: Design, documents: int, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Compute the smallest difference that any number of queries from a number of documents can detect.

    With equally many queries from each document, the standard error tends to ``sd * sqrt(icc / c)``.

    Returns:
        The difference: 0 if the ICC is 0, or None if there are too few documents.

    Raises:
        SettingError: a number is out of its range.
    """
    _check_rates(power, alpha)
    if aim == "margin" or design.runs is not None:
        # So many queries per document that nothing varies within one.
        runs = None if design.runs is None else replace(design.runs, within=0.0)
        whole = Design(design.sd * design.icc**0.5 or 1e-9, 1.0, runs=runs)
        return smallest_size(whole, documents, aim=aim, power=power, alpha=alpha)
    shift = _shift_needed(documents, power, alpha)
    return None if shift is None else shift * design.sd * float(np.sqrt(design.icc / documents))


def _margin_power(design: Design, n: float, margin: float, alpha: float) -> float:
    """Return the probability that the lower bound of equal systems exceeds ``-margin``."""
    from scipy.special import nctdtr, ndtr, stdtrit

    clusters, error = design.effective_clusters(n), design.whole_error(n)
    if clusters < 2:
        return 0.0
    df = design.degrees(n, clusters)
    t = float(stdtrit(df, 1 - alpha))
    unseen = -float(np.expm1(np.log(alpha) / clusters)) * LARGEST
    # The mean that the bound for unseen losses needs, and the one that the score bound needs, above the margin.
    needed = max(t * float(np.hypot(error, t * LARGEST / (2 * clusters))), (unseen - margin) / (1 - unseen) + margin)
    if margin / error > LARGE_SHIFT:
        return float(ndtr((margin - needed) / error))
    return 1 - float(nctdtr(df, margin / error, needed / error))


def _reach(shift: float, clusters: float, alpha: float) -> float:
    """Return the power of the two-sided test if the mean is ``shift`` standard errors from 0."""
    level = _level(clusters, alpha)
    return 0.0 if level == 0 else _t_power(shift, clusters - 1, level)


def _t_power(shift: float, df: float, level: float) -> float:
    """Return the power of a two-sided t-test with some degrees of freedom."""
    if df <= 0:
        return 0.0
    from scipy.special import nctdtr, ndtr, ndtri, stdtrit

    tail = level / 2
    if df >= MANY_CLUSTERS:
        limit = -float(ndtri(tail))
        above, below = float(ndtr(shift - limit)), float(ndtr(-limit - shift))
    else:
        limit = -float(stdtrit(df, tail))
        above, below = 1 - float(nctdtr(df, shift, limit)), float(nctdtr(df, shift, -limit))
    found = above + (below if np.isfinite(below) else 0.0)
    return min(1.0, max(0.0, found))


def _level(clusters: float, alpha: float) -> float:
    """Return the actual level of the test with this number of clusters."""
    if clusters < 2:
        return 0.0
    whole = int(clusters)
    if whole > EXACT_CLUSTERS:
        return alpha
    signs = 2.0 ** (whole - 1)
    return float(np.ceil(alpha * signs) - 1) / signs


def _shift_needed(clusters: float, power: float, alpha: float) -> float | None:
    if _level(clusters, alpha) == 0:
        return None
    return _shift(lambda shift: _reach(shift, clusters, alpha), power)


def _shift(reach: Callable[[float], float], power: float) -> float:
    """Return how many standard errors from 0 the mean must be."""
    from scipy.optimize import brentq

    high = 4.0
    while reach(high) < power:
        high *= 2
    return float(brentq(lambda shift: reach(shift) - power, 0.0, high))


def _check_size(size: float, aim: Aim) -> None:
    if not 0 < size < float("inf"):
        raise SettingError(f"the {aim} must be above 0, not {size:g}")


def _check_queries(design: Design, n: float) -> None:
    if not design.per_document <= n < float("inf"):
        raise SettingError(f"{n:g} queries cannot come from documents of {design.per_document:g} queries each")


def _check_rates(power: float, alpha: float) -> None:
    check_share(alpha, "alpha")
    check_share(power, "power")
    if power <= alpha:
        raise SettingError(f"a power of {power:g} is no more than chance gives at alpha {alpha:g}")
