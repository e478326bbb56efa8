"""Files of relevance labels: TREC qrels, JSON ``{query id: {item id: label}}``, and Parquet.

Parquet columns have the names of this package (query_id, item_id, label), of ranx (q_id, doc_id, score) or of PyTerrier
(qid, docno, label).
"""

from pathlib import Path

import numpy as np

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.io.run_files import format_of, read_nested, read_triples
from ragbench.io.trec import read_qrels

COLUMNS = (("query_id", "q_id", "qid"), ("item_id", "doc_id", "docno"), ("label", "score", "relevance"))


def read_judgements(path: Path | str) -> Judgements:
    """Read relevance labels. The ending of the file's name decides the format, which is TREC if it is unknown.

    Raises:
        InputError: the file cannot be read; the message names the line or key.
    """
    path = Path(path)
    chosen = format_of(path, None)
    if chosen == "trec":
        return read_qrels(path)
    if chosen == "json":
        labels = read_nested(path, "label")
        for query, row in labels.items():
            for item, label in row.items():
                if label != int(label):
                    raise InputError(f"{path}: query {query!r}, item {item!r}: the label {label!r} is no whole number")
        return Judgements.from_dict({query: {item: int(n) for item, n in row.items()} for query, row in labels.items()})
    query_ids, queries, items, labels_, item_ids = read_triples(path, COLUMNS)
    if (labels_ != np.trunc(labels_)).any():
        raise InputError(f"{path}: a label is no whole number")
    order = np.argsort(queries, kind="stable")
    queries, items = queries[order], items[order]
    if len(np.unique(queries.astype(np.int64) * len(item_ids) + items)) < len(items):
        raise InputError(f"{path}: an item is labelled twice for a query")
    offsets = np.searchsorted(queries, np.arange(len(query_ids) + 1)).astype(np.int64)
    return Judgements(query_ids, offsets, items, labels_[order].astype(np.int32), item_ids)
