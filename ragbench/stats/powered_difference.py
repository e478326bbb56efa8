"""Prediction-powered difference of two systems: many queries labelled by a model, some of them by annotators too."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_list
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.prediction_powered import best_weight, error_parts, joint_clusters

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
FEWEST_QUERIES, FEWEST_CLUSTERS = 10, 5
"""With fewer queries of annotators, or from fewer clusters, there is no interval."""
TIE = 1e-9
MOST_LEVERAGE = 0.95


@dataclass(frozen=True)
class Estimated:
    """An estimated mean difference.

    Attributes:
        value: the estimate.
        center: center of its intervals, which the two added queries draw slightly towards no error of the model.
        error: clustered standard error.
        degrees: degrees of freedom of t.
    """

    value: float
    center: float
    error: float
    degrees: float

    def limit(self, chance: float) -> float:
        """Compute the value that the true difference is below with probability ``chance``, in (0, 1)."""
        return self.center + float(t_quantile(chance, self.degrees)) * self.error

    def interval(self, confidence: float) -> tuple[float, float]:
        """Compute the two-sided interval."""
        return self.limit((1 - confidence) / 2), self.limit((1 + confidence) / 2)

    def p_below(self, bound: float) -> float:
        """One-sided p-value of a true difference of ``bound`` or less, in (0, 1)."""
        return float(t_above((self.center - bound) / self.error, self.degrees))

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        one = self.p_below(0.0)
        return min(1.0, 2 * min(one, 1 - one))


@dataclass(frozen=True)
class PoweredDifference:
    """The mean difference by the labels of annotators over all queries, of which they labelled only some.

    Attributes:
        combined: estimate from the labels of the model and of annotators.
        alone: estimate from the labels of annotators alone.
        weight: weight of the model's labels (lambda), 0 to 1; 0 ignores them.
        human: number of queries with labels of annotators.
        machine: number of queries that only the model labelled.
        effective: number of random queries that annotators would have to label for an interval as narrow as the
            combined one without the model.
    """

    combined: Estimated
    alone: Estimated
    weight: float
    human: int
    machine: int
    effective: float


def powered_difference(
    human: Array,
    predicted: Array,
    unlabelled: Array,
    clusters: Clusters | None = None,
    unlabelled_clusters: Clusters | None = None,
    *,
    chances: Array | None = None,
) -> PoweredDifference:
    """Estimate a mean difference by annotators' labels from their queries and from the model's labels of all.

    The estimate is ``mean(h) + w (mean(m over the other queries) - mean(m over theirs))``, with h the difference of a
    query by the annotators' labels, m by the model's, and w the weight in 0 to 1 with the smallest variance. It is
    valid however wrong the model is, if the annotators' queries are a random part of all. Where m says little, w goes
    to 0.

    The variance is that of a regression estimate: residuals of h on m by cluster, each divided by the root of one minus
    its share and leverage (CR2), plus the variance of m over the other queries, with t and Bell and McCaffrey's degrees
    of freedom, two less if w is not 0. To h, two queries are added on which the model is wrong by a typical error, once
    in each direction, as Bonett and Price add disagreements to paired rates. Without them, 20 queries that happen to
    show no error would promise that there is none.

    If the annotators' queries were drawn with unequal chances, each counts by 1 / chance, and the model's mean is that
    over all queries (active inference). The degrees of freedom shrink as far as a few queries have most of the weight.

    Args:
        human: (n,) differences by the annotators' labels, at least 10 from 5 clusters.
        predicted: (n,) differences of the same queries by the model's labels.
        unlabelled: (u,) differences of the other queries by the model's labels; may be empty.
        clusters: (n,) cluster of each query of the annotators; by default each is its own.
        unlabelled_clusters: (u,) cluster of each other query, numbered together with ``clusters``.
        chances: (n,) chance of each query of the annotators to be drawn, or anything proportional to it; None if all
            queries had the same.

    Raises:
        InputError: there are too few queries or clusters, the lengths differ, a value is undefined or infinite, the
            cluster numbers have gaps, or a chance is not above 0.

    Source: Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453, for the weight; Zrnic and Candès 2024,
    arXiv:2403.03208, and Hájek 1971 for unequal chances; Bell and McCaffrey 2002, Survey
    Methodology 28:169, for the variance; Bonett and Price 2012, J. Educ. Behav. Stat. 37:479, for the added queries.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> model = rng.normal(0.02, 0.2, size=1_000)
        >>> human = model[:100] + rng.normal(0.01, 0.1, size=100)
        >>> found = powered_difference(human, model[:100], model[100:])
        >>> round(found.combined.value, 3), round(found.combined.error, 4), round(found.alone.error, 4)
        (0.02, 0.0125, 0.0224)
    """
    seen, unseen = _checked(human, predicted, unlabelled, clusters, unlabelled_clusters)
    n = len(human)
    shares, others, groups = np.full(n, 1 / n), unlabelled, unseen
    if chances is not None:
        shares = _shares(chances, n)
        others, groups = np.concatenate((predicted, unlabelled)), np.concatenate((seen, unseen))
    sample = _Sample(human, predicted, others, seen, groups, shares)
    weight = best_weight(*error_parts(human, predicted, others, seen, groups, shares)) if len(unlabelled) else 0.0
    combined, alone = _estimate(sample, weight), _estimate(sample, 0.0)
    effective = n * _evenness(human, shares) * (alone.error / combined.error) ** 2
    plain = weight == 0 and chances is None
    return PoweredDifference(combined, alone, weight, n, len(unlabelled), float(n) if plain else effective)


@dataclass(frozen=True)
class _Sample:
    """The n queries of annotators with their shares of the mean, and the u or n + u others of the model."""

    human: Array
    predicted: Array
    others: Array
    seen: Clusters
    groups: Clusters
    shares: Array


def _shares(chances: Array, n: int) -> Array:
    check_list(chances, "chance")
    if len(chances) != n or (chances <= 0).any():
        raise InputError(f"every one of the {n} queries of annotators needs a chance above 0")
    shares: Array = 1 / chances / (1 / chances).sum()
    return shares


def _evenness(values: Array, shares: Array) -> float:
    """Variance of the mean of a random sample as a share of that with these shares; 1 for equal ones."""
    squares = (values - shares @ values) ** 2
    unequal = float(shares**2 @ squares)
    return float(shares @ squares) / len(values) / unequal if unequal > 0 else 1.0


def _estimate(sample: _Sample, weight: float) -> Estimated:
    other = float(sample.others.mean()) if weight > 0 else 0.0
    value = float(sample.shares @ (sample.human - weight * sample.predicted)) + weight * other
    typical = _typical_error(sample, sample.human - weight * sample.predicted)
    top = int(max(sample.seen.max(), sample.groups.max(initial=-1))) + 1
    seen = np.append(sample.seen, (top, top + 1))
    model = np.append(sample.predicted, (0.0, 0.0))
    errors = np.append(sample.human, (typical, -typical)) - weight * model
    n, count = len(errors), top + 2
    shares = np.append(sample.shares, np.full(2, 1 / len(sample.shares))) * len(sample.shares) / n
    sizes = np.bincount(seen, weights=shares, minlength=count)
    spread = model - shares @ model
    square = float(shares @ spread**2) if weight > 0 else 0.0
    leverage = np.zeros(count)
    if square > 0:
        leverage = np.bincount(seen, weights=shares * spread**2, minlength=count) / square
    residuals = errors - shares @ errors
    sums = np.bincount(seen, weights=shares * residuals, minlength=count)
    parts = sums / np.sqrt(1 - np.minimum(sizes + leverage, MOST_LEVERAGE))
    degrees, extra = max(_degrees(errors, seen) / (n * float(shares @ shares)), 1.0), 0.0
    if weight > 0:
        rest = np.bincount(sample.groups, minlength=count) / len(sample.others)
        shift = np.bincount(sample.groups, weights=sample.others - other, minlength=count) / len(sample.others)
        parts = parts + weight * shift / np.sqrt(1 - np.minimum(rest, MOST_LEVERAGE))
        if square > 0:  # the error of the weight, as far as the two means of the model differ
            variance = float(shares @ residuals**2) * n / (n - 2) * float(shares**2 @ spread**2) / square**2
            extra = (other - float(shares @ model)) ** 2 * variance
        degrees = min(max(degrees - 2, 1.0), _degrees(sample.others, sample.groups))
    center = float(shares @ errors) + weight * other
    return Estimated(value, center, sqrt(float(parts @ parts) + extra), degrees)


def _typical_error(sample: _Sample, errors: Array) -> float:
    """Root mean square of the errors that are not 0; if all are, of the model's differences, and at last 1."""
    rest = np.full(len(sample.others), 1.0)
    for values, shares in ((errors, sample.shares), (sample.predicted, sample.shares), (sample.others, rest)):
        some = np.abs(values) > TIE
        if some.any():
            return float(np.sqrt(shares[some] @ values[some] ** 2 / shares[some].sum()))
    return 1.0


