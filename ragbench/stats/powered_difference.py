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
        effective: number of queries that annotators would have to label for an interval as narrow as the combined one
            without the model.
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
) -> PoweredDifference:
    """Estimate a mean difference by annotators' labels from their queries and from the model's labels of all.

    The estimate is ``mean(h) + w (mean(m over the other queries) - mean(m over theirs))``, with h the difference of a
    query by the annotators' labels, m by the model's, and w the weight in 0 to 1 with the smallest variance. It is
    valid however wrong the model is, if the annotators' queries are a random part of all. Where m says little, w goes
    to 0.

    The variance is that of a regression estimate: residuals of h on m by cluster, each divided by the root of one minus
    its share and leverage (CR2), plus the variance of m over the other queries, with t and Bell and McCaffrey's degrees
    of freedom, one less for w. To h, two queries are added on which the model is wrong by a typical error, once in each
    direction, as Bonett and Price add disagreements to paired rates. Without them, 20 queries that happen to show no
    error would promise that there is none.

    Args:
        human: (n,) differences by the annotators' labels, at least 10 from 5 clusters.
        predicted: (n,) differences of the same queries by the model's labels.
        unlabelled: (u,) differences of the other queries by the model's labels; may be empty.
        clusters: (n,) cluster of each query of the annotators; by default each is its own.
        unlabelled_clusters: (u,) cluster of each other query, numbered together with ``clusters``.

    Raises:
        InputError: there are too few queries or clusters, the lengths differ, a value is undefined or infinite, or the
            cluster numbers have gaps.

    Source: Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453, for the weight; Bell and McCaffrey 2002, Survey
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
    weight = best_weight(*error_parts(human, predicted, unlabelled, seen, unseen)) if len(unlabelled) else 0.0
    combined = _estimate(human, predicted, unlabelled, seen, unseen, weight)
    alone = _estimate(human, predicted, unlabelled, seen, unseen, 0.0)
    n = len(human)
    effective = n * (alone.error / combined.error) ** 2 if weight > 0 else float(n)
    return PoweredDifference(combined, alone, weight, n, len(unlabelled), effective)


def _estimate(
    human: Array, predicted: Array, unlabelled: Array, seen: Clusters, unseen: Clusters, weight: float
) -> Estimated:
    other = float(unlabelled.mean()) if weight > 0 else 0.0
    value = float((human - weight * predicted).mean()) + weight * other
    typical = _typical_error(human - weight * predicted, predicted, unlabelled)
    top = int(max(seen.max(), unseen.max(initial=-1))) + 1
    seen = np.append(seen, (top, top + 1))
    model = np.append(predicted, (0.0, 0.0))
    errors = np.append(human, (typical, -typical)) - weight * model
    n, count = len(errors), top + 2
    sizes = np.bincount(seen, minlength=count) / n
    spread = model - model.mean()
    square = float(spread @ spread) if weight > 0 else 0.0
    leverage = np.bincount(seen, weights=spread**2, minlength=count) / square if square > 0 else np.zeros(count)
    residuals = errors - errors.mean()
    parts = np.bincount(seen, weights=residuals, minlength=count) / n
    parts /= np.sqrt(1 - np.minimum(sizes + leverage, MOST_LEVERAGE))
    degrees, extra = _degrees(errors, seen), 0.0
    if weight > 0:
        rest = np.bincount(unseen, minlength=count) / len(unlabelled)
        shift = np.bincount(unseen, weights=unlabelled - other, minlength=count) / len(unlabelled)
        parts += weight * shift / np.sqrt(1 - np.minimum(rest, MOST_LEVERAGE))
        if square > 0:  # the error of the weight, as far as the two means of the model differ
            extra = (other - float(model.mean())) ** 2 * float(residuals @ residuals) / (n - 2) / square
        degrees = min(max(degrees - 2, 1.0), _degrees(unlabelled, unseen))
    center = float(errors.mean()) + weight * other
    return Estimated(value, center, sqrt(float(parts @ parts) + extra), degrees)


def _typical_error(errors: Array, predicted: Array, unlabelled: Array) -> float:
    """Root mean square of the errors that are not 0; if all are, of the model's differences, and at last 1."""
    for values in (errors, np.concatenate((predicted, unlabelled))):
        some = values[np.abs(values) > TIE]
        if len(some):
            return float(np.sqrt((some**2).mean()))
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
