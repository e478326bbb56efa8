"""Rank-biased overlap of two rankings of results, which may differ, or of systems."""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.agreement import DIGITS, Agreement, interval_of
from ragbench.stats.checks import check_resampling, check_values

Ranking = Sequence[Hashable | frozenset[Hashable]]


def rbo(first: Ranking, second: Ranking, *, p: float = 0.9) -> float:
    """Extrapolated rank-biased overlap (RBO_ext): 1 for equal rankings, 0 for nothing in common.

    ``(1 - p) / p * sum over depths d to l of A_d p^d + A_l p^l``

    where l is the length of the longer list and A_d the agreement at depth d: the number of common items so far,
        divided by d. Beyond the end s of the shorter list, its agreement at s is assumed to continue: ``A_d = (X_d +
        A_s (d - s)) / d``.

    Tied items all have the first rank of their tie, and ``A_d`` is twice the overlap divided by the sum of both lengths
    at that depth.

    Args:
        first: ids, best first; a frozenset holds tied ids.
        second: the other list; it may have other ids and another length.
        p: persistence in (0, 1): the probability that a reader continues to the next rank. At .9, the first 10 ranks
            have 86% of the weight.

    Raises:
        InputError: a list or a tie is empty, or an id is repeated in a list.
        SettingError: p is outside of (0, 1).

    Source: Webber, Moffat and Zobel 2010, equation 32; ties follow the variant RBO^w of Corsi and Urbano 2024, for
        items that truly share a rank.
    """
    _check_p(p)
    ranks = [_ranks(first, "first"), _ranks(second, "second")]
    if len(ranks[0]) > len(ranks[1]):
        ranks.reverse()
    short, long = ranks
    s, length = len(short), len(long)
    depths = np.arange(1, length + 1)
    both = np.array([max(rank, long[item]) for item, rank in short.items() if item in long], dtype=np.int64)
    overlap = _up_to(both, depths)
    sizes = [_up_to(np.array(list(side.values())), depths) for side in (short, long)]
    agreement = 2 * overlap / (sizes[0] + sizes[1])
    beyond = depths > s
    agreement[beyond] = (overlap + agreement[s - 1] * (depths - s))[beyond] / ((depths + sizes[1])[beyond] / 2)
    return float(_weighed(np.minimum(agreement, 1.0)[None], p)[0])


def rbo_rows(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], *, p: float = 0.9
) -> npt.NDArray[np.float64]:
    """(r,) `rbo` of the orders of m systems in each row of two (r, m) arrays of scores, without checks.

    Memory: about 20 x r x m^2 bytes.
    """
    depths = np.arange(1, first.shape[1] + 1)
    ranks = [1 + (np.round(side[:, None, :] - side[:, :, None], DIGITS) > 0).sum(axis=2) for side in (first, second)]
    within = [side[:, :, None] <= depths for side in ranks]
    overlap = (within[0] & within[1]).sum(axis=1)
    return _weighed(2 * overlap / (within[0].sum(axis=1) + within[1].sum(axis=1)), p)


def rbo_interval(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    clusters: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    p: float = 0.9,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Agreement:
    """`rbo` between the rankings of m systems by their means on two sets of queries, with a percentile interval.

    Rankings of the same systems have everything in common at full depth, so even random orders have an RBO far above 0.
    Compare values of RBO with each other, not with 0.

    Args:
        first: (n, m) value per query and system, without NaN.
        second: (p, m) the same for the other set of queries.
        clusters: (n,) and (p,) the resampling unit of each row.
        rng: random generator.
        p: persistence, in (0, 1).
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: the numbers of systems differ, a value is undefined or infinite, or the cluster numbers have gaps.
        SettingError: p or the confidence is outside of (0, 1).

    Source: as `rbo`; the interval as in `ragbench.stats.agreement.kendall_interval`.
    """
    _check_p(p)
    check_resampling(resamples, confidence)
    for values, groups in zip((first, second), clusters, strict=True):
        check_values(values, groups)
        rows = np.flatnonzero(np.isnan(values).any(axis=1))
        if len(rows):
            raise InputError(f"row {rows[0]} has an undefined value: every system needs one to be ranked")
    if first.shape[1] != second.shape[1] or not first.shape[1]:
        raise InputError(f"two rankings of {first.shape[1]} and {second.shape[1]} systems cannot be compared")
    return interval_of(lambda a, b: rbo_rows(a, b, p=p), first, second, clusters, rng, resamples, confidence)


def _check_p(p: float) -> None:
    if not 0 < p < 1:
        raise SettingError(f"the persistence p of RBO must lie between 0 and 1, not at {p}")


def _ranks(ranking: Ranking, name: str) -> dict[Hashable, int]:
    """Return the rank of each id. Tied ids have the first rank of their tie."""
    ranks: dict[Hashable, int] = {}
    for entry in ranking:
        tied = sorted(entry, key=repr) if isinstance(entry, frozenset) else [entry]
        if not tied:
            raise InputError(f"the {name} list has an empty tie")
        top = len(ranks) + 1
        for item in tied:
            if item in ranks:
                raise InputError(f"the {name} list has {item!r} twice")
            ranks[item] = top
    if not ranks:
        raise InputError(f"the {name} list is empty: there is no overlap to compute")
    return ranks


def _up_to(ranks: npt.NDArray[np.int64], depths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.searchsorted(np.sort(ranks), depths, side="right")
    return found


def _weighed(agreement: npt.NDArray[np.float64], p: float) -> npt.NDArray[np.float64]:
    """(r,) Overlap from (r, l) agreements at each depth."""
    weights = p ** np.arange(1, agreement.shape[1] + 1)
    found: npt.NDArray[np.float64] = (1 - p) / p * (agreement @ weights) + agreement[:, -1] * weights[-1]
    return found
