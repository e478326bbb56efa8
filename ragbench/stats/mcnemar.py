"""Exact McNemar test, for metrics that are 0 or 1."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_pairs
from ragbench.stats.distributions import coin_p


@dataclass(frozen=True)
class McNemar:
    """An exact McNemar test.

    Attributes:
        b: queries where the baseline is 1 and the candidate 0.
        c: queries where the candidate is 1 and the baseline 0.
        p: two-sided p-value in (0, 1]; 1 if b and c are 0.
    """

    b: int
    c: int
    p: float


def mcnemar_exact(baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> McNemar:
    """Test whether two systems have the same rate of ones, on paired 0/1 values.

    Only the b + c queries on which they differ count. Under the null hypothesis, each of them favours the candidate
    with probability 1/2, so p comes from the binomial distribution. The test assumes independent queries. If several
    come from one document, use `ragbench.stats.signflip.sign_flip_test` with clusters; with one query per cluster, it
    is the same test.

    Args:
        baseline: (n,) 0 or 1, NaN where undefined.
        candidate: (n,) values of the candidate. Pairs with a NaN are skipped.

    Raises:
        InputError: shapes differ, or a value is neither 0 nor 1.

    Source: McNemar 1947.
    """
    check_pairs(baseline, candidate)
    kept = ~(np.isnan(baseline) | np.isnan(candidate))
    for name, values in (("baseline", baseline), ("candidate", candidate)):
        odd = np.flatnonzero(kept & (values != 0) & (values != 1))
        if len(odd):
            raise InputError(
                f"row {odd[0]} of the {name} is {values[odd[0]]:g}: McNemar's test is for metrics that are 0 or 1"
            )
    b = int((kept & (baseline > candidate)).sum())
    c = int((kept & (candidate > baseline)).sum())
    return McNemar(b, c, coin_p(c, b + c))
