"""Fill holes: items at the top of a ranking without a label, by a model whose errors are known from the labelled items.

A new system is at a disadvantage if it finds relevant items that no earlier system found, because nobody labelled them.
A model can label them, but it errs. The items with labels of both kinds show how. True labels of the holes are drawn
many times as these errors make them likely (`ragbench.stats.misclassified`), each system is scored by each draw, and
Rubin's rules join the results. Holes of one system, of the other, of both and elsewhere are four groups with relevant
items in shares of their own, and with their own error rates of the model. Holes elsewhere are items that the model
labelled and neither system ranks high. They count in the ideal ranking and in recall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.comparison.human import check_other_labels
from ragbench.comparison.pairing import Pair
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.options import named
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.core.verdicts import FilledHoles, Interval
from ragbench.metrics.base import Metric
from ragbench.metrics.parse import parse
from ragbench.metrics.ranked import Ranked, look_through
from ragbench.metrics.score import Ties, metric_values
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.misclassified import combined_interval, draw_labels

Array = npt.NDArray[np.float64]
Labels = Mapping[str, Mapping[str, int]]
DRAWS = 60
FEWEST = 30
"""Fewest items with labels of both kinds."""
BASELINE, CANDIDATE, BOTH, ELSEWHERE = range(4)
ALIKE = ((BASELINE, BOTH), (CANDIDATE, BOTH), (BASELINE, CANDIDATE, BOTH), (ELSEWHERE,))
"""For each group, the groups whose items were selected alike."""


def fill_holes(pair: Pair, metric: str, model: Judgements, *, confidence: float = 0.95, seed: int = 0) -> FilledHoles:
    """Compare two systems with the labels of a model for the items that have none.

    A query without a relevant item counts as no difference.

    Args:
        pair: systems with rankings, over the same queries.
        metric: a metric of rankings.
        model: labels of a model, of holes and of labelled items.
        confidence: confidence of the intervals, in (0, 1).
        seed: seed of the draws.

    Raises:
        InputError: a system has no rankings, fewer than 30 items have labels of both kinds, or all queries come from
            one document.
    """
    holes = _Holes.of(pair, metric, model)
    if holes.measured < FEWEST:
        raise InputError(
            f"{named('model_labels')}: {holes.measured} items have a label of the model and of the evaluation; at "
            f"least {FEWEST} are needed to measure how often the model errs. Let it label judged items too"
        )
    units = cluster_index(pair.queries.units)
    if not units.any():
        raise InputError(
            f"{named('model_labels')}: all queries come from one document, which does not show how differences vary"
        )
    drawn = draw_labels(
        holes.truth, holes.said, holes.clusters, holes.measured_groups, holes.labels, holes.groups, ALIKE,
        len(holes.levels), DRAWS, generator(seed, "holes"),
    )  # fmt: skip
    values = np.array([holes.values(holes.levels[one]) for one in drawn])
    top = int(holes.levels[-1])

    def joined(columns: Array) -> Interval:
        each = clustered_means(columns.T, units)
        return Interval(*combined_interval(each.means, each.errors, each.df, confidence))

    def extreme(*groups: int) -> float:
        before, after = holes.values(np.where(np.isin(holes.groups, groups), top, 0))
        return float((after - before).mean())

    ends = [extreme(), extreme(BASELINE, CANDIDATE, BOTH), extreme(BASELINE), extreme(CANDIDATE)]
    return FilledHoles(
        pair.baseline.name, pair.candidate.name, metric, confidence, *holes.shares,
        filled=int((holes.groups != ELSEWHERE).sum()),
        unfilled=holes.unfilled,
        measured=holes.measured,
        mean_baseline=joined(values[:, 0]),
        mean_candidate=joined(values[:, 1]),
        difference=joined(values[:, 1] - values[:, 0]),
        irrelevant=ends[0],
        relevant=ends[1],
        lowest=min(ends),
        highest=max(ends),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Holes:
    """The holes of two systems that the model labelled, and the items with labels of both kinds.

    Attributes:
        metric: the metric.
        ranked: the judged rows of both systems by all labels, with 0 for the holes.
        ties: how each of them scores equal scores.
        rows: (m,) rows of the holes in the judgements.
        labels: (m,) the model's labels of the holes, as an index of ``levels``.
        groups: (m,) whose hole it is: the baseline's, the candidate's, of both, or elsewhere.
        truth, said, clusters: (n,) labels of the evaluation, of the model, and query of the items with both.
        measured_groups: (n,) group of each of these.
        levels: the labels, ascending; negative ones count as 0.
        shares: share of holes within the cut, of each system.
        unfilled: number of holes that the model did not label.
    """

    metric: Metric
    ranked: tuple[Ranked, Ranked]
    ties: tuple[Ties, Ties]
    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    said: npt.NDArray[np.int64]
    clusters: npt.NDArray[np.int64]
    measured_groups: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]
    shares: tuple[float, float]
    unfilled: int

    @property
    def measured(self) -> int:
        """Number of items with labels of both kinds."""
        return len(self.truth)

    @classmethod
    def of(cls, pair: Pair, metric: str, model: Judgements) -> "_Holes":
        known, said = _labels(pair.baseline), model.to_dict()
        for one in (pair.baseline, pair.candidate):
            check_other_labels(one, metric)
        chosen = parse(metric)
        tops = [_top(run, getattr(chosen, "k", None)) for run in (pair.baseline, pair.candidate)]
        rows = {id_: dict(known.get(id_, {})) for id_ in pair.queries.ids}
        unfilled, sizes = set[tuple[str, str]](), []
        for top in tops:
            absent = [(id_, item) for id_, items in top.items() for item in items if item not in known.get(id_, {})]
            sizes.append(len(absent) / max(sum(map(len, top.values())), 1))
            unfilled.update((id_, item) for id_, item in absent if item not in said.get(id_, {}))
        high = [{id_: set(items) for id_, items in top.items()} for top in tops]

        def group(id_: str, item: str) -> int:
            mine, other = (item in one[id_] for one in high)
            return BOTH if mine and other else BASELINE if mine else CANDIDATE if other else ELSEWHERE

        judged = [(q, id_, item) for q, id_ in enumerate(rows) for item in said.get(id_, {})]
        both = [(q, id_, item) for q, id_, item in judged if item in rows[id_]]
        holes = [(id_, item) for _, id_, item in judged if item not in rows[id_]]
        for id_, item in holes:
            rows[id_][item] = 0
        given = [label for row in (*known.values(), *said.values()) for label in row.values()]
        levels = np.unique(np.maximum([0, 1, *given], 0)).astype(np.int64)

        def index(labels: Sequence[int]) -> npt.NDArray[np.int64]:
            return np.searchsorted(levels, np.maximum(np.array(labels, dtype=np.int64), 0))

        judgements = Judgements.from_dict(rows)
        place = {id_: int(low) for id_, low in zip(rows, judgements.offsets[:-1], strict=True)}
        order = {id_: {item: i for i, item in enumerate(row)} for id_, row in rows.items()}
        systems = (pair.baseline, pair.candidate)
        ranked = [look_through(_run(one), judgements, ties=one.ties == "expected") for one in systems]
        return cls(
            chosen,
            (ranked[0], ranked[1]),
            (systems[0].ties, systems[1].ties),
            np.array([place[id_] + order[id_][item] for id_, item in holes], dtype=np.int64),
            index([said[id_][item] for id_, item in holes]),
            np.array([group(*hole) for hole in holes], dtype=np.int64),
            index([known[id_][item] for _, id_, item in both]),
            index([said[id_][item] for _, id_, item in both]),
            np.array([q for q, _, _ in both], dtype=np.int64),
            np.array([group(id_, item) for _, id_, item in both], dtype=np.int64),
            levels,
            (sizes[0], sizes[1]),
            len(unfilled),
        )

    def values(self, labels: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """(q,) Values of both systems with these labels of the holes; 0 for a query without a relevant item."""
        changed = self.ranked[0].judgements.labels.copy()
        changed[self.rows] = labels
        before, after = (
            np.nan_to_num(metric_values(self.metric, ranked.relabelled(changed), ties))
            for ranked, ties in zip(self.ranked, self.ties, strict=True)
        )
        return before, after


def _labels(system: ScoredRun) -> Labels:
    if system.judgements is None:
        raise InputError(
            f"{named('model_labels')}: {system.name} has no labels of items, so there are no holes to fill"
        )
    return system.judgements.to_dict()


def _top(system: ScoredRun, cut: int | None) -> dict[str, list[str]]:
    run = _run(system) if cut is None else _run(system).top(cut)
    return {id_: [item for item, _ in run.ranking(at)] for at, id_ in enumerate(run.query_ids)}


def _run(system: ScoredRun) -> Run:
    if system.run is None:
        raise InputError(f"{named('model_labels')}: {system.name} has no rankings, so there are no holes to fill")
    return system.run
