"""Sample-ratio mismatch: do the variants have the units that the split promised?"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleRatio:
    """Chi-squared test of the units per variant.

    Attributes:
        expected: units by the split, one per variant.
        p: of counts at least as far from the split; 1 with one variant.
    """

    expected: tuple[float, ...]
    p: float


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Compare counts with a split.

    Args:
        counts: units per variant, at least one in all.
        weights: the split in any unit (``1, 1`` or ``90, 10``), each above 0.

    Source: Fabijan et al. 2019 for the use; computed by ``scipy.stats.chisquare``.
    """
    from scipy.stats import chisquare

    expected = tuple(sum(counts) * weight / sum(weights) for weight in weights)
    p = 1.0 if len(counts) < 2 else float(chisquare(counts, expected).pvalue)
    return SampleRatio(expected, p)
