"""A rate that an imperfect judge reports, corrected for the judge's measured errors."""

from dataclasses import dataclass
from math import sqrt

from ragbench.core.errors import InputError


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


def rogan_gladen(
    positive: int,
    n: int,
    true_positive: int,
    n_positive: int,
    true_negative: int,
    n_negative: int,
    *,
    effective: tuple[float, float, float] | None = None,
    confidence: float = 0.95,
) -> CorrectedRate:
    """Estimate the share of truly positive items from a judge's verdicts and its errors on a labelled sample.

    ``(reported + specificity - 1) / (sensitivity + specificity - 1)``. The interval accounts for both samples: the
    items that the judge saw, and the items that measured its errors. It assumes three independent binomial samples. If
    the labelled items are a part of those that the judge saw, this holds approximately; the judge's verdicts must then
    have the same proportions in the labelled sample as in all items.

    Args:
        positive: number of items that the judge called positive, of ``n``.
        n: number of items that the judge saw.
        true_positive: how many of ``n_positive`` truly positive items it called positive.
        n_positive: number of truly positive items in the labelled sample.
        true_negative: how many of ``n_negative`` truly negative items it called negative.
        n_negative: number of truly negative items in the labelled sample.
        effective: effective size of each of the three samples (seen, truly positive, truly negative) if items come in
            clusters (`ragbench.stats.clusters`); the interval uses these sizes.
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
            raise InputError(f"{part} of {whole} {what} is no share")
    reported, sensitivity, specificity = positive / n, true_positive / n_positive, true_negative / n_negative
    if sensitivity + specificity <= 1:
        return CorrectedRate(reported, None, None, None, sensitivity, specificity, n, n_positive, n_negative)
    value = _within((reported + specificity - 1) / (sensitivity + specificity - 1))
    sizes = (n, n_positive, n_negative) if effective is None else effective
    low, high = _interval((reported, sensitivity, specificity), sizes, confidence)
    return CorrectedRate(reported, value, low, high, sensitivity, specificity, n, n_positive, n_negative)


def _interval(
    shares: tuple[float, float, float], sizes: tuple[float, float, float], confidence: float
) -> tuple[float, float]:
    """Compute Lang and Reiczigel's limits: pseudo-counts are added to each sample, and the centre is shifted."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    rate_n, se_n, sp_n = sizes[0] + z * z, sizes[1] + 2, sizes[2] + 2
    rate = (shares[0] * sizes[0] + z * z / 2) / rate_n
    se, sp = (shares[1] * sizes[1] + 1) / se_n, (shares[2] * sizes[2] + 1) / sp_n
    youden = se + sp - 1
    if youden <= 0:
        # The pseudo-counts outweigh so few labelled items, so nothing is known.
        return 0.0, 1.0
    middle = (rate + sp - 1) / youden
    of_se, of_sp = se * (1 - se) / se_n, sp * (1 - sp) / sp_n
    error = sqrt(rate * (1 - rate) / rate_n + middle**2 * of_se + (1 - middle) ** 2 * of_sp) / youden
    shift = 2 * z * z * (middle * of_se - (1 - middle) * of_sp)
    return _within(middle + shift - z * error), _within(middle + shift + z * error)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
