"""Evaluate a run as trec_eval does, and print what it prints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import first_ten
from ragbench.core.runs import Run
from ragbench.metrics.ranked import Ranked, look_through
from ragbench.metrics.trec_eval.names import Measure
from ragbench.metrics.trec_eval.preferences import Levels, groups_of, preference
from ragbench.metrics.trec_eval.values import LEAST_OF_GEOMETRIC, Look, values

ALL = "all"
NO_ZSCORE = -1_000_000.0
"""What trec_eval prints where mean or deviation are missing."""


@dataclass(frozen=True)
class TrecSettings:
    """The options of trec_eval.

    Attributes:
        complete: average over all judged queries (``-c``); one that the run lacks counts as 0.
        level: the least label that counts as relevant (``-l``).
        judged_only: remove items without a label of 0 or above first (``-J``).
        depth: use so many items of each query (``-M``); None for all.
        collection: number of documents in the collection (``-N``), for ``utility``.
        nine: whether trec_eval 9 is followed where 10 differs: how many relevant items a recall point takes. The
            precision of the scores is that of the run.
        zscores: mean and standard deviation by query and measure, to print z-scores instead of values (``-Z``).
    """

    complete: bool = False
    level: int = 1
    judged_only: bool = False
    depth: int | None = None
    collection: int = 0
    nine: bool = False
    zscores: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


@brief
@dataclass(frozen=True, eq=False)
class TrecResult:
    """A run, evaluated as by trec_eval.

    Attributes:
        tag: the run's name.
        query_ids: the queries that are judged and in the run, in the order of their bytes, length q.
        measures: what was asked for, length m.
        values: (m, q) values; logarithms for geometric means, and NaN where there is no number.
        summary: (m,) values over all queries; NaN where there is no number.
        strings: by measure, the relevance labels of the first items as trec_eval prints them.
    """

    tag: str
    query_ids: Sequence[str]
    measures: tuple[Measure, ...]
    values: npt.NDArray[np.float64]
    summary: npt.NDArray[np.float64]
    strings: dict[str, list[str]]

    def lines(self, *, per_query: bool = False, summary: bool = True) -> Iterator[str]:
        """Iterate over the lines that trec_eval prints."""
        for at, query in enumerate(self.query_ids) if per_query else ():
            for measure, row in zip(self.measures, self.values, strict=True):
                if measure.family == "relstring":
                    yield line(measure.name, query, f"'{self.strings[measure.name][at]}'")
                elif measure.single:
                    yield line(measure.name, query, _written(measure, row[at]))
        for measure, value in zip(self.measures, self.summary, strict=True) if summary else ():
            if measure.summary == "run":
                yield line(measure.name, ALL, self.tag)
            elif measure.summary != "none":
                yield line(measure.name, ALL, _written(measure, value))


def line(name: str, query: str, value: str) -> str:
    """One line of trec_eval's output."""
    return f"{name:<22}\t{query}\t{value}"


def _written(measure: Measure, value: float) -> str:
    return str(int(value)) if measure.summary in ("sum", "queries") else f"{value:6.4f}"


def trec_evaluate(
    run: Run, judgements: Judgements, measures: Sequence[Measure], settings: TrecSettings, *, tag: str = ""
) -> TrecResult:
    """Evaluate a run as trec_eval does.

    Only queries that are judged and in the run are averaged over, unless ``complete`` is set. A query without a
    relevant item counts, with 0 for most measures.

    Raises:
        InputError: no query is both judged and in the run.
    """
    if settings.depth is not None:
        run = run.top(settings.depth)
    shared = _shared(run, judgements.query_ids)
    look = _look(run, judgements, settings)
    place = {query: at for at, query in enumerate(judgements.query_ids)}
    at = [place[query] for query in shared]
    found = np.full((len(measures), len(at)), np.nan)
    strings: dict[str, list[str]] = {}
    for row, measure in zip(found, measures, strict=True):
        if measure.family == "relstring":
            strings[measure.name] = _relevance(look.ranked, at, int(measure.given[0]))
        elif measure.counted:
            row[:] = values(look, measure.family, measure.given, measure.pairs)[at]
    return _result(tag, shared, measures, found, strings, len(judgements), settings)


