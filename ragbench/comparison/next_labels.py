"""Choose the labels that annotators should give next: those that narrow the interval of a difference most.

A query matters as far as annotators may disagree with what the evaluation says of it. Labels are drawn many times as
annotators might give them, and both systems are scored by each draw. The root mean square of what the labels of the
evaluation then miss is the size by which queries are drawn: the chance that gives the estimate the smallest variance
(Zrnic and Candès 2024, arXiv:2403.03208). It is small where both rankings are alike, whatever the labels are.

A draw, and not the largest sizes, because the model may be wrong in one direction where it is most wrong. The estimate
weighs every query by 1 / chance, so it has no bias (`ragbench.stats.powered_difference`).

Within a query, only items that the two systems rank differently are worth a label.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ragbench.comparison.human import HumanLabels, values_by
from ragbench.comparison.label_errors import LabelErrors
from ragbench.comparison.pairing import Pair
from ragbench.core.annotations import LabelRow, LabelSheet
from ragbench.core.context import generator
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.options import named
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse
from ragbench.stats.unequal_draw import inclusion_chances, systematic_draw

Array = npt.NDArray[np.float64]
DRAWS = 24
"""How many times the labels are drawn."""
ADDITIVE = frozenset({"ndcg", "p", "recall", "capped_recall", "rbp"})
"""Metrics in which an item earns by its own rank: an item at one rank in both systems cancels out."""


def next_labels(
    pairs: Sequence[Pair], metric: str, count: int, *, human: HumanLabels | None = None, seed: int = 0
) -> LabelSheet:
    """Draw queries for annotators, and list the items of each that decide its difference.

    With labels of annotators already, queries are drawn among the others, and the sheet has both. The chances of
    earlier queries then change so that the two rounds together are unbiased: each round estimates the mean on its own,
    and counts by its number of queries.

    Args:
        pairs: pairs of systems that differ, over the same queries.
        metric: a metric of rankings with a cut-off.
        count: number of queries to draw; all that are left if there are fewer.
        human: labels of annotators that are there already.
        seed: seed of the drawn labels and queries.

    Raises:
        InputError: the systems have no rankings, do not differ, or every query is labelled already.
        SettingError: the metric has no cut-off, or the count is below 1.
    """
    cut = _checked(pairs, metric, count)
    systems = list({id(run): run for pair in pairs for run in (pair.baseline, pair.candidate)}.values())
    known = systems[0].judgements
    assert known is not None
    given = {} if human is None else human.given
    errors = LabelErrors.of(known.to_dict(), given)
    pool = _Pool.of(systems, known, cut)
    sizes = _sizes(pairs, metric, pool, errors, generator(seed, "labels"))
    labelled = set() if human is None else set(human.ids)
    open_ = np.array([id_ not in labelled for id_ in pool.judgements.query_ids])
    if not open_.any():
        raise InputError(f"{named('label_next')}: annotators labelled every query already")
    count = min(count, int(open_.sum()))
    chances = inclusion_chances(sizes[open_], count)
    drawn = systematic_draw(chances, generator(seed, "queries"))
    rows = np.flatnonzero(open_)[drawn]
    weights = 1 / chances[drawn]
    before: dict[str, float] = {}
    if human is not None and len(human.rows):
        share = len(human.rows) / (len(human.rows) + count)
        earlier = (
            len(open_) / len(human.rows) * np.ones(len(human.rows)) if human.chances is None else 1 / human.chances
        )
        before = dict(zip(human.ids, (share * earlier + 1 - share).tolist(), strict=True))
        weights = (1 - share) * weights
    after = dict(zip((pool.judgements.query_ids[row] for row in rows), weights.tolist(), strict=True))
    new = list(_asked(pairs, metric, pool, errors, rows, cut))
    order = generator(seed, "order").permutation(len(rows))
    place = {pool.judgements.query_ids[rows[at]]: i for i, at in enumerate(order)}
    new.sort(key=lambda row: (place[row[0]], -row[2], row[1]))
    return LabelSheet(
        rows=(
            *(LabelRow(id_, item, 1 / before[id_], 0.0, label) for id_ in before for item, label in given[id_].items()),
            *(LabelRow(id_, item, 1 / after[id_], influence) for id_, item, influence in new),
        ),
        metric=metric,
        systems=tuple(run.name for run in systems),
        queries=count,
        worth=_worth(sizes[open_], chances, count),
        measured=errors.measured,
    )


def _checked(pairs: Sequence[Pair], metric: str, count: int) -> int:
    """Return the cut-off of the metric.

    Raises:
        InputError: the systems have no rankings or labels, or do not differ.
        SettingError: the metric has no cut-off, or the count is below 1.
    """
    if count < 1:
        raise SettingError(f"is {count}; it must be at least 1", option="label_next")
    if not pairs:
        raise InputError(f"{named('label_next')}: the systems do not differ, so no label can change the difference")
    for pair in pairs:
        for run in (pair.baseline, pair.candidate):
            if run.run is None or run.judgements is None:
                raise InputError(f"{named('label_next')}: {run.name} has no rankings, so there are no items to label")
    cut = getattr(parse(metric), "k", None)
    if cut is None:
        raise SettingError(
            f"needs a metric with a cut-off, such as {metric}@10 or ndcg@10: without one, every item matters",
            option="label_next",
        )
    return int(cut)


@dataclass(frozen=True, eq=False)
class _Pool:
    """The items that have a label or are at the top of a system.

    Attributes:
        judgements: their labels; 0 without one.
        judged: (n,) whether there is a label.
    """

    judgements: Judgements
    judged: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, systems: Sequence[ScoredRun], known: Judgements, cut: int) -> "_Pool":
        labels = known.to_dict()
        rows = {id_: dict(labels.get(id_, {})) for id_ in systems[0].queries.ids}
        for run in systems:
            for id_, top in _tops(run, cut).items():
                for item in top:
                    rows[id_].setdefault(item, 0)
        judged = [item in labels.get(id_, {}) for id_, row in rows.items() for item in row]
        return cls(Judgements.from_dict(rows), np.array(judged, dtype=bool))


def _tops(system: ScoredRun, cut: int) -> dict[str, dict[str, int]]:
    """Ranks of the items at the top, by query."""
    assert system.run is not None
    run: Run = system.run.top(cut)
    return {
        id_: {item: rank for rank, (item, _) in enumerate(run.ranking(at), start=1)}
        for at, id_ in enumerate(run.query_ids)
    }


def _differences(pairs: Sequence[Pair], metric: str, labels: Judgements) -> Array:
    """(pairs, q) Differences by other labels; 0 for a query without a relevant item."""
    values: dict[int, Array] = {}
    for pair in pairs:
        for run in (pair.baseline, pair.candidate):
            if id(run) not in values:
                values[id(run)] = np.nan_to_num(values_by(run, labels, metric))
    return np.array([values[id(pair.candidate)] - values[id(pair.baseline)] for pair in pairs])


def _sizes(pairs: Sequence[Pair], metric: str, pool: _Pool, errors: LabelErrors, rng: np.random.Generator) -> Array:
    """(q,) Root mean square of what the labels of the evaluation miss of the differences by annotators."""
    rows = errors.rows(pool.judgements, pool.judged)
    model = _differences(pairs, metric, pool.judgements)
    drawn = np.array(
        [_differences(pairs, metric, replace(pool.judgements, labels=errors.draw(rows, rng))) for _ in range(DRAWS)]
    )
    square = (model**2).sum(axis=1)
    fit = np.divide((drawn.mean(axis=0) * model).sum(axis=1), square, out=np.zeros(len(pairs)), where=square > 0)
    weight = np.clip(fit, 0.0, 1.0)
    missed = ((drawn - weight[:, None] * model) ** 2).mean(axis=(0, 1))
    return np.asarray(np.sqrt(missed), dtype=np.float64)


def _worth(sizes: Array, chances: Array, count: int) -> float:
    """Number of random queries with the same variance, if the sizes are right."""
    varies = float((sizes**2 / chances).sum())
    return float((sizes**2).sum()) * len(sizes) / varies if varies > 0 else float(count)


def _asked(
    pairs: Sequence[Pair], metric: str, pool: _Pool, errors: LabelErrors, rows: npt.NDArray[np.int64], cut: int
) -> Iterator[tuple[str, str, float]]:
    """Query, item and influence of each label to ask for: at the top, and at different ranks where that is needed."""
    ids = [pool.judgements.query_ids[row] for row in rows]
    additive = parse(metric).name in ADDITIVE
    wanted = _wanted(pairs, ids, cut, additive=additive)
    influence = _influence([_part(pair, ids) for pair in pairs], metric, pool, errors, wanted)
    for id_ in ids:
        found = [(id_, item, influence[id_, item]) for item in wanted[id_]]
        moving = [one for one in found if one[2] > 0] if additive else found
        # A query whose difference no label changes is in the sheet too, because it was drawn.
        yield from moving or found[:1] or [(id_, next(iter(pool.judgements.to_dict()[id_]), ""), 0.0)]


def _wanted(pairs: Sequence[Pair], ids: Sequence[str], cut: int, *, additive: bool) -> dict[str, list[str]]:
    wanted: dict[str, dict[str, None]] = {id_: {} for id_ in ids}
    spare: dict[str, dict[str, None]] = {id_: {} for id_ in ids}
    for pair in pairs:
        before, after = _tops(pair.baseline, cut), _tops(pair.candidate, cut)
        for id_ in ids:
            for item in (*before[id_], *after[id_]):
                same = additive and before[id_].get(item) == after[id_].get(item)
                (spare if same else wanted)[id_][item] = None
    return {id_: list(wanted[id_] or dict(list(spare[id_].items())[:1])) for id_ in ids}


def _part(pair: Pair, ids: Sequence[str]) -> Pair:
    row = {id_: i for i, id_ in enumerate(pair.queries.ids)}
    rows = np.array([row[id_] for id_ in ids], dtype=np.int64)
    return Pair(pair.baseline.select(rows), pair.candidate.select(rows))


def _influence(
    pairs: Sequence[Pair], metric: str, pool: _Pool, errors: LabelErrors, wanted: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], float]:
    """Expected absolute change of the difference of a query if the label of one item became the annotator's.

    One item of every query is changed at a time, because queries do not depend on each other.
    """
    labels = pool.judgements.to_dict()
    ids = list(wanted)
    part = Judgements.from_dict({id_: labels[id_] for id_ in ids})
    base = _differences(pairs, metric, part)
    judged = dict(zip(((id_, item) for id_, row in labels.items() for item in row), pool.judged.tolist(), strict=True))
    place = {(id_, item): int(part.offsets[q]) + i for q, id_ in enumerate(ids) for i, item in enumerate(labels[id_])}
    found: dict[tuple[str, str], float] = {}
    for slot in range(max((len(items) for items in wanted.values()), default=0)):
        at = [(q, (id_, items[slot])) for q, (id_, items) in enumerate(wanted.items()) if slot < len(items)]
        rows = np.array([place[key] for _, key in at], dtype=np.int64)
        mask = np.array([judged[key] for _, key in at], dtype=bool)
        own = np.where(mask, np.searchsorted(errors.levels, np.maximum(part.labels[rows], 0)), len(errors.levels))
        queries = np.array([q for q, _ in at], dtype=np.int64)
        total = np.zeros(len(at))
        for column, level in enumerate(errors.levels):
            changed = part.labels.copy()
            changed[rows] = level
            moved = np.abs(_differences(pairs, metric, replace(part, labels=changed)) - base).mean(axis=0)[queries]
            total += errors.chances[own, column] * moved
        found.update(zip((key for _, key in at), total.tolist(), strict=True))
    return found
