"""Draw queries with unequal chances, so that those that decide most are drawn more often and every one may be."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.checks import check_list, check_share

Array = npt.NDArray[np.float64]
FLOOR = 0.4
"""Part of the chances that is the same for all."""


def inclusion_chances(sizes: Array, n: int, *, floor: float = FLOOR) -> Array:
    """Compute chances of inclusion that grow with a size, for a draw of n.

    ``floor`` of the chances is equal, and the rest is proportional to the size. A chance that would be above 1 is 1,
    and the others grow accordingly. An estimate has the smallest variance if the size is the expected error of the
    model on a query. The floor limits the damage where that expectation is wrong: no weight exceeds that of a random
    draw by more than 1 / floor.

    Args:
        sizes: (q,) sizes, 0 or more; if all are 0, the chances are equal.
        n: how many are drawn, 1 to q.
        floor: the equal part, in (0, 1].

    Returns:
        (q,) chances above 0 and at most 1 with the sum n.

    Raises:
        InputError: a size is negative, undefined or infinite.
        SettingError: ``n`` is out of its range.

    Source: Särndal, Swensson and Wretman 1992, section 3.6; the mixture with equal chances: Zrnic and Candès 2024,
    arXiv:2403.03208.

    Examples:
        >>> inclusion_chances(np.array([0.0, 1.0, 1.0, 2.0]), 2, floor=0.5).tolist()
        [0.25, 0.5, 0.5, 0.75]
    """
    check_list(sizes, "size")
    if (sizes < 0).any():
        raise InputError(f"the size in row {int(np.argmax(sizes < 0))} is negative")
    if not 1 <= n <= len(sizes):
        raise SettingError(f"{n} of {len(sizes)} cannot be drawn; draw at least 1 and at most all")
    check_share(floor, "floor")
    mean = sizes.mean()
    mixed = (1 - floor) * sizes / mean + floor if mean > 0 else np.ones(len(sizes))
    sure = np.zeros(len(sizes), dtype=bool)
    while True:
        left = n - int(sure.sum())
        chances = np.where(sure, 1.0, mixed * left / mixed[~sure].sum() if not sure.all() else 1.0)
        more = ~sure & (chances >= 1)
        if not more.any():
            return np.asarray(chances, dtype=np.float64)
        sure |= more


def systematic_draw(chances: Array, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw rows so that each is included with its chance, and the number of rows is fixed.

    The rows are shuffled, their chances laid end to end, and every row that holds one of the points u, u + 1, ... is
    drawn.

    Args:
        chances: (q,) chances above 0 and at most 1, with a whole number as their sum.
        rng: source of the order and of u.

    Returns:
        rows, ascending.

    Source: Madow 1949, Ann. Math. Stat. 20:333.
    """
    order = rng.permutation(len(chances))
    ends = np.cumsum(chances[order])
    points = rng.random() + np.arange(round(float(ends[-1])))
    return np.sort(order[np.minimum(np.searchsorted(ends, points, side="right"), len(chances) - 1)])
