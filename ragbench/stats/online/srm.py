"""Sample ratio mismatch: do the variants have the units that the split promised?"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleRatio:
    """Chi-squared test of the units per variant.

    Attributes:
        expected: expected units per variant.
        p: p-value of the counts under the split; 1 with one variant.
    """

    expected: tuple[float, ...]
    p: float


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Compare counts with a split.

    Args:
        counts: units per variant; at least one unit in all.
        weights: the split in any unit (``1, 1`` or ``90, 10``), each above 0.

    Source: Fabijan et al. 2019 for its use in experiments; computed by ``scipy.stats.chisquare``.
    """
    from scipy.stats import chisquare

    expected = tuple(sum(counts) * weight / sum(weights) for weight in weights)
    p = 1.0 if len(counts) < 2 else float(chisquare(counts, expected).pvalue)
    return SampleRatio(expected, p)
