"""Queries and labels that stand in files of their own, brought together."""

from collections.abc import Mapping
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.io.golden_files.options import ReadOptions
from ragbench.io.trec import Labels


def join(
    texts: Mapping[str, tuple[str, Mapping[str, object]]],
    labels: Labels,
    queries: Path,
    options: ReadOptions,
    name: str,
    elsewhere: frozenset[str] = frozenset(),
) -> GoldenSet:
    """Judged queries with whole-document evidence; what has no partner goes into the ledger.

    Args:
        texts: text and metadata by query id.
        labels: labels by query id.
        queries: where the texts were read, for messages.
        options: may name the set.
        name: the set's name otherwise.
        elsewhere: queries that another split judges, which are not worth an entry each.

    Raises:
        InputError: no query has both a text and a label.
    """
    items = tuple(
        GoldenItem(
            id=id_,
            text=text,
            evidence=tuple(Evidence(item, grade=label) for item, label in labels.by_query[id_].items()),
            metadata=metadata,
        )
        for id_, (text, metadata) in texts.items()
        if id_ in labels.by_query
    )
    if not items:
        raise InputError(
            f"{queries} and {labels.path} share no query id: {first_ten(list(texts)[:3])} against "
            f"{first_ten(list(labels.by_query)[:3])}. Do they belong together?"
        )
    entries = [
        LedgerEntry("golden", id_, f"{labels.path} has no label for this query; left out", "unjudged")
        for id_ in texts
        if id_ not in labels.by_query and id_ not in elsewhere
    ]
    other = sum(id_ in elsewhere and id_ not in labels.by_query for id_ in texts)
    if other:
        entries.append(
            LedgerEntry("golden", str(queries), f"{other} queries belong to another split; left out", "other-split")
        )
    entries += [
        LedgerEntry("golden", id_, f"{labels.path} judges it, but {queries} has no such query", "unknown-query")
        for id_ in labels.by_query
        if id_ not in texts
    ]
    return GoldenSet(items, options.name or name, Ledger((*labels.repeated, *entries)))


def whole_documents(golden: GoldenSet) -> tuple[dict[str, dict[str, int]], list[LedgerEntry]]:
    """Labels of documents, and an entry for each query of which more is known than labels can say."""
    labels: dict[str, dict[str, int]] = {}
    entries: list[LedgerEntry] = []
    for item in golden:
        row = labels.setdefault(item.id, {})
        for evidence in item.evidence:
            row[evidence.document_id] = max(evidence.grade, row.get(evidence.document_id, evidence.grade))
        lost = {
            "spans": any(not e.whole for e in item.evidence),
            "masked": bool(item.masked),
            "exclude": bool(item.exclude),
        }
        if any(lost.values()):
            what = ", ".join(word for word, is_lost in lost.items() if is_lost)
            entries.append(LedgerEntry("export", item.id, f"the format cannot hold: {what}", "not-written"))
        if not row:
            entries.append(LedgerEntry("export", item.id, "no label, so readers will leave the query out", "no-label"))
    return labels, entries
