"""Score a run against judgements."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.runs import Run
from ragbench.core.scores import Scores
from ragbench.metrics.base import Metric
from ragbench.metrics.parse import parse_all
from ragbench.metrics.ranked import Ranked, look_through

Ties = Literal["trec", "expected"]
TIES: tuple[Ties, ...] = ("trec", "expected")


def score(
    run: Run,
    judgements: Judgements,
    metrics: Sequence[Metric | str] | Metric | str,
    *,
    ties: Ties = "trec",
) -> Scores:
    """Compute every metric for every query of the judgements.

    A query that the run lacks, or for which nothing was retrieved, scores 0; the issue log lists it as
    ``not-retrieved``. A query without a relevant item is NaN on the metrics that need one; the issue log lists it as
    ``no-relevant``. Queries of the run without judgements are skipped and listed as ``not-judged``. Unjudged items
    count as not relevant. If no retrieved item at all is judged, the issue log says ``nothing-judged``: the ids are
    probably of another unit or chunking.

    Args:
        run: a ranking per query. Its vocabulary may differ from that of the judgements.
        judgements: the queries to score, and their labels.
        metrics: metrics or their names (`ragbench.metrics.parse`). A repeated metric counts once.
        ties: ``"trec"`` orders equal scores by id descending, as trec_eval does;
            ``"expected"`` averages over all their orders (McSherry and Najork, ECIR 2008).

    Returns:
        Scores with a row per query of the judgements, in their order. Memory: a few columns of the judged rows, and
        some megabytes.

    Raises:
        SettingError: a metric or setting is unknown, or a metric has no expected value under ties.
        InputError: the run and the judgements have no query in common.

    Examples:
        >>> run = rb.Run.from_dict({"q1": {"a": 0.9, "b": 0.5}})
        >>> judgements = rb.Judgements.from_dict({"q1": {"b": 1}})
        >>> rb.score(run, judgements, "mrr@10").means()
        {'mrr@10': 0.5}
    """
    if ties not in TIES:
        raise SettingError(f"no tie rule {ties!r}{did_you_mean(str(ties), TIES)}")
    chosen = parse_all(metrics)
    _check_queries(run, judgements)
    ranked = look_through(run, judgements, ties=ties == "expected")
    values = np.empty((len(chosen), len(ranked)))
    for row, metric in zip(values, chosen, strict=True):
        row[:] = metric_values(metric, ranked, ties)
    entries = [
        *_not_retrieved(run, ranked),
        *_no_relevant(ranked, chosen),
        *_not_judged(run, judgements),
        *_nothing_judged(ranked),
    ]
    return Scores(
        judgements.query_ids,
        tuple(str(metric) for metric in chosen),
        values.T,
        Ledger(tuple(entries)),
        {str(metric): metric.direction for metric in chosen if metric.direction != "higher"},
        {str(metric): metric.average for metric in chosen if metric.average != "mean"},
    )


def metric_values(metric: Metric, ranked: Ranked, ties: Ties = "trec") -> npt.NDArray[np.float64]:
    """(q,) Values of one metric; NaN for a query without a relevant item, if the metric needs one."""
    seen = ranked.condensed if metric.judged_only else ranked
    values = metric.values(seen) if ties == "trec" else metric.expected(seen)
    if metric.needs_level is None:
        return values
    return np.where(ranked.total(metric.needs_level) == 0, np.nan, values)


def _check_queries(run: Run, judgements: Judgements) -> None:
    if run.query_ids is judgements.query_ids or not len(run) or not len(judgements):
        return
    if set(run.query_ids).isdisjoint(judgements.query_ids):
        raise InputError(
            f"none of the run's {len(run)} queries ({first_ten(run.query_ids[:3])}, ...) is judged "
            f"({first_ten(judgements.query_ids[:3])}, ...): do the run and the judgements belong together?"
        )


def _not_retrieved(run: Run, ranked: Ranked) -> Iterator[LedgerEntry]:
    empty = np.flatnonzero(ranked.retrieved == 0).tolist()
    asked = set(run.query_ids) if empty else set()
    for query in empty:
        id_ = ranked.judgements.query_ids[query]
        why = run.failures.get(id_) or ("nothing was retrieved" if id_ in asked else "the run lacks this query")
        yield LedgerEntry("score", id_, f"{why}; it counts as 0", "not-retrieved")


def _no_relevant(ranked: Ranked, metrics: Sequence[Metric]) -> Iterator[LedgerEntry]:
    for level in sorted({metric.needs_level for metric in metrics if metric.needs_level is not None}):
        without = np.flatnonzero(ranked.total(level) == 0).tolist()
        names = ", ".join(str(metric) for metric in metrics if metric.needs_level == level)
        reason = f"no item is judged relevant (label {level} or above); skipped by {names}"
        for query in without:
            yield LedgerEntry("score", ranked.judgements.query_ids[query], reason, "no-relevant")


def _not_judged(run: Run, judgements: Judgements) -> Iterator[LedgerEntry]:
    if run.query_ids is judgements.query_ids:
        return
    judged = set(judgements.query_ids)
    for id_ in run.query_ids:
        if id_ not in judged:
            yield LedgerEntry("score", id_, "the judgements lack this query; it is skipped", "not-judged")


def _nothing_judged(ranked: Ranked) -> Iterator[LedgerEntry]:
    retrieved = int(ranked.retrieved.sum())
    if retrieved and not len(ranked.query):
        reason = (
            f"none of the {retrieved} retrieved items is judged: "
            "are the run's ids of the same unit (chunks or documents) and chunking as the judgements'?"
        )
        yield LedgerEntry("score", "run", reason, "nothing-judged")