def trec_evaluate_groups(
    run: Run,
    labels: Mapping[str, Mapping[str, Mapping[str, int]]],
    measures: Sequence[Measure],
    settings: TrecSettings,
    *,
    tag: str = "",
) -> TrecResult:
    """Evaluate a run on the labels of several groups, such as annotators: a query has the average over its groups.

    Args:
        run: the rankings.
        labels: label of each item by query and group.
        measures: those for ``qrels_jg``.
        settings: as for `trec_evaluate`.
        tag: the run's name.

    Raises:
        InputError: no query is both judged and in the run.
    """
    if settings.depth is not None:
        run = run.top(settings.depth)
    shared = _shared(run, list(labels))
    pairs = [(at, query, group) for at, query in enumerate(shared) for group in sorted(labels[query])]
    # Each group of a query is scored as a query of its own.
    names = [f"{query}\0{group}" for _, query, group in pairs]
    run = replace(run.select([query for _, query, _ in pairs]), query_ids=names)
    judgements = Judgements.from_dict({name: labels[q][g] for name, (_, q, g) in zip(names, pairs, strict=True)})
    look, query = _look(run, judgements, settings), np.array([at for at, _, _ in pairs])
    found = np.full((len(measures), len(shared)), np.nan)
    for row, measure in zip(found, measures, strict=True):
        if measure.counted:
            each = values(look, measure.family.removesuffix("_avgjg"), measure.given, measure.pairs)
            row[:] = np.bincount(query, weights=each) / np.bincount(query)
    return _result(tag, shared, measures, found, {}, len(labels), settings)


def trec_evaluate_preferences(
    run: Run, preferences: Mapping[str, Levels], measures: Sequence[Measure], settings: TrecSettings, *, tag: str = ""
) -> TrecResult:
    """Evaluate a run on preferences. Only here, trec_eval orders equal scores by id ascending.

    Raises:
        InputError: no query has preferences and is in the run, or the preferences of a group contradict each other.
    """
    shared = _shared(run, list(preferences))
    place = {query: at for at, query in enumerate(run.query_ids)}
    found = np.full((len(measures), len(shared)), np.nan)
    for at, query in enumerate(shared):
        ranking = sorted(run.ranking(place[query]), key=lambda one: (-one[1], one[0]))[: settings.depth]
        groups = groups_of(query, [item for item, _ in ranking], preferences[query])
        for row, measure in zip(found, measures, strict=True):
            if measure.counted:
                row[at] = preference(measure.family, groups)
    return _result(tag, shared, measures, found, {}, len(preferences), settings)


def _shared(run: Run, judged: Sequence[str]) -> list[str]:
    """The queries that are judged and in the run, in the order of their bytes."""
    shared = sorted(set(run.query_ids).intersection(judged))
    if not shared:
        raise InputError(
            f"no query is both judged and in the run ({first_ten(judged[:3])}, ... against "
            f"{first_ten(run.query_ids[:3])}, ...): do they belong together?"
        )
    return shared


def _look(run: Run, judgements: Judgements, settings: TrecSettings) -> Look:
    ranked = look_through(run, judgements, ties=False)
    return Look(
        ranked.condensed if settings.judged_only else ranked, settings.level, settings.nine, settings.collection
    )


def _result(
    tag: str,
    queries: Sequence[str],
    measures: Sequence[Measure],
    found: npt.NDArray[np.float64],
    strings: dict[str, list[str]],
    judged: int,
    settings: TrecSettings,
) -> TrecResult:
    """Average the values of the queries."""
    if settings.zscores:
        for row, measure in zip(found, measures, strict=True):
            row[:] = [_zscore(x, settings.zscores.get((q, measure.name))) for q, x in zip(queries, row, strict=True)]
    whole = judged if settings.complete else len(queries)
    summary = [_summary(measure, row, whole) for measure, row in zip(measures, found, strict=True)]
    return TrecResult(tag, queries, tuple(measures), found, np.array(summary), strings)


def _zscore(value: float, known: tuple[float, float] | None) -> float:
    mean, deviation = known or (np.nan, np.nan)
    if deviation:
        return NO_ZSCORE if np.isnan(mean) else (value - mean) / deviation
    return 0.0 if value == mean else NO_ZSCORE


def _summary(measure: Measure, values: npt.NDArray[np.float64], queries: int) -> float:
    """The value over all queries. Values are added one by one, as in trec_eval, so that the last digit agrees."""
    if measure.summary == "queries":
        return float(queries)
    total = float(np.cumsum(values)[-1])
    if measure.summary == "geometric":
        missing = (queries - len(values)) * np.log(LEAST_OF_GEOMETRIC)
        return float(np.exp((total + missing) / queries))
    return total if measure.summary == "sum" else total / queries


def _relevance(ranked: Ranked, queries: Sequence[int], length: int) -> list[str]:
    """The labels of the first items as one character each: ``-`` without a label, ``.`` below 0, ``>`` above 9."""
    bounds = np.concatenate(([0], np.cumsum(np.bincount(ranked.query, minlength=len(ranked))))).tolist()
    found = []
    for query in queries:
        signs = ["-"] * max(0, min(length, int(ranked.retrieved[query])))
        for row in range(bounds[query], bounds[query + 1]):
            if ranked.rank[row] <= len(signs):
                label = int(ranked.label[row])
                signs[ranked.rank[row] - 1] = "." if label < 0 else ">" if label > 9 else str(label)
        found.append("".join(signs))
    return found
