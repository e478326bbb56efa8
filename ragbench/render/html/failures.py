"""The failures that the page shows first: queries with the lowest scores, the largest losses, and single finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from ragbench.golden.overlap import overlaps
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.rankings import NOT_JUDGED, Packed
from ragbench.render.html.sections import merit, ranked
from ragbench.render.numbers import fraction

SHOWN = 5
"""Queries of a list."""
LONGEST = 160
"""Most characters of a query in a list."""
TIE = 5e-5
Values = npt.NDArray[np.float64]


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
    direction = data.runs[0].scores.direction(data.metric)
    if direction == "none":
        return []
    reasons = _Reasons(data, packed)
    order = [reasons.names.index(name) for name in ranked(data)]
    values = np.array([run.scores.column(data.metric) for run in data.runs])
    gain = -values if direction == "lower" else values
    return [
        one
        for one in (
            _lowest(reasons, gain, values, order),
            _lost(reasons, gain, values, order),
            _only(reasons, values, order) if direction == "higher" else None,
        )
        if one is not None and one.rows
    ]


def _lowest(reasons: "_Reasons", gain: Values, values: Values, order: Sequence[int]) -> FailureList | None:
    best = order[0]
    known = np.flatnonzero(~np.isnan(gain[best]))
    # Of equal scores, those come first that are lowest for the other systems too.
    others = np.nan_to_num(gain[:, known]).mean(axis=0)
    picked = known[np.lexsort((known, others, gain[best][known]))]
    direction = reasons.data.runs[0].scores.direction(reasons.data.metric)
    failed = int((values[best] == 0).sum()) if direction == "higher" else len(known)
    if direction == "higher":
        picked = picked[gain[best][picked] < 1]
    name = reasons.names[best]
    rows = [reasons.row(row, fraction(float(values[best][row])), reasons.lowest(row, best)) for row in picked[:SHOWN]]
    title = f"Lowest scores of {name}"
    return FailureList(
        title, failed or len(picked), "failed-b" if failed else "all", tuple(rows), (_other(order), best)
    )


def _other(order: Sequence[int]) -> int:
    """Return the runner-up; the system itself if it is alone."""
    return order[min(1, len(order) - 1)]


def _lost(reasons: "_Reasons", gain: Values, values: Values, order: Sequence[int]) -> FailureList | None:
    if len(order) < 2:
        return None
    best, second = order[0], order[1]
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


def _only(reasons: "_Reasons", values: Values, order: Sequence[int]) -> FailureList | None:
    if len(order) < 2:
        return None
    found = values > 0
    picked = np.flatnonzero(found.sum(axis=0) == 1)
    owner = found.argmax(axis=0)
    size = values[owner, np.arange(values.shape[1])]
    picked = picked[np.lexsort((picked, -size[picked]))]
    rows = [reasons.row(row, fraction(float(size[row])), reasons.only(row, int(owner[row]))) for row in picked[:SHOWN]]
    return FailureList("Found by one system only", len(picked), "only-one", tuple(rows))


class _Reasons:
    """The reasons of queries, from their ranks, labels and texts."""

    def __init__(self, data: ReportData, packed: Packed) -> None:
        self.data, self.packed = data, packed
        self.names = [run.name for run in data.runs]
        self._starts: dict[str, npt.NDArray[np.int64]] = {}

    def row(self, row: np.int64 | int, value: str, reason: str) -> Failure:
        """Return the row of a list."""
        queries = self.data.runs[0].queries
        id_, text = queries.ids[int(row)], queries.texts[int(row)] or queries.ids[int(row)]
        shown = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        return Failure(id_, "#q=" + quote(id_.encode("utf-8", "replace"), safe=""), shown, value, reason)

    def lowest(self, row: int, arm: int) -> str:
        """Say what the system did with a query of a low score, and which system did better."""
        if error := self._error(row, arm):
            return error
        values = [float(run.scores.column(self.data.metric)[row]) for run in self.data.runs]
        better = [
            other for other in range(len(values))
            if self._merit(values[other]) > self._merit(values[arm]) + TIE
        ]  # fmt: skip
        best = max(better, key=lambda other: self._merit(values[other]), default=None)
        said = [self._rank(row, arm)]
        if best is None:
            said.append("no system does better" if len(values) > 1 else "")
        else:
            rank = self._first(row, best)
            said.append(
                f"{self.names[best]} has it at {rank}" if rank else f"{self.names[best]} has {fraction(values[best])}"
            )
        return self._joined(row, arm, said)

    def pair(self, row: int, arm: int, other: int) -> str:
        """Say at which ranks two systems have the first relevant item."""
        if error := self._error(row, arm):
            return error
        mine, theirs = self._first(row, arm), self._first(row, other)
        if mine is None or theirs is None:
            value = float(self.data.runs[other].scores.column(self.data.metric)[row])
            return f"{self.names[other]} has {fraction(value)}"
        if mine == theirs:
            return self._joined(row, arm, [f"first relevant at {mine} in both, the others lower"])
        return self._joined(row, arm, [self._rank(row, arm), f"{self.names[other]} has it at {theirs or 'none'}"])

    def only(self, row: int, arm: int) -> str:
        """Say which system alone finds something."""
        rank = self._first(row, arm)
        return f"only {self.names[arm]}" + (f", at rank {rank}" if rank else "")

    def _merit(self, value: float) -> float:
        return merit(self.data, None if np.isnan(value) else value)

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
        return f"nothing relevant in its {depth}" if depth else "it returned nothing"

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
        return f"the first {first} not judged" if first > 1 else "the first is not judged" if first else ""

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
        return "shares no word with the relevant text" if share == 0 else ""
