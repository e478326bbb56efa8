"""The filters of an evaluation: what each query may find, and which labels that removes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.filters import Filter
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.judgements import EvaluationTask
from ragbench.core.ledger import LedgerEntry, first_ten
from ragbench.metrics.settings import EvaluationSettings
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.filtered import Filtered

REMOVED = "filter-removes"
"""Code of the issue log for a query some of whose relevant items its filter removes."""


def with_filters(
    task: EvaluationTask, golden: GoldenSet, chunks: Chunks, settings: EvaluationSettings
) -> EvaluationTask:
    """Give each query its filter: the one of the evaluation, and the one of its column.

    The labels stay as they are. A relevant item that the filter removes cannot be found; the issue log lists its query.

    Raises:
        SettingError: no document has the field, or the golden set has no such column.
        InputError: a filter of the golden set cannot be read.
    """
    if settings.filter is None and settings.filter_column is None:
        return task
    whole = None if settings.filter is None else _whole(settings.filter, chunks)
    own = {} if settings.filter_column is None else _of_column(golden, settings.filter_column, chunks)
    queries = []
    for query in task.queries:
        mine = own.get(query.id)
        queries.append(query._replace(filter=whole if mine is None else mine & whole))
    task = replace(task, queries=tuple(queries))
    entries = [
        LedgerEntry("golden", id_, f"the filter removes relevant {task.unit}s: {lost}", REMOVED)
        for id_, lost in _removed(task, chunks, {query.id: query.filter for query in queries})
    ]
    return replace(task, ledger=task.ledger + entries)


def _whole(text: str, chunks: Chunks) -> Filter:
    found = Filter.parse(text)
    try:
        matches = chunks.fields.mask(found).any()
    except SettingError as error:
        raise SettingError(f"cannot be applied: {error}", option="filter") from error
    if not matches:
        raise SettingError(f"is {str(found)!r}, and no document of the corpus matches", option="filter")
    return found


def _of_column(golden: GoldenSet, column: str, chunks: Chunks) -> dict[str, Filter]:
    columns = dict.fromkeys(name for item in golden for name in item.metadata)
    if column not in columns:
        raise SettingError(
            f"is {column!r}, and no query of the golden set has such a column{did_you_mean(column, columns)}",
            option="filter_column",
        )
    found = {}
    for item in golden:
        text = item.metadata.get(column)
        if text is None or text == "":
            continue
        found[item.id] = _of_query(item, column, text, chunks)
    return found


def _of_query(item: GoldenItem, column: str, text: object, chunks: Chunks) -> Filter:
    if not isinstance(text, str):
        raise InputError(f"query {item.id!r}: {column} is {text!r}; a filter is a text, such as price<100")
    try:
        found = Filter.parse(text)
        chunks.fields.clauses(found)
    except SettingError as error:
        raise InputError(f"query {item.id!r}, {column}: {error}") from error
    return found


def _removed(task: EvaluationTask, chunks: Chunks, filters: Mapping[str, Filter | None]) -> Iterable[tuple[str, str]]:
    """The queries that lose relevant items to their filter, with the ids of these."""
    judged, rows = task.judgements, chunks.document_row
    for at, id_ in enumerate(judged.query_ids):
        filter_ = filters.get(id_)
        if filter_ is None:
            continue
        allowed = chunks.fields.mask(filter_)
        lost = []
        for row in range(int(judged.offsets[at]), int(judged.offsets[at + 1])):
            if judged.labels[row] <= 0:
                continue
            item = judged.item_ids[judged.items[row]]
            place = int(chunks.document_index[chunks.row[item]]) if task.unit == "chunk" else rows.get(item)
            if place is not None and not allowed[place]:
                lost.append(item)
        if lost:
            yield id_, first_ten(lost)


def filters_of(retriever: Retriever) -> list[Filter]:
    """The filters in the settings of a retriever and its parts."""
    own = [Filter.parse(retriever.filter)] if isinstance(retriever, Filtered) else []
    return own + [one for part in retriever.parts for one in filters_of(part)]


def removed_by(retriever: Retriever, task: EvaluationTask, chunks: Chunks) -> list[str]:
    """Warn of relevant items that the filter of a system removes."""
    if not isinstance(retriever, Filtered):
        return []
    filter_ = Filter.parse(retriever.filter)
    lost = [id_ for id_, _ in _removed(task, chunks, dict.fromkeys(task.judgements.query_ids, filter_))]
    return [f"its filter removes relevant {task.unit}s of {len(lost)} queries: {first_ten(lost)}"] if lost else []
