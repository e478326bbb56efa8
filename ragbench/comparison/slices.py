"""Slices of the queries by type, length or any other column."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.scored import QueryTable
from ragbench.core.spelling import given

BUILT_IN = ("type", "length")
MOST_NUMBERS = 6
"""A numeric column with more different values is cut into three slices."""


class Slice(NamedTuple):
    """Queries with the same value, or the same range of values, in a column.

    Attributes:
        by: name of the column.
        label: the value or range.
        rows: rows of the table of queries, ascending.
    """

    by: str
    label: str
    rows: npt.NDArray[np.int64]

    @property
    def name(self) -> str:
        """``type=keyword``."""
        return f"{self.by}={self.label}"


def slices(queries: QueryTable, by: str) -> tuple[Slice, ...]:
    """Cut the queries by one column. Every query is in exactly one slice.

    ``type`` is the kind of query, ``length`` cuts the number of words at its thirds, and any other name is a column of
    the table. A column with many different numbers is cut at its thirds too. Queries without a value are the slice
    ``(none)``.

    Raises:
        InputError: the column does not exist, or no query has a value in it.
    """
    if by == "length":
        return _thirds(by, [float(len(text.split())) if text else None for text in queries.texts], "words")
    values = _column(queries, by)
    if all(value is None for value in values):
        raise InputError(f"{given('by', by)}: no query has one; the golden set does not say it")
    numbers = {value for value in values if isinstance(value, int | float)}
    if len(numbers) > MOST_NUMBERS and not any(isinstance(value, str) for value in values):
        return _thirds(by, [None if value is None else float(value) for value in values], "")
    return _groups(by, ["(none)" if value is None else _written(value) for value in values])


def _column(queries: QueryTable, by: str) -> Sequence[str | float | None]:
    if by == "type":
        return [type_ or None for type_ in queries.types]
    if by not in queries.columns:
        known = did_you_mean(by, [*BUILT_IN, *queries.columns])
        raise InputError(f"{given('by', by)}: the queries have no such column{known}; {of_corpus(by)}")
    return queries.columns[by]


def of_corpus(by: str) -> str:
    """Say how a column of the corpus becomes one of the queries."""
    return f"a column of the corpus is there if the systems were evaluated with {given('by', by)}"


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _groups(by: str, labels: Sequence[str]) -> tuple[Slice, ...]:
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    return tuple(Slice(by, label, np.array(rows[label], dtype=np.int64)) for label in sorted(rows))


def _thirds(by: str, values: Sequence[float | None], unit: str) -> tuple[Slice, ...]:
    """Cut at the thirds into short, medium and long (or low, medium, high). Equal numbers stay together."""
    known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if np.isnan(known).all():
        raise InputError(f"{given('by', by)}: no query has one; the texts of the queries are not there")
    names = ("short", "medium", "long") if unit else ("low", "medium", "high")
    first, second = np.nanquantile(known, [1 / 3, 2 / 3], method="inverted_cdf")
    parts = []
    for name, inside in zip(names, (known <= first, (known > first) & (known <= second), known > second), strict=True):
        if inside.any():
            low, high = known[inside].min(), known[inside].max()
            span = f"{low:g}" if low == high else f"{low:g}-{high:g}"
            parts.append(Slice(by, f"{name} ({span}{' ' + unit if unit else ''})", np.flatnonzero(inside)))
    if np.isnan(known).any():
        parts.append(Slice(by, "(none)", np.flatnonzero(np.isnan(known))))
    return tuple(parts)
