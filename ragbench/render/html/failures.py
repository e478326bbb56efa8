"""The failures that the page shows first: the lowest scores, the largest losses, and what only one system finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import cut
from ragbench.golden.overlap import overlaps
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.rankings import NOT_JUDGED, Packed
from ragbench.render.html.sections import ranked
from ragbench.render.numbers import counted, fraction

SHOWN = 5
"""Queries of a list."""
LONGEST = 160
"""Most characters of a query in a list."""
TIE = 5e-5


@dataclass(frozen=True)
class Failure:
    """A query.

    Attributes:
        id: of the query.
        link: address of the query in the page.
        text: its text, shortened, or its id.
        value: its value or loss, as text.
        reason: why it is in the list, one line.
    """

    id: str
    link: str
    text: str
    value: str
    reason: str


@dataclass(frozen=True)
class FailureList:
    """A list of queries.

    Attributes:
        title: what they have in common.
        count: how many there are in all.
        chip: the filter of the grid that shows them all.
        rows: the first of them.
        pair: places of the systems A and B of that filter; none if it needs no pair.
    """

    title: str
    count: int
    chip: str
    rows: tuple[Failure, ...]
    pair: tuple[int, int] | None = None


def failure_lists(data: ReportData, packed: Packed) -> list[FailureList]:
    """Return the lists that have queries; none for a metric without direction.

    Args:
        data: content of the page.
        packed: its rankings.
    """
    reasons = _Reasons(data, packed)
    if reasons.direction == "none":
        return []
    order = [reasons.names.index(name) for name in ranked(data)]
    found = [_lowest(reasons, order)]
    if len(order) > 1:
        found.append(_lost(reasons, order))
        if reasons.direction == "higher":
            found.append(_only(reasons))
    return [one for one in found if one.rows]


def _lowest(reasons: "_Reasons", order: Sequence[int]) -> FailureList:
    values, gain = reasons.values, reasons.gain
    best, second = (*order, *order)[:2]
    known = np.flatnonzero(~np.isnan(gain[best]))
    # Of equal scores, those come first that are lowest for the other systems too.
    others = np.nan_to_num(gain[:, known]).mean(axis=0)
    picked = known[np.lexsort((known, others, gain[best][known]))]
    failed = 0
    if reasons.direction == "higher":
        failed = int((values[best] == 0).sum())
        picked = picked[values[best][picked] < 1]
    rows = [reasons.row(row, fraction(float(values[best][row])), reasons.lowest(row, best)) for row in picked[:SHOWN]]
    chip = "all" if not failed else "failed-b" if len(order) > 1 else "failed"
    title = f"{'Highest' if reasons.direction == 'lower' else 'Lowest'} scores of {reasons.names[best]}"
    return FailureList(title, failed or values.shape[1], chip, tuple(rows), (second, best))


def _lost(reasons: "_Reasons", order: Sequence[int]) -> FailureList:
    values, gain = reasons.values, reasons.gain
    best, second = order[:2]
    loss = np.nan_to_num(gain[second] - gain[best])
    picked = np.flatnonzero(loss > TIE)
    picked = picked[np.lexsort((picked, -loss[picked]))]
    title = f"{reasons.names[best]} loses most to {reasons.names[second]}"
    rows = [
        reasons.row(
            row, fraction(float(values[best][row] - values[second][row]), signed=True), reasons.pair(row, best, second)
        )
        for row in picked[:SHOWN]
    ]
    return FailureList(title, len(picked), "a-better", tuple(rows), (second, best))


def _only(reasons: "_Reasons") -> FailureList:
    values = reasons.values
    found = values > 0
    picked = np.flatnonzero(found.sum(axis=0) == 1)
    owner = found.argmax(axis=0)
    size = values[owner, np.arange(values.shape[1])]
    picked = picked[np.lexsort((picked, -size[picked]))]
    rows = [reasons.row(row, fraction(float(size[row])), reasons.only(row, int(owner[row]))) for row in picked[:SHOWN]]
    return FailureList("Found by one system only", len(picked), "only-one", tuple(rows))


class _Reasons:
    """The values of all systems, and the reasons for them: ranks, labels and texts.

    Attributes:
        values: (systems, queries) values of the metric.
        gain: the same, negated for a metric whose lower values are better.
    """

    def __init__(self, data: ReportData, packed: Packed) -> None:
        self.data, self.packed = data, packed
        self.direction = data.runs[0].scores.direction(data.metric)
        self.values = np.array([run.scores.column(data.metric) for run in data.runs])
        self.gain = -self.values if self.direction == "lower" else self.values
        self.names = [run.name for run in data.runs]
        self._starts: dict[str, npt.NDArray[np.int64]] = {}

    def row(self, row: np.int64 | int, value: str, reason: str) -> Failure:
        """Return the row of a list."""
        queries = self.data.runs[0].queries
        id_, text = queries.ids[int(row)], queries.texts[int(row)] or queries.ids[int(row)]
        return Failure(id_, "#q=" + quote(id_.encode("utf-8", "replace"), safe=""), cut(text, LONGEST), value, reason)

    def lowest(self, row: int, arm: int) -> str:
        """Say what the system did with a query of a low score, and which system did better."""
        if error := self._error(row, arm):
            return error
        gain = np.nan_to_num(self.gain[:, row], nan=-np.inf)
        best = int(gain.argmax())
        if gain[best] > gain[arm] + TIE:
            other = self._found(row, best)
        else:
            other = "no system does better" if len(self.names) > 1 else ""
        return self._joined(row, arm, [self._rank(row, arm), other])

    def pair(self, row: int, arm: int, other: int) -> str:
        """Say at which ranks two systems have the first relevant item."""
        if error := self._error(row, arm):
            return error
        mine = self._first(row, arm)
        if mine and mine == self._first(row, other):
            return self._joined(row, arm, [f"both have the first relevant item at rank {mine} and differ below it"])
        return self._joined(row, arm, [self._rank(row, arm), self._found(row, other)])

    def only(self, row: int, arm: int) -> str:
        """Say which system alone finds something."""
        rank = self._first(row, arm)
        return f"only {self.names[arm]}" + (f", at rank {rank}" if rank else "")

    def _found(self, row: int, arm: int) -> str:
        """Say where a system that does better has the first relevant item, or its value."""
        rank = self._first(row, arm)
        return f"{self.names[arm]} has " + (f"it at rank {rank}" if rank else fraction(float(self.values[arm][row])))

    def _joined(self, row: int, arm: int, said: list[str]) -> str:
        return "; ".join(part for part in (*said, self._words(row), self._unjudged(row, arm)) if part)

    def _error(self, row: int, arm: int) -> str:
        run = self.data.runs[arm].run
        reason = run.failures.get(self.data.runs[arm].queries.ids[row]) if run is not None else None
        return f"failed: {reason}" if reason else ""

    def _first(self, row: int, arm: int) -> int | None:
        """Return the rank of the first relevant item; 0 if there is none, None without rankings."""
        found = self.packed.arrays.get(f"first:{arm}")
        return None if found is None else int(found[row])

    def _rank(self, row: int, arm: int) -> str:
        rank = self._first(row, arm)
        if rank is None:
            return ""
        if rank:
            return f"first relevant at rank {rank}"
        run = self.data.runs[arm].run
        depth = int(run.lengths[row]) if run is not None else 0
        return f"nothing relevant in its {counted(depth, 'item')}" if depth else "it returned nothing"

    def _at(self, name: str, row: int) -> slice:
        """Return the rows of a query in a column that holds all queries."""
        if name not in self._starts:
            counts = self.packed.arrays[name].astype(np.int64)
            self._starts[name] = np.concatenate(([0], np.cumsum(counts)))
        return slice(int(self._starts[name][row]), int(self._starts[name][row + 1]))

    def _unjudged(self, row: int, arm: int) -> str:
        """Say how many of the first items have no label."""
        if f"label:{arm}" not in self.packed.arrays:
            return ""
        labels = self.packed.arrays[f"label:{arm}"][self._at(f"count:{arm}", row)]
        judged = np.flatnonzero(labels != NOT_JUDGED)
        first = int(judged[0]) if len(judged) else len(labels)
        return (
            f"its first {first} items are not judged" if first > 1 else "its first item is not judged" if first else ""
        )

    def _words(self, row: int) -> str:
        """Say whether the query shares no word with its relevant items, as far as their texts are there."""
        group = next((group for group in self.packed.group if group >= 0), None)
        if group is None:
            return ""
        arm = self.packed.group.index(group)
        indexed = self.data.texts.indexed.get(self.names[arm])
        run = self.data.runs[arm].run
        if indexed is None or run is None:
            return ""
        rows = self.packed.arrays[f"relevant_item:{group}"][self._at(f"relevant_count:{group}", row)]
        texts = []
        for id_ in (self.packed.items.ids[item] for item in rows.tolist()):
            if run.unit == "chunk":
                at = indexed.chunks.row.get(id_)
                texts += [indexed.chunks[at].text] if at is not None else []
            elif (document := indexed.corpus.by_id.get(id_)) is not None:
                texts.append(document.text)
        asked = self.data.runs[0].queries.texts[row]
        if not texts or not asked:
            return ""
        share = np.nanmax(np.nan_to_num(overlaps([asked] * len(texts), texts), nan=1.0))
        return "no word in common with the relevant text" if share == 0 else ""
