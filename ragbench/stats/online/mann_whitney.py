"""Mann-Whitney's test: does a unit of one variant tend to have a larger value?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class MannWhitney:
    """Challenger against control.

    Attributes:
        superiority: share of pairs of units in which the challenger's value is larger, ties counted half.
        p: two-sided, in [0, 1]; 1 where all values are equal.
    """

    superiority: float
    p: float


def mann_whitney(control: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64]) -> MannWhitney | None:
    """The rank test of two independent samples; None where one of them is empty.

    It asks about order, not about means: a few large orders move the mean and
    hardly the ranks. Exact for small samples without ties, else normal with
    the correction for ties and for continuity.

    Source: Mann and Whitney 1947; computed by ``scipy``.
    """
    if not len(control) or not len(challenger):
        return None
    if min(control.min(), challenger.min()) == max(control.max(), challenger.max()):
        return MannWhitney(0.5, 1.0)
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(challenger, control)
    return MannWhitney(float(found.statistic) / len(control) / len(challenger), float(found.pvalue))
