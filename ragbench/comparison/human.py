"""Decide a comparison by annotators' labels of some queries and the model's labels of all (prediction-powered).

A query counts as labelled by annotators if they labelled every item that the evaluation's labels have for it. A file
without a label of 0 or below lists the relevant items only; then a query counts if it has any label, and items that are
not listed are not relevant. A query with labels of only some of its items counts as not labelled, because the rest
would have to be guessed. A query without a relevant item, by whichever labels, counts as no difference: no system can
find anything there.

A sheet of queries that were drawn for a comparison (`ragbench.comparison.next_labels`) lists the items that decide it.
A query then counts if each of these is labelled, and the other items keep the label of the evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.comparison.verdict import decide
from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import first_ten
from ragbench.core.options import named
from ragbench.core.scored import ScoredRun
from ragbench.core.verdicts import HumanShare, Verdict
from ragbench.metrics.parse import parse
from ragbench.metrics.score import score
from ragbench.stats.clusters import cluster_index
from ragbench.stats.paired_tests import TIE
from ragbench.stats.powered_difference import FEWEST_QUERIES, PoweredDifference, powered_difference

Array = npt.NDArray[np.float64]
Labels = Mapping[str, Mapping[str, int]]
METHOD = "t, prediction-powered"


@dataclass(frozen=True, eq=False)
class HumanLabels:
    """Annotators' labels of some of the queries of systems that are compared.

    Attributes:
        judgements: labels of the queries that count as labelled, in the order of the queries.
        rows: (n,) their rows among the queries of the systems.
        notes: labels that are not used, and why.
        given: what annotators labelled, without the labels of the evaluation; 0 for judged items that a file of
            relevant items does not list.
        chances: (n,) chance of each query to be drawn; None if all had the same.
    """

    judgements: Judgements
    rows: npt.NDArray[np.int64]
    notes: tuple[str, ...]
    given: Labels
    chances: Array | None = None

    @classmethod
    def of(cls, labels: Judgements | AnnotatorLabels, system: ScoredRun) -> "HumanLabels":
        """Find the queries that annotators labelled completely.

        Args:
            labels: labels of annotators.
            system: any of the systems; its queries are those of the comparison.

        Raises:
            InputError: the system has no labels or rankings, or fewer than 10 queries are labelled completely.
        """
        if system.judgements is None or system.run is None:
            raise InputError(
                f"{system.name} has no rankings, which labels of annotators need: compare run files with "
                f"{named('qrels')}, or folders of 'ragbench eval --out'"
            )
        drawn = labels if isinstance(labels, AnnotatorLabels) else AnnotatorLabels(labels)
        given, known = drawn.judgements.to_dict(), system.judgements.to_dict()
        row = {id_: i for i, id_ in enumerate(system.queries.ids)}
        inside = [id_ for id_ in given if id_ in row]
        if not inside:
            raise InputError(
                f"{named('human')}: none of the {len(given)} labelled queries ({first_ten(list(given)[:3])}, ...) is "
                f"among the {len(row)} compared ones ({first_ten(system.queries.ids[:3])}, ...)"
            )
        _check_items({id_: given[id_] for id_ in inside}, known, system)
        negatives = bool((drawn.judgements.labels <= 0).any())
        if drawn.chances:
            partial = [id_ for id_ in drawn.unfinished if id_ in row]
            given = {id_: {**known.get(id_, {}), **labels_} for id_, labels_ in given.items()}
        else:
            partial = [id_ for id_ in inside if negatives and not known.get(id_, {}).keys() <= given[id_].keys()]
        whole = sorted(set(inside) - set(partial), key=row.__getitem__)
        if len(whole) < FEWEST_QUERIES:
            some = (
                f", and of {len(partial)} more only some of the judged items: {first_ten(partial)}" if partial else ""
            )
            raise InputError(
                f"{named('human')}: annotators labelled {len(whole)} of the queries{some}. At least {FEWEST_QUERIES} "
                "are needed, with a label for each item that the evaluation has a label for"
            )
        notes = []
        if len(inside) < len(given):
            notes.append(
                f"{len(given) - len(inside)} queries of the annotators' labels are not among the compared ones"
            )
        if partial:
            queries = "1 query, which counts" if len(partial) == 1 else f"{len(partial)} queries, which count"
            which = "items in the sheet" if drawn.chances else "judged items"
            notes.append(
                f"annotators labelled only some of the {which} of {queries} as not labelled by them: "
                f"{first_ten(partial)}"
            )
        rows = np.array([row[id_] for id_ in whole], dtype=np.int64)
        chances = np.array([drawn.chances[id_] for id_ in whole]) if drawn.chances else None
        by_annotators = drawn.judgements.to_dict()
        own = {id_: by_annotators[id_] for id_ in whole}
        if not negatives and not drawn.chances:
            own = {id_: dict.fromkeys(known.get(id_, {}), 0) | row for id_, row in own.items()}
        return cls(Judgements.from_dict({id_: given[id_] for id_ in whole}), rows, tuple(notes), own, chances)

    @cached_property
    def ids(self) -> Sequence[str]:
        """Ids of the labelled queries."""
        return self.judgements.query_ids

    def values(self, system: ScoredRun, metric: str) -> Array:
        """(n,) Values of a system by the labels of annotators; NaN for a query without a relevant item.

        Raises:
            InputError: as in `values_by`.
        """
        return values_by(system, self.judgements, metric)


def values_by(system: ScoredRun, labels: Judgements, metric: str) -> Array:
    """(q,) Values of a system by other labels, for the queries of these; NaN for a query without a relevant item.

    Raises:
        InputError: other labels cannot score it (`check_other_labels`).
    """
    check_other_labels(system, metric)
    assert system.run is not None
    run = system.run.select(list(labels.query_ids))
    return score(run, labels, metric, ties=system.ties).column(metric)


def check_other_labels(system: ScoredRun, metric: str) -> None:
    """Refuse what other labels than those of the evaluation cannot score.

    Raises:
        InputError: the system has no rankings or ran several times, or the metric is not one of rankings, or a
            geometric mean.
    """
    if system.run is None:
        raise InputError(f"{system.name} has no rankings, so labels of annotators cannot score it")
    if system.scores.repeats is not None:
        raise InputError(f"{system.name} ran several times, and other labels score one ranking: evaluate it once")
    try:
        average = parse(metric).average
    except SettingError as error:
        raise InputError(
            f"{named('human')}: {metric} is not a metric of rankings, so labels of items do not score it"
        ) from error
    if average == "geometric":
        raise InputError(
            f"{metric} is a geometric mean, and other labels decide differences of arithmetic means: use map"
        )


def _check_items(given: Labels, known: Labels, system: ScoredRun) -> None:
    """Refuse labels of items that the evaluation knows under other ids, such as documents for chunks.

    Raises:
        InputError: no labelled item has a label in the evaluation, or was retrieved.
    """
    items = {item for row in given.values() for item in row}
    seen = {item for row in known.values() for item in row}
    assert system.run is not None
    if items and items.isdisjoint(seen) and items.isdisjoint(system.run.item_ids):
        raise InputError(
            f"{named('human')}: no labelled item ({first_ten(sorted(items)[:3])}, ...) is an item of the evaluation "
            f"({first_ten(sorted(seen)[:3])}, ...). A golden set labels documents. If chunks are judged, evaluate it "
            "with 'ragbench eval --golden SET --out DIR', and give DIR"
        )


@dataclass(frozen=True, eq=False)
class Powered:
    """A difference by both kinds of labels, and what it is based on.

    Attributes:
        found: the estimates.
        baseline: mean of the baseline by both kinds of labels.
        model: mean difference by the model's labels alone.
        clusters: number of independent units among all queries.
        labelled_clusters: number of independent units among those that annotators labelled.
        notes: queries that count as no difference.
    """

    found: PoweredDifference
    baseline: float
    model: float
    clusters: int
    labelled_clusters: int
    notes: tuple[str, ...]


def powered(pair: Pair, metric: str, human: HumanLabels) -> Powered:
    """Estimate the difference of a pair by both kinds of labels.

    Raises:
        InputError: annotators labelled too few queries, or the systems have no rankings.
    """
    before, after = (np.nan_to_num(values) for values in pair.values(metric))
    mine, other = human.values(pair.baseline, metric), human.values(pair.candidate, metric)
    empty = int(np.isnan(mine).sum())
    mine, other = np.nan_to_num(mine), np.nan_to_num(other)
    seen = np.zeros(len(before), dtype=bool)
    seen[human.rows] = True
    groups = cluster_index(pair.queries.units)
    model, by_human = _without_ties(after - before), _without_ties(other - mine)
    found, means = (
        powered_difference(one, all_[seen], all_[~seen], groups[seen], groups[~seen], chances=human.chances)
        for one, all_ in ((by_human, model), (mine, before))
    )
    queries = "1 query has" if empty == 1 else f"{empty} queries have"
    notes = [f"{queries} no relevant item by the labels of annotators: no difference is counted there"]
    return Powered(
        found,
        means.combined.value,
        float(model.mean()),
        int(groups.max()) + 1,
        len(np.unique(groups[seen])),
        tuple(notes) if empty else (),
    )


def with_human(verdict: Verdict, pair: Pair, human: HumanLabels) -> Verdict:
    """Return the verdict with difference, interval and p-values by both kinds of labels.

    d_z, delta, wins and losses stay those of the model's labels.

    Raises:
        InputError: as in `powered`.
    """
    if verdict.difference is None or verdict.same_run:
        return verdict
    got = powered(pair, verdict.metric, human)
    both, alone = got.found.combined, got.found.alone
    low, high = both.interval(verdict.confidence)
    equivalence = None
    if verdict.margin is not None:
        equivalence = max(both.p_below(-verdict.margin), 1 - both.p_below(verdict.margin))
    share = HumanShare(
        queries=got.found.human,
        weight=got.found.weight,
        effective=got.found.effective,
        alone=alone.value,
        alone_low=alone.interval(verdict.confidence)[0],
        alone_high=alone.interval(verdict.confidence)[1],
        model=got.model,
        model_low=verdict.low,
        model_high=verdict.high,
    )
    found = replace(
        verdict,
        n=len(pair.queries),
        clusters=got.clusters,
        baseline_mean=got.baseline,
        candidate_mean=got.baseline + both.value,
        difference=both.value,
        low=low,
        high=high,
        interval=METHOD,
        p=both.p,
        p_adjusted=both.p,
        test=METHOD,
        reason="annotators labelled some of the queries, and the model's labels of the others make up for the rest.",
        notes=got.notes,
        p_equivalence=equivalence,
        p_equivalence_adjusted=equivalence,
        human=share,
        wordings=None,
    )
    return replace(found, decision=decide(found))


def _without_ties(differences: Array) -> Array:
    return np.where(np.abs(differences) < TIE, 0.0, differences)
