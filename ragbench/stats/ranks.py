"""Ranks of several systems: intervals from tests of all pairs, groups of similar systems, and bootstrap shares."""

from collections.abc import Sequence
from string import ascii_letters

import numpy as np
import numpy.typing as npt

from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.checks import check_resampling, check_values

Array = npt.NDArray[np.float64]
Ranks = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def rank_intervals(means: Array, p: Array, *, alpha: float = 0.05) -> Ranks:
    """First and last rank that each system may have.

    The first rank is 1 plus the number of systems that are significantly better. The last one is the number of systems
    minus those that are significantly worse. If p is corrected for all pairs (`ragbench.stats.max_t.all_pairs`), the
    true ranks of all systems lie in their intervals together with probability ``1 - alpha``. Equal systems share ranks:
    an interval then holds every rank that a tie can be given. If row i of p is corrected for the pairs of system i
    only, each interval holds the rank of its own system with this probability, and it may be shorter.

    Args:
        means: (k,) higher is better.
        p: (k, k) p-values of the pairs; entry (i, j) is used for the interval of system i.
        alpha: level of the tests.

    Returns:
        (k,) first and (k,) last ranks, from 1 to k.

    Source: Mogstad, Romano, Shaikh and Wilhelm 2024, Review of Economic Studies 91:476.

    Examples:
        The first system is better than the third; the second differs from neither.

        >>> p = np.array([[1.0, 0.2, 0.01], [0.2, 1.0, 0.3], [0.01, 0.3, 1.0]])
        >>> rank_intervals(np.array([0.7, 0.6, 0.5]), p)
        (array([1, 1, 2]), array([2, 3, 3]))
    """
    significant = p < alpha
    better = (significant & (means[None, :] > means[:, None])).sum(axis=1)
    worse = (significant & (means[None, :] < means[:, None])).sum(axis=1)
    return better + 1, len(means) - worse


def letters(means: Array, different: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Letters such that two systems share one exactly if they are not significantly different.

    Every letter stands for a largest possible group without a significant pair. Start with one group of all systems.
    For each significant pair, split every group that has both into one without the first and one without the second,
    and remove groups that lie within others (insert and absorb). The group with the best systems is ``a``.

    Args:
        means: (k,) higher is better.
        different: (k, k) whether two systems are significantly different; symmetric.

    Returns:
        A string of letters for each system, in the order of ``means``. After 52 groups, numbers in brackets follow.

    Source: Piepho 2004, Journal of Computational and Graphical Statistics 13:456.

    Examples:
        >>> different = np.array([[False, False, True], [False, False, False], [True, False, False]])
        >>> letters(np.array([0.7, 0.6, 0.5]), different)
        ('a', 'ab', 'b')
    """
    order = np.argsort(-means, kind="stable")
    sorted_pairs = different[np.ix_(order, order)]
    groups = [frozenset(range(len(order)))]
    for i, j in np.argwhere(np.triu(sorted_pairs, 1)).tolist():
        split = [group - {one} for group in groups if {i, j} <= group for one in (i, j)]
        groups = [group for group in groups if not {i, j} <= group]
        # Groups that were kept cannot lie within a part: they did not lie within the whole.
        parts = [part for part in split if not any(part <= group for group in groups)]
        groups += [part for part in dict.fromkeys(parts) if not any(part < other for other in parts)]
    groups.sort(key=sorted)
    names = [ascii_letters[at] if at < len(ascii_letters) else f"({at + 1})" for at in range(len(groups))]
    found = [""] * len(order)
    for place, system in enumerate(order.tolist()):
        found[system] = "".join(name for name, group in zip(names, groups, strict=True) if place in group)
    return tuple(found)


def best_shares(
    values: Array,
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 1_000,
    shared: Array | None = None,
    groups: Sequence[npt.NDArray[np.intp]] = (),
) -> Array:
    """(k,) Share of bootstrap samples of whole clusters in which each system has the highest mean.

    Systems that tie for the highest mean share the sample. This is a bootstrap proportion and no posterior probability:
    it says how firm the first place is if other documents of the same kind are drawn. With few clusters it is too close
    to 0 and 1.

    Args:
        values: (n, k) values of k systems, higher is better, without NaN.
        clusters: (n,) cluster of each row.
        rng: random generator.
        resamples: number of samples to draw.
        shared: (k,) variance of the mean of each system by effects that whole runs share; every sample draws them anew
            as normal values.
        groups: rows of each group of queries, such as those of one wording. A sample then also draws as many groups
            with replacement, because other groups of their kind might have been asked.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1.

    Memory: 8 x resamples x k bytes, times the number of groups.

    Source: Efron and Tibshirani 1998, Annals of Statistics 26:1687, on what such a proportion means.

    Examples:
        The second system is better on five of six queries.

        >>> values = np.array([[0.5, 0.6], [0.5, 0.7], [0.5, 0.6], [0.5, 0.9], [0.5, 0.6], [0.9, 0.2]])
        >>> best_shares(values, np.arange(6), np.random.default_rng(0)).round(1)
        array([0.4, 0.6])
    """
    check_values(values, clusters)
    check_resampling(resamples)
    means = (
        resampled_means(values, clusters, rng, resamples)
        if not groups
        else _by_group(values, clusters, rng, resamples, groups)
    )
    if shared is not None:
        means = means + rng.standard_normal(means.shape) * np.sqrt(shared)
    highest = means >= means.max(axis=1, keepdims=True) - 1e-12
    shares: Array = (highest / highest.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


def _by_group(
    values: Array, clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int,
    groups: Sequence[npt.NDArray[np.intp]],
) -> Array:  # fmt: skip
    """(resamples, k) Means over drawn groups, each over the same drawn clusters."""
    k = values.shape[1]
    split = np.full((len(values), len(groups) * k), np.nan)
    for at, rows in enumerate(groups):
        split[rows, at * k : (at + 1) * k] = values[rows]
    means = resampled_means(split, clusters, rng, resamples).reshape(resamples, len(groups), k)
    drawn = rng.integers(0, len(groups), size=(resamples, len(groups)))
    weights = np.array([float(len(rows)) for rows in groups])[drawn][:, :, None]
    chosen = means[np.arange(resamples)[:, None], drawn]
    weights = np.where(np.isnan(chosen), 0.0, weights)  # no cluster of the group was drawn
    found: Array = (weights * np.nan_to_num(chosen)).sum(axis=1) / weights.sum(axis=1)
    return found
