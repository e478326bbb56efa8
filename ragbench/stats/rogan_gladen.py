"""A rate that an imperfect judge reports, corrected for the judge's measured errors."""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_values
from ragbench.stats.clusters import cluster_totals, clustered_means, effective_size
from ragbench.stats.distributions import t_quantile

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CorrectedRate:
    """A rate before and after correction.

    Attributes:
        reported: share of all items that the judge called positive.
        value: corrected share, within 0 and 1; None if the judge's errors do not determine it (sensitivity +
            specificity is at most 1).
        low, high: ends of the interval; None together with ``value``.
        sensitivity: share of truly positive items that the judge called positive.
        specificity: share of truly negative items that it called negative.
        n: number of items that the judge saw.
        n_positive, n_negative: number of truly positive and truly negative items that measured the errors.
    """

    reported: float
    value: float | None
    low: float | None
    high: float | None
    sensitivity: float
    specificity: float
    n: int
    n_positive: int
    n_negative: int


@dataclass(frozen=True)
class Precision:
    """How precisely three samples of clustered items measure their shares.

    The three are the verdicts, the truly positive items and the truly negative items.

    Attributes:
        sizes: number of independent items that each sample is worth.
        degrees: degrees of freedom of each variance; infinite if every cluster has one item, because the variance of a
            binomial share then follows from the share.
        covariance: between sensitivity and specificity. It is below 0 if documents differ in how high the judge scores
            them: where it calls more of the positive items positive, it also does so with negative ones.
    """

    sizes: tuple[float, float, float]
    degrees: tuple[float, float, float] = (inf, inf, inf)
    covariance: float = 0.0


@dataclass(frozen=True)
class ErrorPrecision:
    """The part of a `Precision` that the labelled sample determines: of sensitivity and specificity.

    Attributes:
        sizes, degrees: of the truly positive and of the truly negative items.
        covariance: between sensitivity and specificity.
    """

    sizes: tuple[float, float]
    degrees: tuple[float, float]
    covariance: float

    def with_verdicts(self, verdicts: Array, clusters: Clusters) -> Precision:
        """Add the sample of verdicts.

        Args:
            verdicts: (n,) 1 for a yes, 0 for a no, or the share of several thresholds that say yes.
            clusters: (n,) cluster of each.
        """
        size, degrees, _ = _share(verdicts, clusters)
        return Precision((size, *self.sizes), (degrees, *self.degrees), self.covariance)


def error_precision(right: Array, positive: npt.NDArray[np.bool_], clusters: Clusters) -> ErrorPrecision:
    """Measure how precisely labelled items in clusters measure a judge's sensitivity and specificity.

    Args:
        right: (n,) 1 where the judge agrees with the label, 0 where it does not.
        positive: (n,) labels; both kinds occur.
        clusters: (n,) cluster of each item, 0 to c - 1.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: the variances are CR2 with degrees of freedom of Satterthwaite 1946: Bell and
    McCaffrey 2002, Survey Methodology 28:169.
    """
    yes, no = (_share(np.where(kind, right, np.nan), clusters) for kind in (positive, ~positive))
    return ErrorPrecision((yes[0], no[0]), (yes[1], no[1]), float(yes[2] @ no[2]))


def _share(values: Array, clusters: Clusters) -> tuple[float, float, Array]:
    """Effective size, degrees of freedom, and (c,) weighted residuals by cluster, whose squares add up to the variance.

    NaN is no item. Items that are each a cluster are binomial: their number is the size, and z is right.
    """
    check_values(values[:, None], clusters)
    sums, counts = (part[:, 0] for part in cluster_totals(values[:, None], clusters))
    n, groups = counts.sum(), int((counts > 0).sum())
    if groups < 2:
        return 1.0, 1.0, np.zeros(len(counts))
    residuals = (sums - counts * sums.sum() / n) / (n * np.sqrt(1 - counts / n))
    if groups == n:
        return float(n), inf, residuals
    return effective_size(values, clusters), float(clustered_means(values[:, None], clusters).df[0]), residuals


