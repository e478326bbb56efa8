"""How the queries of a set of labels lie over documents, which is known before anything is retrieved."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.stats.clusters import cluster_index
from ragbench.stats.icc import ClusterSizes, cluster_sizes


@dataclass(frozen=True)
class Layout:
    """Queries with a relevant document, and the documents that they come from.

    Attributes:
        sizes: distribution of the queries over resampling units (`GoldenItem.unit`).
        relevant: median number of relevant documents of a query.
        single: share of the queries with exactly one relevant document.
        without: number of queries without a relevant document, which a comparison skips.
    """

    sizes: ClusterSizes
    relevant: float
    single: float
    without: int

    @property
    def effective(self) -> float:
        """How many documents with equally many queries the documents are worth."""
        return self.sizes.clusters / self.sizes.unevenness


def layout_of(labels: Judgements | GoldenSet, level: int = 1, units: Sequence[str] | None = None) -> Layout:
    """Count the queries, their documents and their relevant documents.

    Args:
        labels: a golden set, or labels of documents by query.
        level: the least label that counts as relevant.
        units: resampling unit of each query, if it is known.

    Raises:
        InputError: fewer than two queries have a relevant document.

    Examples:
        >>> found = layout_of(Judgements.from_dict({"q1": {"a": 1}, "q2": {"a": 1, "b": 0}, "q3": {"b": 2, "c": 2}}))
        >>> found.sizes.n, found.sizes.clusters, found.relevant
        (3, 2, 1.0)
    """
    items = list(labels) if isinstance(labels, GoldenSet) else _items(labels)
    counts = np.array([len({e.document_id for e in item.evidence if e.grade >= level}) for item in items], dtype=int)
    kept = np.flatnonzero(counts)
    if len(kept) < 2:
        raise InputError(f"{len(kept)} of {len(items)} queries have a relevant document; a plan needs at least two")
    sizes = cluster_sizes(cluster_index([units[row] if units else items[row].unit for row in kept.tolist()]))
    relevant = counts[kept]
    return Layout(sizes, float(np.median(relevant)), float((relevant == 1).mean()), len(items) - len(kept))


def _items(labels: Judgements) -> Sequence[GoldenItem]:
    return [
        GoldenItem(query, query, evidence=tuple(Evidence(document, grade=grade) for document, grade in row.items()))
        for query, row in labels.to_dict().items()
    ]