def _degrees(values: Array, clusters: Clusters) -> float:
    """Bell and McCaffrey's degrees of freedom; 1 if all values come from one cluster."""
    return float(np.nan_to_num(clustered_means(values[:, None], clusters).df[0], nan=1.0))


def _checked(
    human: Array,
    predicted: Array,
    unlabelled: Array,
    clusters: Clusters | None,
    unlabelled_clusters: Clusters | None,
) -> tuple[Clusters, Clusters]:
    """Check everything, and return the clusters of both samples."""
    for what, part in (("human", human), ("predicted", predicted), ("unlabelled", unlabelled)):
        check_list(part, f"{what} difference")
    n, u = len(human), len(unlabelled)
    if len(predicted) != n:
        raise InputError(f"{n} differences by annotators and {len(predicted)} by the model for the same queries")
    clusters, unlabelled_clusters = joint_clusters(n, u, clusters, unlabelled_clusters)
    if n < FEWEST_QUERIES or len(np.unique(clusters)) < FEWEST_CLUSTERS:
        raise InputError(
            f"annotators labelled {n} of the queries, from {len(np.unique(clusters))} documents; at least "
            f"{FEWEST_QUERIES} from {FEWEST_CLUSTERS} documents are needed"
        )
    return clusters, unlabelled_clusters
