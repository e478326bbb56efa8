"""A system that was scored on a golden set: the input of comparisons and gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, means_shown, numbered
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scores import Scores
from ragbench.core.shown import Shown

TURN = "turn"
"""Column with the turn of each query in its conversation, from 1."""
MEDIAN, COST = "p50", "cost_per_query"
"""Names of the intervals of a `ScoredRun`."""
NOT_ASKED = frozenset({"not-applicable", "no-reference", "no-evidence", "no-golden"})
"""Reasons for a missing value that lie in the query, not in the answer or the judge. They do not widen the bounds."""


@brief
@dataclass(frozen=True, eq=False)
class QueryTable:
    """The queries of a golden set and their properties, as columns of length q.

    Attributes:
        ids: unique.
        texts: texts of the queries.
        types: kinds of queries, or empty.
        units: resampling units (`GoldenItem.unit`).
        columns: other properties to slice by (language, document, metadata); None if a query lacks one.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    types: Sequence[str]
    units: Sequence[str]
    columns: Mapping[str, Sequence[str | float | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, golden: GoldenSet) -> "QueryTable":
        """Build the table of a golden set, with metadata that are text, numbers or booleans, and the turn of queries in
        conversations.
        """
        names = sorted({name for item in golden for name, value in item.metadata.items() if _is_plain(value)})
        columns: dict[str, Sequence[str | float | None]] = {
            name: [_cell(item.metadata.get(name)) for item in golden] for name in names
        }
        if any(item.history for item in golden) and TURN not in columns:
            columns[TURN] = [item.turn for item in golden]
        documents = [item.source or _document(item.unit) for item in golden]
        if any(documents):
            columns["document"] = documents
        return cls(
            [item.id for item in golden],
            [item.text for item in golden],
            [item.type for item in golden],
            [item.unit for item in golden],
            columns,
        )

    @classmethod
    def of_labels(cls, judgements: Judgements, texts: Mapping[str, str] | None = None) -> "QueryTable":
        """Build the table of labelled queries. Their units are those of `GoldenItem.unit`.

        Args:
            judgements: the labels.
            texts: text by query id, as far as they are known.
        """
        ids, n = list(judgements.query_ids), len(judgements)
        best = np.zeros(n, dtype=judgements.labels.dtype)
        np.maximum.at(best, judgements.query_index, judgements.labels)
        rows = np.flatnonzero((judgements.labels == best[judgements.query_index]) & (judgements.labels > 0))
        query = judgements.query_index[rows]
        alone = np.bincount(query, minlength=n)[query] == 1
        documents: list[str | None] = [None] * n
        for at, item in zip(query[alone].tolist(), judgements.items[rows[alone]].tolist(), strict=True):
            documents[at] = judgements.item_ids[item]
        units = [f"query:{id_}" if own is None else f"document:{own}" for id_, own in zip(ids, documents, strict=True)]
        columns = {"document": documents} if any(documents) else {}
        return cls(ids, [(texts or {}).get(id_, "") for id_ in ids], [""] * n, units, columns)

    def select(self, rows: npt.NDArray[np.int64]) -> "QueryTable":
        """Select rows, in this order."""
        at = rows.tolist()
        return QueryTable(
            [self.ids[i] for i in at],
            [self.texts[i] for i in at],
            [self.types[i] for i in at],
            [self.units[i] for i in at],
            {name: [column[i] for i in at] for name, column in self.columns.items()},
        )


@brief
@dataclass(frozen=True, eq=False)
class ScoredRun(Shown):
    """One system's scores on a golden set, whether measured now or read from a folder.

    Attributes:
        name: name of the system, unique within a comparison.
        scores: scores per query; empty if the system did not run.
        queries: the queries of ``scores``, in its order.
        run: the rankings, if available.
        judgements: the labels they were scored with, if available.
        latency_ms: percentiles of single queries: ``p50``, ``p95``, ``p99``; empty where none were timed.
        cost_per_query: cost in the currency of the price table; None if nothing was paid or the price is unknown.
        failed: queries that could not be answered; they score 0.
        error: why it did not run, or None.
        manifest: fingerprints of golden set, chunks and judgements; settings and versions.
        intervals: ends of known 95% intervals by name: the median latency (`MEDIAN`) and the cost per query (`COST`).
        query_ms: milliseconds of each timed query, by its id; empty where they were not recorded.
        parts_ms: the same percentiles for the parts of the time of an answer that were measured: ``retrieval``,
            ``ttft`` (up to the first token) and ``total``.
        attributes: values of the items of rankings and labels by name of the attribute (`ragbench.core.attributes`),
            for the attributes that the evaluation was asked for.

    Examples:
        >>> without, stemmed = rb.load_run("reports/example")
        >>> stemmed.name, len(stemmed.queries)
        ('bm25', 198)
        >>> round(stemmed.scores.means()["ndcg@10"], 3)
        0.661
    """

    name: str
    scores: Scores
    queries: QueryTable
    run: Run | None = None
    judgements: Judgements | None = None
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    cost_per_query: float | None = None
    failed: int = 0
    error: str | None = None
    manifest: Mapping[str, object] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    query_ms: Mapping[str, float] = field(default_factory=dict)
    parts_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)

    @property
    def ties(self) -> Literal["trec", "expected"]:
        """How equal scores were scored."""
        settings = self.manifest.get("settings")
        return "expected" if isinstance(settings, Mapping) and settings.get("ties") == "expected" else "trec"

    @property
    def average(self) -> Literal["queries", "documents"]:
        """The unit of the means in its evaluation."""
        settings = self.manifest.get("settings")
        by_document = isinstance(settings, Mapping) and settings.get("average") == "documents"
        return "documents" if by_document else "queries"

    def _brief(self) -> str:
        if self.error is not None:
            return f"{self.name!r}, did not run: {self.error}"
        return f"{self.name!r}, {numbered(len(self.queries), 'query')}; {means_shown(self.scores.means())}"

    def select(self, rows: npt.NDArray[np.int64]) -> "ScoredRun":
        """Select rows of the queries, in this order."""
        queries = self.queries.select(rows)
        wanted = set(queries.ids)
        ledger = type(self.scores.ledger)(tuple(e for e in self.scores.ledger.entries if e.item in wanted))
        scores = replace(self.scores.select(rows), ledger=ledger)
        run = None if self.run is None else self.run.select(queries.ids)
        failed = self.failed if run is None else len(run.failures)
        return replace(self, scores=scores, queries=queries, run=run, failed=failed)


def known_intervals(ends: Mapping[str, Sequence[float | None]]) -> dict[str, tuple[float, float]]:
    """Return the intervals with two known ends."""
    return {name: (low, high) for name, (low, high) in ends.items() if low is not None and high is not None}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _cell(value: object) -> str | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | int | float) else None


def _document(unit: str) -> str | None:
    kind, _, name = unit.partition(":")
    return name if kind == "document" else None
