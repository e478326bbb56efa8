"""The queries with the largest gains and losses, with both rankings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ragbench.comparison.pairing import Pair
from ragbench.core.brief import brief
from ragbench.core.scored import ScoredRun
from ragbench.stats.paired_tests import TIE

SHOWN = 5


class Placed(NamedTuple):
    """One item of a ranking.

    Attributes:
        item: id of the item.
        label: its relevance label; None if it is not judged.
    """

    item: str
    label: int | None


@brief
@dataclass(frozen=True)
class Ranking:
    """The ranking of one system for a query.

    Attributes:
        name: name of the system.
        value: value of the metric.
        top: the first five items, best first; empty if there are no rankings.
        first_relevant: rank of the first relevant item; None if none was found.
        failure: why the query could not be answered, or None.
    """

    name: str
    value: float
    top: tuple[Placed, ...]
    first_relevant: int | None
    failure: str | None


@brief
@dataclass(frozen=True)
class Example:
    """A query on which two systems differ.

    Attributes:
        query_id, text, type: the query.
        difference: candidate minus baseline.
        relevant: label by id of every relevant item, as the baseline was judged.
        baseline, candidate: the ranking of each.
    """

    query_id: str
    text: str
    type: str
    difference: float
    relevant: Mapping[str, int]
    baseline: Ranking
    candidate: Ranking


@brief
@dataclass(frozen=True)
class Examples:
    """The largest gains and losses of a pair, largest first and then by query id."""

    baseline: str
    candidate: str
    metric: str
    gains: tuple[Example, ...]
    losses: tuple[Example, ...]


def examples(pair: Pair, metric: str, count: int) -> Examples:
    """Find up to ``count`` gains and as many losses."""
    before, after = pair.values(metric)
    difference = after - before
    ids = pair.queries.ids
    rows = [row for row in range(len(ids)) if abs(difference[row]) >= TIE]
    gains = sorted((row for row in rows if difference[row] > 0), key=lambda row: (-difference[row], ids[row]))
    losses = sorted((row for row in rows if difference[row] < 0), key=lambda row: (difference[row], ids[row]))
    labels = [_labels(run, {ids[row] for row in (*gains[:count], *losses[:count])}) for run in _both(pair)]

    def example(row: int) -> Example:
        id_ = ids[row]
        mine, other = (known.get(id_, {}) for known in labels)
        return Example(
            id_,
            pair.queries.texts[row],
            pair.queries.types[row],
            float(difference[row]),
            {item: label for item, label in sorted(mine.items()) if label > 0},
            _ranking(pair.baseline, row, float(before[row]), mine),
            _ranking(pair.candidate, row, float(after[row]), other),
        )

    return Examples(
        pair.baseline.name,
        pair.candidate.name,
        metric,
        tuple(example(row) for row in gains[:count]),
        tuple(example(row) for row in losses[:count]),
    )


def _both(pair: Pair) -> tuple[ScoredRun, ScoredRun]:
    return pair.baseline, pair.candidate


def _labels(run: ScoredRun, wanted: set[str]) -> dict[str, dict[str, int]]:
    """Return label by item for the wanted queries."""
    judged = run.judgements
    if judged is None:
        return {}
    found = {}
    for row in np.flatnonzero([id_ in wanted for id_ in judged.query_ids]).tolist():
        part = slice(int(judged.offsets[row]), int(judged.offsets[row + 1]))
        names = [judged.item_ids[item] for item in judged.items[part]]
        found[judged.query_ids[row]] = dict(zip(names, judged.labels[part].tolist(), strict=True))
    return found


def _ranking(run: ScoredRun, row: int, value: float, labels: Mapping[str, int]) -> Ranking:
    if run.run is None:
        return Ranking(run.name, value, (), None, None)
    items = [item for item, _ in run.run.ranking(row)]
    first = next((rank for rank, item in enumerate(items, 1) if labels.get(item, 0) > 0), None)
    top = tuple(Placed(item, labels.get(item)) for item in items[:SHOWN])
    return Ranking(run.name, value, top, first, run.run.failures.get(run.queries.ids[row]))
