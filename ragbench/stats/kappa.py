"""Cohen's kappa: agreement of two raters beyond chance."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError, did_you_mean

Weights = Literal["none", "linear", "quadratic"]
WEIGHTS: tuple[Weights, ...] = ("none", "linear", "quadratic")


@dataclass(frozen=True)
class Kappa:
    """Agreement of two raters.

    Attributes:
        value: kappa: 1 for full agreement, 0 for chance; NaN if both raters used only one category.
        low, high: ends of the interval; NaN together with ``value``.
        observed: share of items on which they agree, weighted if weights are used.
        expected: the share expected by chance from how often each rater used each category.
        n: number of items that both rated.
        categories: the categories, in the order of ``table``.
        table: counts, with a row per category of the first rater and a column per category of the second.
    """

    value: float
    low: float
    high: float
    observed: float
    expected: float
    n: int
    categories: tuple[Hashable, ...]
    table: tuple[tuple[int, ...], ...]


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    categories: Sequence[Hashable] | None = None,
    weights: Weights = "none",
    confidence: float = 0.95,
) -> Kappa:
    """Compute kappa with its asymptotic interval.

    The interval uses the normal distribution and the large-sample standard error, and is cut at -1 and 1. With fewer
    than about 30 items, or with full agreement (a standard error of 0), it is too short: read the table instead.

    Args:
        first: category of each item by the first rater.
        second: category of each item by the second rater, in the same order.
        categories: all categories in order; by default those that occur, sorted. Weights depend on positions in this
            order.
        weights: ``"none"`` counts only exact agreement; ``"linear"`` and ``"quadratic"`` give credit for near misses,
            for example of grades.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: there is no item, the lengths differ, or a category is not in ``categories``.
        SettingError: the weights are unknown.

    Source: Cohen 1960 and 1968; standard error of Fleiss, Cohen and Everitt 1969.
    """
    if weights not in WEIGHTS:
        raise SettingError(f"no kappa weights {weights!r}{did_you_mean(str(weights), WEIGHTS)}")
    table, names = _table(first, second, categories)
    n = int(table.sum())
    p = table / n
    credit = _credit(len(names), weights)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed = float((credit * p).sum())
    expected = float((credit * np.outer(rows, columns)).sum())
    counts = tuple(tuple(int(cell) for cell in row) for row in table)
    if np.isclose(expected, 1.0):
        nan = float("nan")
        return Kappa(nan, nan, nan, observed, expected, n, names, counts)
    value = (observed - expected) / (1 - expected)
    error = _standard_error(p, credit, value, expected, n)
    from scipy.stats import norm

    reach = float(norm.ppf((1 + confidence) / 2)) * error
    low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Kappa(value, low, high, observed, expected, n, names, counts)


def _table(
    first: Sequence[Hashable], second: Sequence[Hashable], categories: Sequence[Hashable] | None
) -> tuple[npt.NDArray[np.int64], tuple[Hashable, ...]]:
    if len(first) != len(second):
        raise InputError(
            f"two raters of one list are compared, but one has {len(first)} ratings, the other {len(second)}"
        )
    if not first:
        raise InputError("no item was rated by both: there is no agreement to compute")
    found = {*first, *second}
    names = tuple(categories) if categories is not None else tuple(sorted(found, key=lambda c: (str(type(c)), c)))
    unknown = sorted(repr(category) for category in found - set(names))
    if unknown:
        raise InputError(f"ratings {', '.join(unknown)} are not among the categories {', '.join(map(repr, names))}")
    at = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in zip(first, second, strict=True):
        table[at[a], at[b]] += 1
    return table, names


def _credit(size: int, weights: Weights) -> npt.NDArray[np.float64]:
    """(c, c) Credit for each pair of categories: 1 for the same, and less for a greater distance."""
    if weights == "none" or size == 1:
        return np.eye(size)
    place = np.arange(size)
    distance: npt.NDArray[np.float64] = np.abs(place[:, None] - place[None, :]) / (size - 1)
    return 1.0 - (distance if weights == "linear" else distance**2)


def _standard_error(
    p: npt.NDArray[np.float64], credit: npt.NDArray[np.float64], value: float, expected: float, n: int
) -> float:
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    of_row = credit @ columns
    of_column = credit.T @ rows
    inner = credit - (of_row[:, None] + of_column[None, :]) * (1 - value)
    variance = (p * inner**2).sum() - (value - expected * (1 - value)) ** 2
    return float(np.sqrt(max(variance, 0.0) / n) / (1 - expected))
