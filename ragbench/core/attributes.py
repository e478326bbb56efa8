"""Attributes of documents, such as the category of a product, for the items of rankings and for queries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ragbench.core.fields import column_of
from ragbench.core.judgements import Judgements

Value = str | float
Attributes = Mapping[str, Mapping[str, Value]]
"""Value by item, by name of the attribute."""
SEVERAL = "(several)"
"""Value of a query whose relevant items have different values, none of which more than half of them have."""


def values_of(name: str, documents: Iterable[tuple[str, Mapping[str, object]]]) -> dict[str, Value]:
    """Return the value of each document that has one.

    Its kind is that of `ragbench.core.fields.column_of`; truth values become ``true`` and ``false``.

    Args:
        name: name of the attribute.
        documents: ids and metadata.

    Examples:
        >>> values_of("price", [("a", {"price": "9.50"}), ("b", {"price": "12"}), ("c", {})])
        {'a': 9.5, 'b': 12.0}
    """
    known = list(documents)
    cells = column_of(metadata.get(name) for _, metadata in known).cells
    return {
        id_: str(cell).lower() if isinstance(cell, bool) else cell
        for (id_, _), cell in zip(known, cells, strict=True)
        if cell is not None
    }


def of_queries(judgements: Judgements, values: Mapping[str, Value]) -> list[Value | None]:
    """Return the value of each query: that of its relevant items.

    A query has the value that more than half of its relevant items have, and `SEVERAL` if there is none. If the values
    are numbers, it has their mean. A query without a relevant item with a value has None.

    Args:
        judgements: labels of the queries.
        values: value by item.

    Examples:
        >>> labels = Judgements.from_dict({"q1": {"a": 1, "b": 2, "c": 1}, "q2": {"a": 1, "c": 1}, "q3": {"a": 0}})
        >>> of_queries(labels, {"a": "tents", "b": "tents", "c": "shoes"})
        ['tents', '(several)', None]
    """
    return [_of_query([values[item] for item in items if item in values]) for items in relevant_items(judgements)]


def _of_query(found: Sequence[Value]) -> Value | None:
    if not found:
        return None
    if all(isinstance(value, float) for value in found):
        return float(np.mean([float(value) for value in found]))
    value, count = Counter(found).most_common(1)[0]
    return value if 2 * count > len(found) else SEVERAL


def relevant_items(judgements: Judgements) -> list[list[str]]:
    """List the relevant items of each query."""
    found: list[list[str]] = [[] for _ in judgements.query_ids]
    rows = np.flatnonzero(judgements.labels > 0)
    queries, items = judgements.query_index[rows].tolist(), judgements.items[rows].tolist()
    for query, item in zip(queries, items, strict=True):
        found[query].append(judgements.item_ids[item])
    return found
