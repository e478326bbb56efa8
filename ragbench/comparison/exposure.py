"""Exposure of groups of items, such as the categories of a catalogue, against their share of what is relevant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

import numpy as np
import numpy.typing as npt

from ragbench.core.attributes import Value, relevant_items
from ragbench.core.errors import InputError
from ragbench.core.scored import ScoredRun
from ragbench.core.spelling import given
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import t_interval

Array = npt.NDArray[np.float64]
DEPTH = 10
"""Ranks that count, unless another number is given."""
NONE, OTHERS = "(none)", "(others)"
"""The group of items without a value, and that of the rarest values if there are more than `MOST`."""
MOST = 200
"""Values that are groups of their own, so that the figures of all queries fit in memory."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class GroupExposure:
    """One group of items.

    Attributes:
        label: value of the attribute.
        relevant: mean over the queries of the share of the relevant items that are in the group.
        exposure: mean over the queries of the share of the exposure that the group gets.
        gap: exposure minus relevant.
        low, high: ends of the interval of the gap, which holds for all groups together; None with fewer than two
            independent queries or documents.
    """

    label: str
    relevant: float
    exposure: float
    gap: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Exposure:
    """The exposure that a system gives to each group.

    Attributes:
        system: name of the system.
        by: name of the attribute.
        depth: ranks that count.
        groups: by share of the relevant items, largest first.
        queries: queries that count: those with a relevant item and a ranking.
        clusters: independent units among them.
        skipped: other queries.
    """

    system: str
    by: str
    depth: int
    groups: tuple[GroupExposure, ...]
    queries: int
    clusters: int
    skipped: int

    @property
    def largest(self) -> GroupExposure:
        """The group with the largest gap, in either direction."""
        return max(self.groups, key=lambda group: abs(group.gap))


@dataclass(frozen=True)
class Gaps:
    """Exposure and relevance by query.

    Attributes:
        labels: the c groups, sorted; `OTHERS` and `NONE` are last.
        exposure: (q, c) share of the exposure in each group.
        relevant: (q, c) share of the relevant items in each group.
        clusters: (q,) resampling unit of each query.
        skipped: queries without a relevant item or without a ranking.
    """

    labels: tuple[str, ...]
    exposure: Array
    relevant: Array
    clusters: npt.NDArray[np.int64]
    skipped: int


def gaps(system: ScoredRun, by: str, depth: int = DEPTH) -> Gaps:
    """Compute the share of exposure and of relevant items that each group has in each query.

    An item at rank j has the exposure ``1 / log2(1 + j)``, and none below ``depth``.

    Args:
        system: a system with rankings, labels and the attribute.
        by: name of the attribute, whose values are texts.
        depth: ranks that count.

    Raises:
        InputError: the system lacks rankings or the attribute, the values are numbers, or no query counts.

    Source: Singh and Joachims 2018, KDD, for exposure against merit; Järvelin and Kekäläinen 2002 for the discount.
    """
    values = _values(system, by)
    run, judgements = system.run, system.judgements
    assert run is not None
    assert judgements is not None
    relevant = relevant_items(judgements)
    frequent = Counter(str(values[item]) for items in relevant for item in items if item in values)
    frequent.update(dict.fromkeys((str(value) for value in values.values()), 0))
    labels = sorted(label for label, _ in frequent.most_common(MOST))
    at = {label: place for place, label in enumerate(labels)}
    labels += [OTHERS, NONE]

    def group(item: str) -> int:
        return at.get(str(values[item]), len(labels) - 2) if item in values else len(labels) - 1

    codes = np.array([group(item) for item in run.item_ids], dtype=np.int64)
    shown, wanted = (np.zeros((len(system.queries), len(labels))) for _ in range(2))
    discount = np.array([1 / log2(1 + rank) for rank in range(1, depth + 1)])
    place = {id_: row for row, id_ in enumerate(judgements.query_ids)}
    for row, id_ in enumerate(system.queries.ids):
        items = run.items[run.offsets[row] : run.offsets[row + 1]][:depth]
        np.add.at(shown[row], codes[items], discount[: len(items)])
        for item in relevant[place[id_]] if id_ in place else ():
            wanted[row, group(item)] += 1
    kept = np.flatnonzero((shown.sum(axis=1) > 0) & (wanted.sum(axis=1) > 0))
    if not len(kept):
        raise InputError(f"{system.name}: no query has both a ranking and a relevant item, so nothing has exposure")
    shown, wanted = (part[kept] / part[kept].sum(axis=1, keepdims=True) for part in (shown, wanted))
    used = np.flatnonzero((shown.sum(axis=0) > 0) | (wanted.sum(axis=0) > 0))
    return Gaps(
        tuple(labels[column] for column in used.tolist()),
        shown[:, used],
        wanted[:, used],
        cluster_index([system.queries.units[row] for row in kept.tolist()]),
        len(system.queries) - len(kept),
    )


def _values(system: ScoredRun, by: str) -> Mapping[str, Value]:
    shown = given("by", by)
    if system.run is None or system.judgements is None:
        raise InputError(f"{shown}: {system.name} has no rankings, so its items have no exposure")
    if by not in system.attributes:
        raise InputError(
            f"{shown}: the items of {system.name} have no such attribute; evaluate with {given('by', by)}, which takes "
            "a column of the corpus"
        )
    values = system.attributes[by]
    if values and all(isinstance(value, float) for value in values.values()):
        raise InputError(f"{shown}: its values are numbers, and exposure is of groups; name a column of texts")
    return values


def exposure(system: ScoredRun, by: str, depth: int = DEPTH) -> Exposure:
    """Compare the exposure of each group with its share of the relevant items.

    Intervals are t intervals of the mean gap over the queries, with the clustered error, at a confidence of 95% for all
    groups together (Bonferroni).

    Args:
        system: a system with rankings, labels and the attribute.
        by: name of the attribute, whose values are texts.
        depth: ranks that count.

    Raises:
        InputError: as `gaps`.
    """
    found = gaps(system, by, depth)
    differences = found.exposure - found.relevant
    low, high = t_interval(differences, found.clusters, confidence=1 - (1 - CONFIDENCE) / len(found.labels))
    groups = [
        GroupExposure(
            label,
            float(found.relevant[:, column].mean()),
            float(found.exposure[:, column].mean()),
            float(differences[:, column].mean()),
            None if np.isnan(low[column]) else float(low[column]),
            None if np.isnan(high[column]) else float(high[column]),
        )
        for column, label in enumerate(found.labels)
    ]
    groups.sort(key=lambda group: (-group.relevant, group.label))
    return Exposure(
        system.name, by, depth, tuple(groups), len(differences), int(found.clusters.max()) + 1, found.skipped
    )
