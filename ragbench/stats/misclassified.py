"""Draw the true labels of items that a judge with known errors has labelled."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.distributions import t_quantile

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SWEEPS = 20
PRIOR = 2.0
"""Weight of the prior of each group's shares, in items."""


def draw_labels(
    truth: Ints,
    said: Ints,
    clusters: Ints,
    holes: Ints,
    groups: Ints,
    levels: int,
    draws: int,
    rng: np.random.Generator,
) -> Ints:
    """Draw the true labels of items that only a judge has labelled, as often as the judge's errors make them likely.

    What carries over from the items with both labels is how often the judge says m where h is true, as in Rogan and
    Gladen. How often each label is true is estimated for every group of holes on its own. So a group with many relevant
    items gets them, although few of the items with both labels may be relevant. Each draw also draws the judge's error
    rates (Bayesian bootstrap of whole clusters) and the shares of the groups (Gibbs sampler), so that the draws differ
    as much as their causes are uncertain.

    Args:
        truth: (n,) true labels of the items with both, 0 to levels - 1.
        said: (n,) the judge's labels of these.
        clusters: (n,) cluster of each (query), 0 to c - 1: the judge's errors in one cluster are alike.
        holes: (m,) the judge's labels of the other items.
        groups: (m,) group of each, 0 to g - 1.
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
    count = int(groups.max(initial=-1)) + 1
    cell = truth * levels + said
    shares = (np.bincount(truth, minlength=levels) + 0.5) / (len(truth) + 0.5 * levels)
    found = np.empty((draws, len(holes)), dtype=np.int64)
    for draw in found:
        weight = rng.exponential(size=int(clusters.max()) + 1)[clusters]
        table = np.bincount(cell, weights=weight, minlength=levels**2).reshape(levels, levels)
        table += 0.5 * (table.sum(axis=0) + 0.5) / (table.sum() + 0.5 * levels)
        says = table / table.sum(axis=1, keepdims=True)
        likely = says[:, holes].T
        prevalence = np.tile(shares, (count, 1))
        for _ in range(SWEEPS):
            odds = likely * prevalence[groups]
            ends = odds.cumsum(axis=1)
            draw[:] = (rng.random(len(holes))[:, None] * ends[:, -1:] > ends[:, :-1]).sum(axis=1)
            counts = np.bincount(groups * levels + draw, minlength=count * levels).reshape(count, levels)
            gamma = rng.gamma(counts + PRIOR * shares)
            prevalence = gamma / gamma.sum(axis=1, keepdims=True)
    return found


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
