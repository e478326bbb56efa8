"""Holes: items at the top of a ranking without a label, and how much their labels could change each metric."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements
from ragbench.core.options import named
from ragbench.core.runs import Run
from ragbench.core.scores import Scores
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ints, Ranked, look_through
from ragbench.metrics.score import metric_values

WORTH_A_NOTE = 0.05
"""Below this share of the items at the top, holes are not worth a note."""
STEPS = 20
"""Most numbers of relevant holes that are tried for a query."""


@dataclass(frozen=True, eq=False)
class HoleBounds:
    """What the labels of holes could change in one metric.

    Attributes:
        share: share of the items within the cut-off that have no label.
        lowest, highest: (q,) least and largest value of each query; NaN where the metric is undefined now.
    """

    share: float
    lowest: Floats
    highest: Floats


def hole_bounds(run: Run, judgements: Judgements, metrics: Sequence[Metric]) -> dict[str, HoleBounds]:
    """Bound every metric over the labels that the holes of a run may have: 0, or the highest label of all judgements.

    A hole is an item within the cut-off of the metric (anywhere in the ranking, if there is none) without a label.
    Given how many holes of a query are relevant, the value is largest if these are the first ones and least if they are
    the last ones, because no metric falls if a relevant item moves up. More relevant holes do not always mean a larger
    value: they also count in recall, in average precision and in the ideal ranking of nDCG. So every number of relevant
    holes is tried, or `STEPS` + 1 equally spaced ones if a query has more. Items below the cut-off and items that were
    not retrieved count as not relevant, as they do in the metric.

    Args:
        run: the rankings.
        judgements: the labels.
        metrics: the metrics. Those that need labels by intent are skipped, and those that only describe, as judged@k.

    Returns:
        The bounds by the metric's written form.

    Examples:
        The item "b" has no label. If it is relevant, two of the first two items are.

        >>> from ragbench.metrics.parse import parse_all
        >>> run = Run.from_dict({"q": {"a": 2.0, "b": 1.0}})
        >>> bounds = hole_bounds(run, Judgements.from_dict({"q": {"a": 1}}), parse_all("p@2"))["p@2"]
        >>> bounds.share, bounds.lowest.tolist(), bounds.highest.tolist()
        (0.5, [0.5], [1.0])
    """
    found: dict[str, HoleBounds] = {}
    by_cut: dict[int | None, list[Metric]] = {}
    for metric in metrics:
        if not metric.by_intent and metric.direction != "none":
            by_cut.setdefault(getattr(metric, "k", None), []).append(metric)
    if not by_cut:
        return found
    ranked = look_through(run, judgements, ties=False)
    for cut, own in by_cut.items():
        filled = _Filled.of(ranked, cut)
        now = np.array([metric_values(metric, ranked) for metric in own])
        lowest, highest = now.copy(), now.copy()
        for variant in filled.variants():
            values = np.array([metric_values(metric, variant) for metric in own])
            np.fmin(lowest, values, out=lowest)
            np.fmax(highest, values, out=highest)
        for metric, *ends in zip(own, now, lowest, highest, strict=True):
            low, high = (np.where(np.isnan(ends[0]), np.nan, end) for end in ends[1:])
            found[str(metric)] = HoleBounds(filled.share, low, high)
    return found


@dataclass(frozen=True, eq=False)
class _Filled:
    """Rankings whose holes have labels.

    Attributes:
        share: share of the items within the cut-off that are holes.
        ranked: the judged rows and the holes, which have the label 0.
        rows: (h,) rows of the holes in ``ranked``.
        place: (h,) place of each hole among those of its query, from 0.
        count: (h,) number of holes of its query.
        top: the highest label.
    """

    share: float
    ranked: Ranked
    rows: Ints
    place: Ints
    count: Ints
    top: int

    @classmethod
    def of(cls, ranked: Ranked, cut: int | None) -> "_Filled":
        labels, queries = ranked.judgements, len(ranked)
        depth = ranked.retrieved if cut is None else np.minimum(ranked.retrieved, cut)
        start = np.concatenate(([0], np.cumsum(depth)))
        open_ = np.ones(int(start[-1]), dtype=bool)
        within = np.flatnonzero(ranked.rank <= depth.take(ranked.query))
        open_[start.take(ranked.query.take(within)) + ranked.rank.take(within) - 1] = False
        at = np.flatnonzero(open_)
        query = np.repeat(np.arange(queries), depth).take(at)
        rank = at - start.take(query) + 1
        holes = np.bincount(query, minlength=queries)
        first = np.concatenate(([0], np.cumsum(holes)))
        # Holes are further judgements, behind those of their query.
        old = np.arange(len(labels.items)) + first.take(labels.query_index)
        new = np.arange(len(at)) + labels.offsets[1:].take(query)
        both = np.zeros(len(labels.items) + len(at), dtype=np.int32)
        items = both.copy()
        items[old], items[new] = labels.items, -1  # no metric looks at ids
        both[old] = labels.labels
        judgements = Judgements(labels.query_ids, labels.offsets + first, items, both, labels.item_ids)
        order = np.lexsort((np.concatenate((ranked.rank, rank)), np.concatenate((ranked.query, query))))
        judged = len(ranked.query)
        row = np.empty(len(order), dtype=np.int64)
        row[order] = np.arange(len(order))
        together = Ranked(
            judgements,
            ranked.retrieved,
            np.concatenate((ranked.query, query))[order],
            np.concatenate((ranked.rank, rank))[order],
            np.concatenate((ranked.label, np.zeros(len(at), dtype=np.int32)))[order],
            judgement=np.concatenate((old.take(ranked.judgement), new))[order],
        )
        share = len(at) / max(int(start[-1]), 1)
        top = max(int(labels.labels.max(initial=1)), 1)
        return cls(share, together, row[judged:], np.arange(len(at)) - first.take(query), holes.take(query), top)

    def variants(self) -> Iterator[Ranked]:
        """The rankings with the first holes of every query relevant, then with the last, in growing numbers."""
        steps = min(int(self.count.max(initial=0)), STEPS)
        for step in range(steps + 1):
            relevant = -(-self.count * step // max(steps, 1))
            yield self._with(self.place < relevant)
            if 0 < step < steps:
                yield self._with(self.place >= self.count - relevant)

    def _with(self, relevant: npt.NDArray[np.bool_]) -> Ranked:
        labels = self.ranked.judgements.labels.copy()
        labels[self.ranked.judgement.take(self.rows)] = np.where(relevant, self.top, 0)
        return self.ranked.relabelled(labels)


def hole_notes(systems: Mapping[str, Scores], judgements: Judgements) -> list[str]:
    """Note how many items of the first k have no label, for the k nearest to 10 at which judged items were counted.

    Labels without any judged item that is not relevant list the relevant items only; what they lack is no hole.
    """
    cuts = [int(name.removeprefix("judged@")) for name in _common(systems) if name.startswith("judged@")]
    if not cuts or not (judgements.labels <= 0).any():
        return []
    cut = min(cuts, key=lambda k: abs(k - 10))
    shares = {name: 1 - scores.means()[f"judged@{cut}"] for name, scores in systems.items()}
    if max(shares.values()) < WORTH_A_NOTE:
        return []
    listed = ", ".join(f"{share:.0%}" + (f" ({name})" if len(shares) > 1 else "") for name, share in shares.items())
    return [
        f"items of the first {cut} without a label, which count as not relevant: {listed}. {named('holes')} shows what "
        "their labels could change"
    ]


def _common(systems: Mapping[str, Scores]) -> list[str]:
    first = next(iter(systems.values()), None)
    return [] if first is None else [m for m in first.metrics if all(m in one.metrics for one in systems.values())]
