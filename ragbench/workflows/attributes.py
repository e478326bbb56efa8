"""Slice an evaluation by columns of the golden set or of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragbench.comparison.slices import BUILT_IN
from ragbench.core.attributes import Value, of_queries, values_of
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.evaluations import Evaluation
from ragbench.core.options import named
from ragbench.core.scored import QueryTable

MOST_LISTED = 10
"""Columns that a message lists."""


def check_by(by: Sequence[str], queries: QueryTable, chunks: Chunks | None) -> None:
    """Refuse names that are no column of the golden set or of the corpus.

    Raises:
        SettingError: a column is unknown; the message names those that there are.
    """
    if not by:
        return
    own = [*BUILT_IN, *queries.columns]
    ours = {} if chunks is None else dict.fromkeys(name for one in chunks.metadata for name in one)
    for name in by:
        if name in own or name in ours:
            continue
        known = [*own, *ours]
        listed = ", ".join(known[:MOST_LISTED]) + (", ..." if len(known) > MOST_LISTED else "")
        why = ""
        if chunks is None or not chunks.metadata:
            why = f". Without documents in {named('corpus')}, only columns of the golden set are known"
        raise SettingError(
            f"is {name!r}, and neither the golden set nor the corpus has such a column"
            f"{did_you_mean(name, known) or f' (there are {listed})'}{why}",
            option="by",
        )


def sliced(evaluation: Evaluation, by: Sequence[str]) -> Evaluation:
    """Add the columns to the queries of an evaluation, and their values to its items.

    A column of the golden set or a built-in one goes before a column of the corpus. A query has the value of its
    relevant items (`ragbench.core.attributes.of_queries`).
    """
    if not by:
        return evaluation
    queries, chunks = evaluation.queries, evaluation.chunks
    columns, attributes = dict(queries.columns), dict[str, dict[str, Value]]()
    for name in dict.fromkeys(by):
        if name in BUILT_IN or name in queries.columns or chunks is None:
            continue
        values = values_of(name, zip(chunks.document_ids, chunks.metadata, strict=True))
        attributes[name] = _of_items(evaluation, chunks, values)
        columns[name] = of_queries(evaluation.task.judgements, attributes[name])
    return replace(
        evaluation,
        queries=replace(queries, columns=columns),
        by=tuple(dict.fromkeys(by)),
        attributes=attributes,
    )


def _of_items(evaluation: Evaluation, chunks: Chunks, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of the items that a ranking or a label names."""
    judged = evaluation.task.judgements
    names = [judged.item_ids] + [run.item_ids for arm in evaluation.arms if (run := arm.run) is not None]
    rows = chunks.row if evaluation.task.unit == "chunk" else {}
    found: dict[str, Value] = {}
    for ids in names:
        for id_ in ids:
            at = rows.get(id_)
            document = id_ if at is None else chunks.document_ids[chunks.document_index[at]]
            if document in values:
                found[id_] = values[document]
    return found
