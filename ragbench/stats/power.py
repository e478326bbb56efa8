"""How small a difference so many queries can show, and how many a difference needs."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.stats.checks import check_share
from ragbench.stats.icc import design_effect
from ragbench.stats.power_mcnemar import mcnemar_power
from ragbench.stats.signflip import EXACT_CLUSTERS

Aim = Literal["difference", "margin"]
"""Show a difference (two-sided, `ragbench compare`), or that a loss is less than a margin (one-sided, the gate)."""
MOST_QUERIES = 10**9
"""More than so many are no plan."""
MANY_CLUSTERS = 100_000
"""From here on t is normal."""


@dataclass(frozen=True)
class Design:
    """What paired differences vary by, and how their queries are spread over documents.

    Attributes:
        sd: standard deviation of the differences, above 0.
        icc: how alike differences of one document are, 0 to 1.
        per_document: mean number of queries of a document, at least 1.
        unevenness: effective over mean size of a document's queries (`ragbench.stats.icc.ClusterSizes`), at least 1.
        binary: the metric is 0 or 1 for every query.
        measured: design effect as measured on queries that are spread like this; None works it out from the ICC.

    Raises:
        SettingError: a number out of its range.
    """

    sd: float
    icc: float = 0.0
    per_document: float = 1.0
    unevenness: float = 1.0
    binary: bool = False
    measured: float | None = None

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
        """Design effect: variance of the mean, over that of as many independent queries."""
        if self.measured is not None:
            return self.measured
        return design_effect(self.per_document * self.unevenness, self.icc)

    def spread_over(self, per_document: float) -> "Design":
        """The same differences with so many queries of each document."""
        return replace(self, per_document=per_document, unevenness=1.0, measured=None)

    def error(self, n: float) -> float:
        """Standard error of the mean difference of n queries."""
        return self.sd * float(np.sqrt(self.effect / n))

    def clusters(self, n: float) -> float:
        """Documents that n queries come from."""
        return n / self.per_document


def power_of(design: Design, n: float, size: float, *, aim: Aim = "difference", alpha: float = 0.05) -> float:
    """Chance that n queries show it.

    By noncentral t with ``size / (sd * sqrt(deff / n))`` and c - 1 degrees of
    freedom, c the number of documents. With few documents the two-sided test is
    the exact sign-flip test, whose p takes few values: its level is the largest
    of them below alpha, and 0 with five documents or fewer at .05. A metric of 0
    and 1 on independent queries is tested by McNemar's exact test: its power is
    worked out exactly (`ragbench.stats.power_mcnemar.mcnemar_power`).

    Args:
        design: how the differences vary.
        n: queries, at least 1.
        size: the true difference, above 0; for a margin the margin plus the true
            difference of candidate minus baseline.
        aim: which test.
        alpha: its level.

    Returns:
        0 to 1.

    Raises:
        SettingError: a number out of its range.

    Source: Cohen 1988, chapter 2; Donner and Klar 2000, chapter 5, for clusters.
    """
    _check_size(size, aim)
    _check_queries(design, n)
    check_share(alpha, "alpha")
    if design.binary and design.per_document == 1 and aim == "difference":
        return mcnemar_power(int(n), min(1.0, design.sd**2 + size**2), size, alpha=alpha)
    return _reach(size / design.error(n), design.clusters(n), aim, alpha)


def smallest_size(
    design: Design, n: float, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """The smallest true difference (or margin of equal systems) that n queries show with this power.

    Returns:
        None where no difference can be shown: too few documents.

    Raises:
        SettingError: a number out of its range.
    """
    _check_queries(design, n)
    _check_rates(power, alpha)
    from scipy.optimize import brentq

    if design.binary and design.per_document == 1 and aim == "difference":
        if mcnemar_power(int(n), 1.0, 1.0, alpha=alpha) < power:
            return None
        return float(
            brentq(lambda d: mcnemar_power(int(n), min(1.0, design.sd**2 + d**2), d, alpha=alpha) - power, 1e-12, 1.0)
        )
    shift = _shift_needed(design.clusters(n), aim, power, alpha)
    return None if shift is None else shift * design.error(n)


def queries_needed(
    design: Design, size: float, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Queries that show a true difference (or a margin, of equal systems) with this power.

    Near ``((z_{1-alpha/2} + z_power) sd / size)^2 * deff``, with the quantiles of
    t, which ask for somewhat more. An sd of .3 and a difference of .03 give
    784.9 by the formula and 787 here.

    Returns:
        None where that are more than `MOST_QUERIES`.

    Raises:
        SettingError: a number out of its range.
    """
    _check_size(size, aim)
    _check_rates(power, alpha)

    def enough(n: int) -> bool:
        return n >= design.per_document and power_of(design, n, size, aim=aim, alpha=alpha) >= power

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_QUERIES:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest_of_documents(
    design: Design, documents: int, *, aim: Aim = "difference", power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """What even endless queries, as many from each of so many documents, cannot go below.

    The standard error then tends to ``sd * sqrt(icc / c)``.

    Returns:
        0 where differences of one document are not alike; None where there are too few documents.

    Raises:
        SettingError: a number out of its range.
    """
    _check_rates(power, alpha)
    shift = _shift_needed(documents, aim, power, alpha)
    return None if shift is None else shift * design.sd * float(np.sqrt(design.icc / documents))


def _reach(shift: float, clusters: float, aim: Aim, alpha: float) -> float:
    """Power where the mean lies so many standard errors off."""
    level = _level(clusters, aim, alpha)
    if level == 0:
        return 0.0
    from scipy.stats import nct, norm
    from scipy.stats import t as student

    tail = level / 2 if aim == "difference" else level
    if clusters > MANY_CLUSTERS:
        limit = float(norm.isf(tail))
        above, below = float(norm.sf(limit - shift)), float(norm.cdf(-limit - shift))
    else:
        limit = float(student.isf(tail, clusters - 1))
        above, below = float(nct.sf(limit, clusters - 1, shift)), float(nct.cdf(-limit, clusters - 1, shift))
    found = above + (below if aim == "difference" and np.isfinite(below) else 0.0)
    return min(1.0, max(0.0, found))


def _level(clusters: float, aim: Aim, alpha: float) -> float:
    """The level that the test really has with so many clusters."""
    if clusters < 2:
        return 0.0
    whole = int(clusters)
    if aim == "margin" or whole > EXACT_CLUSTERS:
        return alpha
    signs = 2.0 ** (whole - 1)
    return float(np.ceil(alpha * signs) - 1) / signs


def _shift_needed(clusters: float, aim: Aim, power: float, alpha: float) -> float | None:
    if _level(clusters, aim, alpha) == 0:
        return None
    from scipy.optimize import brentq

    high = 4.0
    while _reach(high, clusters, aim, alpha) < power:
        high *= 2
    return float(brentq(lambda shift: _reach(shift, clusters, aim, alpha) - power, 0.0, high))


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
