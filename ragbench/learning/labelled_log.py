"""A search log with graded labels, also as a golden set."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.search_log import SearchLog
from ragbench.golden.query_types import query_type
from ragbench.golden.seeds import distinct_queries
from ragbench.learning.interactions import interactions
from ragbench.learning.log_labels import UNKNOWN, LabelRules, LogLabels, label
from ragbench.learning.propensities import Method, Propensities, propensities, share_moved


@brief
@dataclass(frozen=True, eq=False)
class LabelledLog:
    """A log with its labels.

    Attributes:
        log: name of the log.
        searches: searches in the log.
        rows: results that were shown in them.
        labels: the labels of pairs of query and document.
        bias: the position bias.
        moved: share of results whose document also stood at another position for the same query.
        rules: how counts became grades.
        golden: the queries with a relevant document, as a golden set.
        ledger: what was skipped, with its line.
    """

    log: str
    searches: int
    rows: int
    labels: LogLabels
    bias: Propensities
    moved: float
    rules: LabelRules
    golden: GoldenSet
    ledger: Ledger


def label_log(
    log: SearchLog, *, method: Method = "auto", rules: LabelRules | None = None, seed: int = 0,
    now: datetime | None = None,
) -> LabelledLog:  # fmt: skip
    """Estimate the position bias of a log and grade its documents.

    Searches with personal data are skipped, and spellings of one query are joined, as `ragbench.golden.seeds` does.

    Args:
        log: the searches, with results and events.
        method: how the position bias is estimated.
        rules: how counts become grades.
        seed: of the bootstrap.
        now: the present moment, in UTC without a zone; the clock's if None.

    Raises:
        InputError: the log does not have what labels need, or no query has a relevant document.
    """
    rules = rules or LabelRules()
    distinct = distinct_queries(log)
    found = interactions(log, distinct.of_search, now or datetime.now(UTC).replace(tzinfo=None))
    bias = propensities(found, method, rng=generator(seed, "labels", "propensities"))
    labels = label(found, bias, rules)
    golden, without = _golden(log, labels)
    ledger = log.ledger + distinct.ledger + found.ledger + without
    return LabelledLog(log.name, len(log), len(found), labels, bias, share_moved(found), rules, golden, ledger)


def query_id(text: str) -> str:
    """The id of a query of a log. It depends on the text alone, so it stays when the log grows."""
    return f"log-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _golden(log: SearchLog, labels: LogLabels) -> tuple[GoldenSet, list[LedgerEntry]]:
    """The queries that have a relevant document, each document with its grade, the best first."""
    order = np.lexsort((-labels.value, -labels.grade, labels.query))
    order = order[labels.grade[order] > UNKNOWN]
    starts = np.searchsorted(labels.query[order], np.arange(len(labels.queries) + 1))
    clicks = np.bincount(labels.query, weights=labels.events[:, 0]).astype(int).tolist()
    items, without = [], []
    for query, text in enumerate(labels.queries):
        rows = order[starts[query] : starts[query + 1]]
        if not (labels.grade[rows] > 0).any():
            reason = "no document has enough events to be relevant"
            without.append(LedgerEntry("labels", repr(text), reason, "no-positive"))
            continue
        evidence = tuple(
            Evidence(labels.items[item], grade=grade)
            for item, grade in zip(labels.item[rows].tolist(), labels.grade[rows].tolist(), strict=True)
        )
        metadata = {"clicks": clicks[query], "labels": log.name}
        items.append(GoldenItem(query_id(text), text, query_type(text), evidence=evidence, metadata=metadata))
    if not items:
        raise InputError(
            f"{log.name}: no query has a document with enough events to be relevant. Use a longer log, or lower the "
            "evidence that a label needs (--min-sessions, --min-looks)"
        )
    return GoldenSet(tuple(items), log.name), without
