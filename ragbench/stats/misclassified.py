"""Draw the true labels of items that a judge with known errors has labelled."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.distributions import t_quantile

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SWEEPS = 20
PRIOR = 2.0
"""Weight of the prior of each group's shares, in items."""
BORROWED = 10.0
"""Weight, in items of each true label, of the judge's errors on more items in the estimate for fewer."""


def draw_labels(
    truth: Ints,
    said: Ints,
    clusters: Ints,
    known: Ints,
    holes: Ints,
    groups: Ints,
    wider: Sequence[Sequence[int]],
    levels: int,
    draws: int,
    rng: np.random.Generator,
) -> Ints:
    """Draw the true labels of items that only a judge has labelled, as often as the judge's errors make them likely.

    What carries over from the items with both labels is how often the judge says m where h is true, as in Rogan and
    Gladen. A judge may err more often among the items that a system ranks high, for example if the system is a model
    like the judge. So the errors are estimated for every group: from its own items with both labels, from those of
    wider groups, and from all. Rates of more items count as `BORROWED` items in the estimate for fewer. How often each
    label is true is estimated for every group of holes on its own. So a group with many relevant items gets them,
    although few of the items with both labels may be relevant. Each draw also draws the judge's error rates (Bayesian
    bootstrap of whole clusters) and the shares of the groups (Gibbs sampler), so that the draws differ as much as their
    causes are uncertain.

    Args:
        truth: (n,) true labels of the items with both, 0 to levels - 1.
        said: (n,) the judge's labels of these.
        clusters: (n,) cluster of each (query), 0 to c - 1: the judge's errors in one cluster are alike.
        known: (n,) group of each.
        holes: (m,) the judge's labels of the other items.
        groups: (m,) group of each, 0 to g - 1.
        wider: for each group, the groups whose items resemble its own, itself included.
        levels: number of labels.
        draws: number of draws.
        rng: source of randomness.

    Returns:
        (draws, m) labels.

    Raises:
        InputError: no item has both labels.

    Source: Rogan and Gladen 1978, Am. J. Epidemiol. 107:71; Joseph, Gyorkos and Coupal 1995, Am. J. Epidemiol. 141:263,
    for the Gibbs sampler; Rubin 1981, Ann. Stat. 9:130, for the Bayesian bootstrap.
    """
    if not len(truth):
        raise InputError("no item has a label of both kinds, so the errors of the model are unknown")
    count = len(wider)
    shares = (np.bincount(truth, minlength=levels) + 0.5) / (len(truth) + 0.5 * levels)
    cell = (known * levels + truth) * levels + said
    # Holes of one group that the judge labels alike are exchangeable, so only their number in each label is drawn.
    kind = groups * levels + holes
    order = np.argsort(kind, kind="stable")
    sizes = np.bincount(kind, minlength=count * levels)
    found = np.empty((draws, len(holes)), dtype=np.int64)
    for draw in found:
        weight = rng.exponential(size=int(clusters.max()) + 1)[clusters]
        own: Array = np.bincount(cell, weights=weight, minlength=count * levels**2).astype(np.float64)
        own = own.reshape(count, levels, levels)
        likely = np.array([_rates(own, one, group) for one, group in enumerate(wider)]).transpose(0, 2, 1)
        prevalence = np.tile(shares, (count, 1))
        for _ in range(SWEEPS):
            odds = likely * prevalence[:, None, :]
            odds /= odds.sum(axis=2, keepdims=True)
            drawn = rng.multinomial(sizes, odds.reshape(-1, levels))
            gamma = rng.gamma(drawn.reshape(count, levels, levels).sum(axis=1) + PRIOR * shares)
            prevalence = gamma / gamma.sum(axis=1, keepdims=True)
        labels = np.repeat(np.tile(np.arange(levels), len(sizes)), drawn.ravel())
        # Shuffled within each kind: sorted by kind first and by a random number second.
        draw[order] = labels[np.lexsort((rng.random(len(labels)), kind[order]))]
    return found


def _rates(own: Array, group: int, wider: Sequence[int]) -> Array:
    """(levels, levels) How often the judge says each label where a label is true, in one group."""
    table = own.sum(axis=0)
    rates: Array = table + 0.5 * (table.sum(axis=0) + 0.5) / (table.sum() + 0.5 * len(table))
    rates /= rates.sum(axis=1, keepdims=True)
    for counts in (own[list(wider)].sum(axis=0), own[group]):
        rates = counts + BORROWED * rates
        rates /= rates.sum(axis=1, keepdims=True)
    return rates


def combined_interval(means: Array, errors: Array, df: Array, confidence: float) -> tuple[float, float, float]:
    """Combine the estimates of several completed data sets to one, with its interval.

    Args:
        means: (b,) estimates.
        errors: (b,) their standard errors.
        df: (b,) their degrees of freedom.
        confidence: coverage, in (0, 1).

    Returns:
        The mean and the ends of its t interval.

    Source: Rubin 1987, Multiple Imputation for Nonresponse in Surveys; the degrees of freedom: Barnard and Rubin 1999,
    Biometrika 86:948.
    """
    b = len(means)
    value, within = float(means.mean()), float((errors**2).mean())
    between = (1 + 1 / b) * float(means.var(ddof=1))
    total = within + between
    if total == 0:
        return value, value, value
    complete = float(df.mean())
    share = between / total
    own = (complete + 1) / (complete + 3) * complete * (1 - share)
    degrees = own if share == 0 else 1 / (1 / max(own, 1e-9) + share**2 / (b - 1))
    reach = float(t_quantile((1 + confidence) / 2, max(degrees, 1.0))) * total**0.5
    return value, value - reach, value + reach
