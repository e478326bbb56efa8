"""Whether group means agree, and the prediction of a further one: would it show the same sign?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.verdicts import TRIFLE, lasting
from ragbench.stats.distributions import t_above, t_quantile


@dataclass(frozen=True)
class FurtherMean:
    """The mean of a further group, predicted from those of k groups.

    Attributes:
        mean: weighted mean of the groups.
        error: standard deviation of the prediction error.
        df: degrees of freedom of the t distribution.
    """

    mean: float
    error: float
    df: int

    def chance_above(self, value: float) -> float:
        """The chance that a further group's mean is above a value."""
        if self.error == 0:
            return 1.0 if self.mean > value else 0.5 if self.mean == value else 0.0
        return float(t_above((value - self.mean) / self.error, self.df))

    @property
    def error_of_mean(self) -> float:
        """Standard error of the mean over all groups of their kind, which is that of k groups around it."""
        # The prediction error is s sqrt(1 + q), and this is s sqrt(q), with q = 1 / (df + 1).
        return self.error / float(np.sqrt(self.df + 2))

    @property
    def p(self) -> float:
        """Two-sided p-value that the mean over all groups of their kind is 0; 1 if the mean is 0."""
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return 2 * float(t_above(abs(self.mean) / self.error_of_mean, self.df))

    @property
    def same_sign(self) -> float:
        """The chance that a further group's mean has the sign of the mean; .5 if the mean is 0."""
        above = self.chance_above(0.0)
        return max(above, 1 - above)

    def interval(self, level: float) -> tuple[float, float]:
        """The prediction interval at a level in (0, 1)."""
        reach = float(t_quantile((1 + level) / 2, self.df)) * self.error
        return self.mean - reach, self.mean + reach


def further_mean(means: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> FurtherMean:
    """Predict the mean of a further group, if the groups are a random sample of their kind.

    The weights w, which sum to 1, say how likely a further group is to be like each of the k groups. The mean is
    ``sum(w m)``, the variance between groups is ``s^2 = k / (k - 1) sum(w (m - mean)^2)``, and a further group's mean
    has the error ``s sqrt(1 + 1/k)`` with k - 1 degrees of freedom. For equal weights, this is the usual prediction
    interval. Sampling noise of the group means is part of ``s^2``.

    Args:
        means: (k,) means of two groups or more.
        weights: (k,) weights above 0.

    Raises:
        InputError: there are fewer than two groups, or a weight is not above 0.

    Source: Higgins, Thompson and Spiegelhalter 2009, JRSS A 172:137, "A re-evaluation of random-effects meta-analysis",
    where the groups are studies.

    Examples:
        >>> found = further_mean(np.array([0.11, 0.04, 0.11, 0.05, 0.02]), np.ones(5))
        >>> round(found.mean, 3), round(found.same_sign, 2)
        (0.066, 0.89)
    """
    if len(means) < 2 or not (weights > 0).all():
        raise InputError(f"a prediction needs two groups with weights above 0; there are {len(means)}")
    share, k = weights / weights.sum(), len(means)
    mean = float(share @ means)
    spread = float(share @ (means - mean) ** 2) * k / (k - 1)
    return FurtherMean(mean, float(np.sqrt(spread * (1 + 1 / k))), k - 1)


def contradicting(
    means: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], trifles: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """(k, m) Whether the mean of a group has the other sign than the weighted mean.

    Args:
        means: (k, m) means of k groups, for m differences.
        weights: (k,) weights above 0.
        trifles: (m,) a group contradicts only by more than this.

    Examples:
        >>> means = np.array([[0.1, 0.1], [0.2, -0.001], [0.1, -0.02]])
        >>> contradicting(means, np.array([10.0, 20.0, 10.0]), np.full(2, 0.01)).tolist()
        [[False, False], [False, False], [False, True]]
    """
    found: npt.NDArray[np.bool_] = means * np.sign(weights @ means) < -trifles
    return found


FEWEST_VALUES, FEWEST_GROUPS = 10, 3
"""Groups with fewer values predict nothing, and fewer groups neither."""


def groups_of(labels: npt.NDArray[np.str_]) -> list[tuple[str, npt.NDArray[np.intp]]]:
    """The groups with at least ten values, in order of appearance, and the rows of each; none if there are fewer than
    three.
    """
    groups = [(label, np.flatnonzero(labels == label)) for label in dict.fromkeys(labels.tolist())]
    groups = [(label, rows) for label, rows in groups if len(rows) >= FEWEST_VALUES]
    return groups if len(groups) >= FEWEST_GROUPS else []


def lasting_differences(differences: npt.NDArray[np.float64], labels: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """(m,) Whether each difference is a claim if it is significant; True with fewer than three groups of ten values.

    Args:
        differences: (n, m) m differences of n queries.
        labels: (n,) the group of each query, such as its wording.
    """
    groups = groups_of(labels)
    if not groups:
        return np.ones(differences.shape[1], dtype=bool)
    means = np.array([differences[rows].mean(axis=0) for _, rows in groups])
    weights = np.array([float(len(rows)) for _, rows in groups])
    mean, spread = differences.mean(axis=0), differences.std(axis=0, ddof=1)
    against = [bool(column.any()) for column in contradicting(means, weights, TRIFLE * spread).T]
    rows = zip(against, mean.tolist(), spread.tolist(), strict=True)
    return np.array([lasting(is_against, size / sd if sd > 0 else None) for is_against, size, sd in rows])


def equal_means_p(means: npt.NDArray[np.float64], errors: npt.NDArray[np.float64]) -> float:
    """p-value of the hypothesis that groups have one mean: Cochran's Q against chi squared.

    Groups without an error are skipped; with fewer than two others, p is 1.

    Args:
        means: (k,) group means.
        errors: (k,) their standard errors.

    Source: Cochran 1954, Biometrics 10:101.
    """
    from scipy.special import chdtrc

    known = errors > 0
    if known.sum() < 2:
        return 1.0
    weight, values = errors[known] ** -2.0, means[known]
    q = float(weight @ (values - weight @ values / weight.sum()) ** 2)
    return float(chdtrc(known.sum() - 1, q))
