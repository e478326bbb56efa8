"""The gain of the best of several systems over a baseline, corrected for choosing the best one.

The system with the best mean of several is partly the luckiest one, so its gain as measured is too large. Eight equal
systems on 200 queries show a gain of .03 nDCG over one of them (standard deviation .2 per query and system).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_share, check_values
from ragbench.stats.clusters import CONSTANT, clustered_covariance, clustered_means
from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.joint_t import shared_variances
from ragbench.stats.paired_tests import TIE
from ragbench.stats.repeats import RunErrors, added, stacked, with_runs

Array = npt.NDArray[np.float64]
PROJECTED = 0.1
"""Share of the error that goes to the interval which bounds the hybrid one, as Andrews, Kitagawa and McCloskey do."""
MANY = 1e6
"""Degrees of freedom at which t is normal."""
HALVINGS = 60


@dataclass(frozen=True)
class WinnersGain:
    """The gain of the system with the highest mean over the baseline.

    Attributes:
        winner: column of the system.
        measured: its mean minus the baseline's.
        corrected: the median-unbiased estimate of the true gain.
        low, high: hybrid interval of the true gain.
    """

    winner: int
    measured: float
    corrected: float
    low: float
    high: float


def winners_gain(
    values: Array,
    clusters: npt.NDArray[np.int64],
    *,
    confidence: float = 0.95,
    runs: Sequence[RunErrors | None] | None = None,
) -> WinnersGain | None:
    """Estimate the true gain of the system with the highest mean, given that it was chosen for its mean.

    The differences of the means to the baseline's are taken as normal with a clustered covariance (CR2). Given that a
    system has the highest mean, its difference has a distribution that is truncated where another system would have had
    the highest one. The hybrid interval holds the gains that this distribution does not reject, within a simultaneous
    interval of all gains that takes a tenth of the error. The estimate is the gain whose distribution has its median at
    the measured one. Both follow Andrews, Kitagawa and McCloskey, but with t and the degrees of freedom of the
    differences instead of the normal distribution, because documents can be few. If means move in steps, as those of
    hits do, the truncation lies half a step away from the tie.

    Args:
        values: (n, k) values of k systems, higher is better, without NaN; the first column is the baseline.
        clusters: (n,) cluster of each row.
        confidence: probability that the interval holds the true gain, over all samples in which the baseline is not
            the best.
        runs: how the mean of each system varies from run to run, if some ran several times. Error, covariance and
            degrees of freedom then include what whole runs share.

    Returns:
        None if the baseline has the highest mean, there is one cluster, or the winner's difference does not vary.

    Raises:
        InputError: a value is undefined or infinite, there are fewer than two systems, or cluster numbers have gaps.
        SettingError: the confidence is outside of (0, 1).

    Source: Andrews, Kitagawa and McCloskey 2024, Quarterly Journal of Economics 139:305.

    Examples:
        Six systems on 60 queries. The last one is better by .1, and the others are equal.

        >>> values = np.random.default_rng(4).normal(0.5, 0.2, size=(60, 6)) + np.array([0, 0, 0, 0, 0, 0.1])
        >>> gain = winners_gain(values, np.arange(60))
        >>> gain.winner, round(gain.measured, 3), round(gain.corrected, 3), round(gain.low, 3), round(gain.high, 3)
        (5, 0.063, 0.061, -0.043, 0.141)
    """
    check_values(values, clusters)
    check_share(confidence, "confidence")
    if values.shape[1] < 2:
        raise InputError("a gain needs the values of a baseline and of another system")
    if np.isnan(values).any():
        raise InputError("a value is undefined; use only rows with a value of each system")
    differences = values[:, 1:] - values[:, :1]
    means, covariance, df = clustered_covariance(differences, clusters)
    best = int(np.argmax(means))
    if runs is not None:
        parts = stacked([added(runs[0], runs[best + 1])])
        if parts is not None:
            df = float(with_runs(clustered_means(differences[:, [best]], clusters), parts).df[0])
        first, *others = shared_variances(runs).tolist()
        covariance = covariance + first + np.diag(others)
    gain = float(means[best])
    error = float(np.sqrt(covariance[best, best]))
    if np.isnan(df) or gain <= CONSTANT or error <= CONSTANT * np.abs(differences).max():
        return None
    low, high = _truncation(means, covariance, best, _half_steps(values, best + 1))
    chosen = _Chosen(gain, error, low, high, df)
    alpha = 1 - confidence
    tail = PROJECTED * alpha / 2 / len(means)
    reach = float(t_quantile(1 - tail, df))
    level = (1 - PROJECTED) * alpha / (1 - PROJECTED * alpha)
    # With few clusters, bounds by t are so wide that the estimate could lie far below every plausible gain.
    near = float(t_quantile(1 - tail, MANY))
    return WinnersGain(
        best + 1,
        gain,
        chosen.solve(0.5, near),
        chosen.solve(1 - level / 2, reach),
        chosen.solve(level / 2, reach),
    )


def _half_steps(values: Array, best: int) -> Array:
    """(k,) Half of the smallest step by which the mean of the best system can differ from that of each system.

    Means of hits are multiples of 1 / n. The best system then leads by at least one step, or ties with a later system,
    because the first of equal means is chosen; a step reaches half of its size to both sides. Negative for the systems
    that may tie. Values of finer metrics differ by tiny amounts, so nothing changes.
    """
    ahead = values[:, [best]] - values
    steps = np.abs(ahead)
    steps[steps < TIE] = np.inf
    half = steps.min(axis=0) / 2 / len(values)
    half[np.isinf(half)] = 0.0  # the same values
    signed: Array = np.where(np.arange(values.shape[1]) > best, -half, np.minimum(half, ahead.mean(axis=0) / 2))
    return signed


def _truncation(means: Array, covariance: Array, best: int, half_steps: Array) -> tuple[float, float]:
    """Between which values the best difference would still have been the best, and above the baseline.

    The other differences move with it by their regression on it; the rest of them is independent of it.
    """
    slope = 1 - covariance[:, best] / covariance[best, best]
    rest = means - (1 - slope) * means[best] + half_steps[1:]
    rising, falling = slope > 1e-9, slope < -1e-9
    low = float((rest[rising] / slope[rising]).max(initial=half_steps[0]))
    high = float((rest[falling] / slope[falling]).min(initial=np.inf))
    return low, high


@dataclass(frozen=True)
class _Chosen:
    """A difference that was observed because it lies within ``low`` and ``high``."""

    gain: float
    error: float
    low: float
    high: float
    df: float

    def solve(self, share: float, reach: float) -> float:
        """The true gain at which a lower difference than the observed one has the probability ``share``.

        The true gain is taken to lie within ``reach`` standard errors of the observed difference.
        """
        low, high = self.gain - reach * self.error, self.gain + reach * self.error
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self._below(middle, reach) > share:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def _below(self, true: float, reach: float) -> float:
        """The probability of a difference below the observed one, which falls as the true gain grows."""
        first = max((self.low - true) / self.error, -reach)
        last = min((self.high - true) / self.error, reach)
        at = (self.gain - true) / self.error
        if first + last > 0:  # differences of small probabilities keep their digits
            above = t_above(np.array([first, at, last]), self.df)
            part, whole = above[0] - above[1], above[0] - above[2]
        else:
            below = t_above(-np.array([first, at, last]), self.df)
            part, whole = below[1] - below[0], below[2] - below[0]
        return float(part / whole) if whole > 0 else 0.0
