"""Filters where an index holds the chunks: which chunks each query may find."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Chunks
from ragbench.core.filters import Filter
from ragbench.core.runs import Query
from ragbench.retrievers.base import Ranking


def by_filter(queries: Sequence[Query]) -> Iterator[tuple[Filter | None, list[int]]]:
    """The filters of queries, each with the positions of its queries."""
    positions: dict[Filter | None, list[int]] = {}
    for at, query in enumerate(queries):
        positions.setdefault(query.filter, []).append(at)
    yield from positions.items()


def each_filter(
    queries: Sequence[Query], rank: Callable[[Sequence[Query], list[int], Filter | None], Ranking]
) -> Ranking:
    """Rank the queries of each filter together, and put their rankings back in order.

    Args:
        queries: the queries.
        rank: ranks the queries of one filter; it is also given their positions.
    """
    found = [(at, rank([queries[i] for i in at], at, filter_)) for filter_, at in by_filter(queries)]
    if len(found) == 1:
        return found[0][1]
    width = max((ranking.items.shape[1] for _, ranking in found), default=0)
    items = np.full((len(queries), width), -1, dtype=np.int32)
    scores = np.zeros((len(queries), width), dtype=np.float32)
    failures: dict[int, str] = {}
    for at, ranking in found:
        items[at, : ranking.items.shape[1]] = ranking.items
        scores[at, : ranking.items.shape[1]] = ranking.scores
        failures |= {at[position]: reason for position, reason in ranking.failures.items()}
    return Ranking(items, scores, failures)


def rows_of(chunks: Chunks, filter_: Filter) -> npt.NDArray[np.bool_]:
    """(n,) Which chunks a filter lets through.

    Raises:
        SettingError: no document has the field, or a value is of another kind.
    """
    mask: npt.NDArray[np.bool_] = chunks.fields.mask(filter_)[chunks.document_index]
    return mask
