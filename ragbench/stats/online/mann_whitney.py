"""Mann-Whitney's test: does a unit of one variant tend to have a larger value?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class MannWhitney:
    """Challenger against control.

    Attributes:
        superiority: share of pairs of units in which the challenger's value is larger; ties count half.
        p: two-sided p-value, in [0, 1]; 1 if all values are equal.
    """

    superiority: float
    p: float


def mann_whitney(control: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64]) -> MannWhitney | None:
    """Rank test of two independent samples; None if one of them is empty.

    It compares order, not means: a few large values change the mean but hardly the ranks. The p-value is exact for
        small samples without ties; otherwise it uses the normal distribution with corrections for ties and continuity.

    Source: Mann and Whitney 1947; computed by ``scipy``.
    """
    if not len(control) or not len(challenger):
        return None
    if min(control.min(), challenger.min()) == max(control.max(), challenger.max()):
        return MannWhitney(0.5, 1.0)
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(challenger, control)
    return MannWhitney(float(found.statistic) / len(control) / len(challenger), float(found.pvalue))
