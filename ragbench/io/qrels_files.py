"""Files of relevance labels: qrels of TREC and BEIR, JSON ``{query id: {item id: label}}``, and Parquet.

Parquet columns have the names of this package (query_id, item_id, label), of ranx (q_id, doc_id, score) or of PyTerrier
(qid, docno, label).
"""

import math
from pathlib import Path

import numpy as np

from ragbench.core.errors import InputError
from ragbench.core.judgements import MOST_LABEL, Judgements
from ragbench.io.encoding import decode, read_text
from ragbench.io.run_files import format_of, read_nested, read_triples
from ragbench.io.trec import Labels, parse_qrels, read_content, whole_number

BEIR_HEADER = ("query-id", "corpus-id", "score")
COLUMNS = (("query_id", "q_id", "qid"), ("item_id", "doc_id", "docno"), ("label", "score", "relevance"))


def read_judgements(path: Path | str) -> Judgements:
    """Read relevance labels.

    The ending of the file's name decides the format. If it is unknown, the labels are those of TREC, or of BEIR where
    the first line has three columns.

    Raises:
        InputError: the file cannot be read; the message names the line or key.
    """
    path = Path(path)
    chosen = format_of(path, None)
    if chosen == "trec":
        content = read_content(path)
        if are_beir_labels(content[: content.find(b"\n") + 1 or None].decode(errors="replace")):
            return Judgements.from_dict(_beir_labels(path, decode(content, str(path))[0]).by_query)
        return parse_qrels(path, content)
    if chosen == "json":
        labels = read_nested(path, "label")
        for query, row in labels.items():
            for item, label in row.items():
                if not (math.isfinite(label) and label == int(label)):
                    raise InputError(f"{path}: query {query!r}, item {item!r}: the label {label!r} is no whole number")
        return Judgements.from_dict({query: {item: int(n) for item, n in row.items()} for query, row in labels.items()})
    query_ids, queries, items, labels_, item_ids = read_triples(path, COLUMNS)
    if not ((labels_ == np.trunc(labels_)) & (np.abs(labels_) <= MOST_LABEL)).all():
        raise InputError(f"{path}: a label is no whole number of 32 bits")
    order = np.argsort(queries, kind="stable")
    queries, items = queries[order], items[order]
    if len(np.unique(queries.astype(np.int64) * len(item_ids) + items)) < len(items):
        raise InputError(f"{path}: an item is labelled twice for a query")
    offsets = np.searchsorted(queries, np.arange(len(query_ids) + 1)).astype(np.int64)
    return Judgements(query_ids, offsets, items, labels_[order].astype(np.int32), item_ids)


def are_beir_labels(first: str) -> bool:
    """Whether the first line of a file is BEIR's header, or a query id, an item id and a label between tabs."""
    fields = first.strip().split("\t")
    if len(fields) != len(BEIR_HEADER) or len(first.split()) != len(BEIR_HEADER):
        return False
    return tuple(fields) == BEIR_HEADER or whole_number(fields[-1]) is not None


def read_beir_labels(path: Path) -> Labels:
    """Read the labels of a BEIR ``.tsv``, with or without its header.

    Raises:
        InputError: no such file, no label in it, or a row that is wrong.
    """
    return _beir_labels(path, read_text(path)[0])


def _beir_labels(path: Path, text: str) -> Labels:
    labels = Labels(path, {}, [])
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if number == 1 and fields[-1].strip().lower() == "score":
            continue
        if len(fields) != len(BEIR_HEADER):
            header = " ".join(BEIR_HEADER)
            raise InputError(f"{path}:{number}: {len(fields)} fields where 3 belong, parted by tabs: {header}")
        labels.add(number, *fields)
    if not labels.by_query:
        raise InputError(f"{path}: there is no label in it")
    return labels
