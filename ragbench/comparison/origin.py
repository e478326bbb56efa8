"""Where a difference comes from: items newly found or lost, or the same items ranked otherwise.

Every query falls into one class, by how much of what is relevant each system
has within the cut of the metric. The sum of a class's differences over the
number of all queries is what it adds, and the classes add up to the mean
difference exactly.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.core.errors import SettingError
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse
from ragbench.metrics.ranked import look_through
from ragbench.stats.ranks import TIE

ClassName = Literal["found", "lost", "more", "fewer", "higher", "lower", "same", "missed"]
CLASSES: tuple[ClassName, ...] = ("found", "lost", "more", "fewer", "higher", "lower", "same", "missed")
FOUND_OTHERWISE: tuple[ClassName, ...] = ("found", "lost", "more", "fewer")
"""Classes where the systems do not find equally much; the rest is ranking."""


class Part(NamedTuple):
    """One class of queries.

    Attributes:
        name: ``found``: the baseline has nothing relevant within the cut, the candidate
            has; ``lost``: the other way round; ``more``, ``fewer``: both have some, the
            candidate more or fewer; ``higher``, ``lower``: equally many, and the value went
            up or down; ``same``: equally many and the same value; ``missed``: neither has any.
        queries: how many.
        adds: to the mean difference.
    """

    name: ClassName
    queries: int
    adds: float


@dataclass(frozen=True)
class Origin:
    """Where the mean difference of a pair comes from.

    Attributes:
        baseline, candidate: names.
        metric: its name.
        cut: rank up to which items count; None for the whole ranking.
        parts: every class, in the order of `CLASSES`.
        finding: what the classes of `FOUND_OTHERWISE` add together.
        ranking: what the others add.
        baseline_items, candidate_items: relevant items within the cut, over all queries.
        baseline_relevant, candidate_relevant: how many there are to be found; they differ with the chunking.
        never: queries with something relevant where neither retrieves any of it, however deep.
        depth: of the deepest ranking.
    """

    baseline: str
    candidate: str
    metric: str
    cut: int | None
    parts: tuple[Part, ...]
    finding: float
    ranking: float
    baseline_items: int
    candidate_items: int
    baseline_relevant: int
    candidate_relevant: int
    never: int
    depth: int


def origin(pair: Pair, metric: str) -> Origin | None:
    """Where the difference comes from; None where rankings or labels are missing, or the metric is none of rankings."""
    if any(run.run is None or run.judgements is None for run in (pair.baseline, pair.candidate)):
        return None
    try:
        parsed = parse(metric)
    except SettingError:
        return None
    cut, level = getattr(parsed, "k", None), getattr(parsed, "level", 1)
    before, after = pair.values(metric)
    rows = np.flatnonzero(~np.isnan(after - before))
    if not len(rows):
        return None
    mine, other = _Found.of(pair.baseline, rows, cut, level), _Found.of(pair.candidate, rows, cut, level)
    difference = (after - before)[rows]
    parts = _parts(mine, other, difference)
    finding = sum(part.adds for part in parts if part.name in FOUND_OTHERWISE)
    return Origin(
        pair.baseline.name,
        pair.candidate.name,
        metric,
        cut,
        parts,
        finding,
        float(difference.mean()) - finding,
        int(mine.within.sum()),
        int(other.within.sum()),
        int(mine.total.sum()),
        int(other.total.sum()),
        int(((mine.anywhere == 0) & (other.anywhere == 0) & (mine.total + other.total > 0)).sum()),
        max(mine.depth, other.depth),
    )


class _Found(NamedTuple):
    """(n,) relevant items per query: within the cut, anywhere in the ranking, and in all."""

    within: npt.NDArray[np.int64]
    anywhere: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    depth: int

    @classmethod
    def of(cls, run: ScoredRun, rows: npt.NDArray[np.int64], cut: int | None, level: int) -> "_Found":
        assert run.run is not None
        assert run.judgements is not None
        relevant = look_through(run.run, run.judgements, ties=False).relevant(level)
        at = {id_: i for i, id_ in enumerate(run.judgements.query_ids)}
        order = np.array([at[run.queries.ids[row]] for row in rows.tolist()], dtype=np.int64)
        depth = int(run.run.lengths.max(initial=0))
        anywhere = relevant.found(max(depth, 1))
        within = anywhere if cut is None else relevant.found(cut)
        return cls(within[order], anywhere[order], relevant.total[order], depth)


def _parts(mine: _Found, other: _Found, difference: npt.NDArray[np.float64]) -> tuple[Part, ...]:
    """Shares of what is relevant are compared, for the labels of another chunking may be more or fewer."""
    one, two = mine.within * np.maximum(other.total, 1), other.within * np.maximum(mine.total, 1)
    alike, some = one == two, (mine.within > 0) & (other.within > 0)
    inside: dict[ClassName, npt.NDArray[np.bool_]] = {
        "found": (one == 0) & (two > 0),
        "lost": (one > 0) & (two == 0),
        "more": some & (two > one),
        "fewer": some & (two < one),
        "higher": some & alike & (difference >= TIE),
        "lower": some & alike & (difference <= -TIE),
        "same": some & alike & (np.abs(difference) < TIE),
        "missed": (one == 0) & (two == 0),
    }
    n = len(difference)
    return tuple(Part(name, int(inside[name].sum()), float(difference[inside[name]].sum()) / n) for name in CLASSES)