def rogan_gladen(
    positive: float,
    n: int,
    true_positive: int,
    n_positive: int,
    true_negative: int,
    n_negative: int,
    *,
    precision: Precision | None = None,
    confidence: float = 0.95,
) -> CorrectedRate:
    """Estimate the share of truly positive items from a judge's verdicts and its errors on a labelled sample.

    ``(reported + specificity - 1) / (sensitivity + specificity - 1)``. The interval accounts for both samples: the
    items that the judge saw, and the items that measured its errors. It assumes three independent binomial samples, or
    clusters whose precision you give. If the labelled items are a part of those that the judge saw, this holds
    approximately; the judge's verdicts must then have the same proportions in the labelled sample as in all items.

    All three shares must belong to the same threshold of the judge. If its errors were measured by cross-fitting, each
    fold at a threshold that was chosen without it, then the verdicts are those of the same thresholds, each counted
    in proportion to its fold. Each error rate changes to first order with the threshold, so the errors at the folds'
    thresholds do not describe the verdicts at another one.

    Args:
        positive: number of items that the judge called positive, of ``n``; a fraction if several thresholds vote.
        n: number of items that the judge saw.
        true_positive: how many of ``n_positive`` truly positive items it called positive.
        n_positive: number of truly positive items in the labelled sample.
        true_negative: how many of ``n_negative`` truly negative items it called negative.
        n_negative: number of truly negative items in the labelled sample.
        precision: sizes, degrees of freedom and covariance, if items come in clusters (`error_precision`); the interval
            then uses t with Satterthwaite's degrees of freedom.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: a sample is empty, or a count exceeds its sample.

    Source: Rogan and Gladen 1978, American Journal of Epidemiology 107:71, for
    the estimate; Lang and Reiczigel 2014, Preventive Veterinary Medicine
    113:13, for the interval.
    """
    for what, part, whole in (
        ("verdicts", positive, n),
        ("truly positive items", true_positive, n_positive),
        ("truly negative items", true_negative, n_negative),
    ):
        if whole < 1:
            raise InputError(f"no {what} to correct a rate by: the sample is empty")
        if not 0 <= part <= whole:
            raise InputError(f"{part:g} of {whole} {what} is no share")
    reported, sensitivity, specificity = positive / n, true_positive / n_positive, true_negative / n_negative
    if sensitivity + specificity <= 1:
        return CorrectedRate(reported, None, None, None, sensitivity, specificity, n, n_positive, n_negative)
    value = _within((reported + specificity - 1) / (sensitivity + specificity - 1))
    precision = precision or Precision((n, n_positive, n_negative))
    low, high = _interval((reported, sensitivity, specificity), precision, confidence)
    return CorrectedRate(reported, value, low, high, sensitivity, specificity, n, n_positive, n_negative)


def _interval(shares: tuple[float, float, float], precision: Precision, confidence: float) -> tuple[float, float]:
    """Compute Lang and Reiczigel's limits: pseudo-counts are added to each sample, and the centre is shifted."""
    from scipy.special import ndtri

    sizes = precision.sizes
    z = float(ndtri((1 + confidence) / 2))
    se_n, sp_n = sizes[1] + 2, sizes[2] + 2
    se, sp = (shares[1] * sizes[1] + 1) / se_n, (shares[2] * sizes[2] + 1) / sp_n
    youden = se + sp - 1
    if youden <= 0:
        # The pseudo-counts outweigh so few labelled items, so nothing is known.
        return 0.0, 1.0
    # The quantile depends on the parts of the variance, and the pseudo-counts of the verdicts on the quantile.
    share = _within((shares[0] + sp - 1) / youden)
    of_se, of_sp = se * (1 - se) / se_n, sp * (1 - sp) / sp_n
    parts = (shares[0] * (1 - shares[0]) / sizes[0], share**2 * of_se, (1 - share) ** 2 * of_sp)
    z = _quantile(parts, precision.degrees, confidence, z)
    rate_n = sizes[0] + z * z
    rate = (shares[0] * sizes[0] + z * z / 2) / rate_n
    middle = (rate + sp - 1) / youden
    variance = rate * (1 - rate) / rate_n + middle**2 * of_se + (1 - middle) ** 2 * of_sp
    error = sqrt(max(0.0, variance - 2 * middle * (1 - middle) * precision.covariance)) / youden
    shift = 2 * z * z * (middle * of_se - (1 - middle) * of_sp)
    return _within(middle + shift - z * error), _within(middle + shift + z * error)


def _quantile(
    parts: tuple[float, float, float], degrees: tuple[float, float, float], confidence: float, normal: float
) -> float:
    """Compute t's quantile for a sum of variances (Satterthwaite 1946, Biometrics Bulletin 2:110)."""
    doubt = sum(part**2 / df for part, df in zip(parts, degrees, strict=True))
    return normal if doubt == 0 else float(t_quantile((1 + confidence) / 2, sum(parts) ** 2 / doubt))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
