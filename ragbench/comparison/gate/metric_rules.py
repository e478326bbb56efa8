"""Decide the rules on metrics."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ragbench.comparison.gate.applicable import metric_name, wanted_slices
from ragbench.comparison.gate.bounds import (
    Bounds,
    difference_bounds,
    over_wordings,
    ratio_ends,
    share_bounds,
)
from ragbench.comparison.gate.counts import counted, decide_count
from ragbench.comparison.gate.gap_rules import decide_gap
from ragbench.comparison.gate.outcomes import Asked, BothRuns, decided_by, name_of, skipped, turned_back
from ragbench.comparison.gate.result import Decided
from ragbench.comparison.gate.rules import MetricRule, Rule
from ragbench.comparison.human import METHOD, HumanLabels, powered
from ragbench.comparison.pairing import Pair, column
from ragbench.comparison.runs import errors_of
from ragbench.comparison.with_masked import MaskedSet, borrowed
from ragbench.comparison.wordings import wordings_of
from ragbench.core.brief import numbered
from ragbench.core.scored import NOT_ASKED, ScoredRun
from ragbench.stats.bounds import LARGEST
from ragbench.stats.clusters import cluster_averages, cluster_index
from ragbench.stats.paired_tests import TIE
from ragbench.stats.repeats import RunErrors, added

Values = npt.NDArray[np.float64]

WITH_MASKED = "posterior of the human queries and a masked set"


def decide_metric(
    rule: MetricRule,
    pair: Pair | None,
    candidate: ScoredRun,
    *,
    below: float,
    above: float,
    human: HumanLabels | None = None,
    masked: MaskedSet | None = None,
) -> Iterator[Decided]:
    """Decide the rule, once for each of its slices.

    Args:
        rule: a floor, a ceiling or a margin. A margin needs ``pair``.
        pair: baseline and candidate on the same queries.
        candidate: the candidate on all of its queries.
        below: probability that a broken rule passes.
        above: probability that a kept rule fails, over all slices.
        human: labels of annotators, which then decide a margin over all queries together with those of the evaluation.
        masked: both systems on a masked set, which then decides a margin over all queries together with these.
    """
    if human is not None and pair is not None:
        yield _by_annotators(rule, pair, human, below, above)
        return
    both = None if masked is None or pair is None else _with_masked(rule, pair, masked, below, above)
    if both is not None:
        yield both
        return
    if rule.kind == "gap":
        yield _gap(rule, candidate, below, above)
        return
    run = candidate if pair is None or not rule.compares else pair.candidate
    parts = wanted_slices(rule, run)
    if not parts:
        yield _decide(rule, pair, run, np.arange(len(run.queries)), "", below, above)
        return
    counts = {part.name: _with_relevant(rule, run, part.rows) for part in parts}
    large = sum(rule.by is None or count >= rule.min_queries for count in counts.values())
    for part in parts:
        if rule.by is None or counts[part.name] >= rule.min_queries:
            yield _decide(rule, pair, run, part.rows, part.name, below, above / large)
        else:
            yield skipped(rule, metric_name(run, rule.metric) or rule.metric, part.name, counts[part.name])


def _gap(rule: MetricRule, candidate: ScoredRun, below: float, above: float) -> Decided:
    metric = metric_name(candidate, rule.metric) or rule.metric
    decided = decide_gap(rule, metric, rule.name or name_of(rule, metric, ""), candidate, below=below, above=above)
    rows = np.arange(len(candidate.queries))
    lost = int((np.isnan(column(candidate, metric)) & _expected(candidate, metric, rows)).sum())
    if decided.outcome != "pass" or not lost:
        return decided
    reason = f"the candidate has no value for {lost} queries, which may differ from the others"
    return replace(decided, outcome="inconclusive", room=None, reason=reason, unmeasured=True)


def _by_annotators(rule: MetricRule, pair: Pair, human: HumanLabels, below: float, above: float) -> Decided:
    """Decide a margin by the prediction-powered difference; ``n`` is the number of queries that annotators labelled."""
    run = pair.candidate
    metric = metric_name(run, rule.metric) or rule.metric
    got = powered(pair, metric, human)
    both = got.found.combined
    turned = _turned(rule, run, metric)
    sign, ends = (-1.0, (1 - below, above)) if turned else (1.0, (below, 1 - above))
    low, high = (sign * both.limit(chance) for chance in ends)
    bounds = Bounds(sign * both.value, low, high, both.error, got.found.human, got.labelled_clusters, METHOD)
    asked = Asked(rule, metric, "", turned, (), pair.same_run, below, above, "queries with labels of annotators")
    decided = decided_by(asked, bounds, (got.baseline, got.baseline + both.value), 0.0 if turned else None, False)
    return turned_back(decided, 0.0) if turned else decided


def _with_masked(rule: MetricRule, pair: Pair, masked: MaskedSet, below: float, above: float) -> Decided | None:
    """Decide a margin by the posterior that `ragbench compare --masked` shows; None if there is none.

    How many more queries would decide, and which loss the gate sees, are those of the human queries alone.
    """
    metric = metric_name(pair.candidate, rule.metric) or rule.metric
    both = None if pair.same_run else borrowed(pair, metric, masked, 1 - 2 * below)
    if both is None:
        return None
    found, theirs = both.found, _mean(column(pair.baseline, metric))
    bounds = Bounds(
        found.posterior.median, found.limit(below), found.limit(1 - above), found.error, both.queries, both.clusters,
        WITH_MASKED,
    )  # fmt: skip
    asked = Asked(rule, metric, "", False, (), False, below, above, "human queries")
    return decided_by(asked, bounds, (theirs, _mean(column(pair.candidate, metric))), None, False)


def left_out(rules: Sequence[Rule], pair: Pair | None, candidate: ScoredRun) -> list[str]:
    """Note how many queries have no value of the metrics in the rules, and are skipped."""
    found: dict[tuple[str, bool], dict[str, None]] = {}
    for rule in rules:
        if not isinstance(rule, MetricRule):
            continue
        metric = metric_name(candidate, rule.metric) or rule.metric
        missing = int(np.isnan(column(candidate, metric)).sum())
        have = "has" if missing == 1 else "have"
        notes = [(f"{numbered(missing, 'query')} of the candidate {have} no value of", missing)]
        if rule.compares and pair is not None:
            theirs = column(pair.baseline, metric_name(pair.baseline, rule.metric) or rule.metric)
            one_sided = int((np.isnan(column(pair.candidate, metric)) != np.isnan(theirs)).sum())
            notes.append((f"for {numbered(one_sided, 'query')}, only one of the systems has a value of", one_sided))
        for note, count in notes:
            if count:
                found.setdefault((note, count == 1), {})[metric] = None
    return [
        f"{what} {', '.join(metrics)}; {'it is' if one else 'they are'} skipped"
        for (what, one), metrics in found.items()
    ]


def _with_relevant(rule: MetricRule, run: ScoredRun, rows: npt.NDArray[np.int64]) -> int:
    """Count the queries of a slice that can have a value, because something is relevant to them."""
    metric = metric_name(run, rule.metric) or rule.metric
    return int((_expected(run, metric, rows) | ~np.isnan(column(run, metric)[rows])).sum())


def _decide(
    rule: MetricRule,
    pair: Pair | None,
    run: ScoredRun,
    rows: npt.NDArray[np.int64],
    part: str,
    below: float,
    above: float,
) -> Decided:
    metric = metric_name(run, rule.metric) or rule.metric
    ours = column(run, metric)[rows]
    lost = np.isnan(ours) & _expected(run, metric, rows)
    if rule.kind == "count":
        units = [run.queries.units[row] for row in rows.tolist()]
        name = rule.name or name_of(rule, metric, part)
        return decide_count(
            counted(ours, rule), lost, units, name, rule.max_count or 0, below, metric=metric, slice=part
        )
    theirs, other, named_there = None, None, ""
    if rule.compares and pair is not None:
        other, named_there = pair.baseline, metric_name(pair.baseline, rule.metric) or rule.metric
        theirs = column(other, named_there)[rows]

    def varying(kept: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> BothRuns:
        at, averaged = rows[kept], rule.average == "documents"
        of_other = None if other is None else errors_of(other, named_there, at, clusters, by_document=averaged)
        return of_other, errors_of(run, metric, at, clusters, by_document=averaged)

    units = [run.queries.units[row] for row in rows.tolist()]
    # If both are the same run, nothing is estimated: they do not differ on any query.
    certain = theirs is not None and pair is not None and pair.same_run and bool((~np.isnan(ours)).any())
    wordings, turned = wordings_of(run.queries, rows), _turned(rule, run, metric)
    asked = Asked(
        rule, metric, part, turned, units, certain, below, above, rule.average, varying, wordings=wordings
    )  # fmt: skip
    decided = _weighed(asked, ours, theirs)
    if theirs is not None:
        lost = np.isnan(ours) & ~np.isnan(theirs)
    if decided.outcome != "pass" or not lost.any():
        return decided
    missing = f"the candidate has no value for {int(lost.sum())} queries: it passes without them, but"
    if not _shares(ours[~np.isnan(ours)]):
        reason = f"{missing} the missing values could be of any size"
        return replace(decided, outcome="inconclusive", room=None, reason=reason, unmeasured=True)
    # The lost values may be the bad ones, so a pass must also hold with the worst value in their place.
    bad = 1.0 if asked.turned else 0.0
    worst = _weighed(asked, np.where(lost, bad, ours), theirs)
    if worst.outcome == "pass":
        return decided
    reason = f"{missing} not if each counts {bad:g}"
    return replace(decided, outcome="inconclusive", room=worst.room, reason=reason, unmeasured=True)


def _turned(rule: MetricRule, run: ScoredRun, metric: str) -> bool:
    """Whether lower values are better for the rule."""
    return rule.max is not None or (rule.differs and run.scores.direction(metric) == "lower")


def _shares(values: Values) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _expected(run: ScoredRun, metric: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mark the queries that should have a value: those with something relevant on which the metric is defined."""
    # One issue log has the reasons of all answer metrics. Each reason begins with its metric.
    nothing = {
        entry.item
        for entry in run.scores.ledger.entries
        if entry.code == "no-relevant" or (entry.code in NOT_ASKED and entry.reason.startswith(f"{metric}: "))
    }
    return np.array([run.queries.ids[row] not in nothing for row in rows.tolist()], dtype=bool)


def _weighed(asked: Asked, ours: Values, theirs: Values | None) -> Decided:
    rule = asked.rule
    kept = ~np.isnan(ours) if theirs is None else ~(np.isnan(ours) | np.isnan(theirs))
    rows = np.flatnonzero(kept)
    clusters = cluster_index([asked.units[row] for row in rows.tolist()])
    runs = asked.varying(rows, clusters)
    after, before = ours[kept], None if theirs is None else theirs[kept]
    wordings = asked.wordings[kept] if before is not None and asked.wordings is not None else None
    if rule.average == "documents" and len(after):
        after = cluster_averages(after[:, None], clusters)[:, 0]
        before = None if before is None else cluster_averages(before[:, None], clusters)[:, 0]
        clusters = np.arange(len(after))
        wordings = wordings if len(after) == len(rows) else None
    means = (None if before is None else _mean(before), _mean(after))
    if before is None:
        bounded = _shares(after)
        turn = (1.0 if bounded else 0.0) if asked.turned else None
        values = after if turn is None else turn - after
        compute = share_bounds if bounded else difference_bounds
        bounds = compute(values, clusters, below=asked.below, above=asked.above, runs=runs[1])
        decided = decided_by(asked, bounds, means, turn, bounded)
        return decided if turn is None else turned_back(decided, turn)

    def at(ratio: float) -> Bounds:
        values = after - ratio * before
        values[np.abs(values) < TIE] = 0.0
        values = -values if asked.turned else values
        both = added(_times(runs[0], ratio), runs[1])
        found = difference_bounds(
            values, clusters, below=asked.below, above=asked.above, runs=both, largest=max(LARGEST, ratio)
        )
        return found if wordings is None else over_wordings(found, values, wordings)

    if rule.min_ratio is not None:
        return _decided_ratio(asked, at, rule.min_ratio, means)
    turn = 0.0 if asked.turned else None
    decided = decided_by(asked, at(1.0), means, turn, False)
    return decided if turn is None else turned_back(decided, turn)


def _times(runs: RunErrors | None, ratio: float) -> RunErrors | None:
    """How a mean varies from run to run, if it is multiplied by a number."""
    if runs is None:
        return None
    return RunErrors(runs.shared * ratio**2, runs.within * ratio**2, runs.squares * ratio**2, runs.df)


def _decided_ratio(
    asked: Asked, at: Callable[[float], Bounds], ratio: float, means: tuple[float | None, float | None]
) -> Decided:
    """Decide a ratio by the mean of ``candidate - ratio * baseline``, and show the interval of the ratio."""
    bounds, (theirs, ours) = at(ratio), means
    decided = decided_by(asked, bounds, means, None, False)
    if not theirs or ours is None:
        reason = decided.reason if theirs is None else "the baseline is 0 for every query, so there is no ratio"
        return replace(
            decided, value=None, low=None, high=None, bound=ratio, unit="x", outcome="inconclusive", room=None,
            reason=reason, catches=None, would_pass=None, more_queries=None, unmeasured=True,
        )  # fmt: skip
    value, scale = ours / theirs, theirs

    def as_ratio(difference: float | None) -> float | None:
        return None if difference is None else ratio + difference / scale

    low, high = (None, None) if bounds.low is None else ratio_ends(at, ratio, value)
    if asked.certain:
        low, high = value, value
    return replace(
        decided, value=value, low=low, high=high, bound=ratio, unit="x", room=_per(decided.room, scale),
        catches=as_ratio(decided.catches), would_pass=as_ratio(decided.would_pass),
    )  # fmt: skip


def _per(room: float | None, scale: float) -> float | None:
    return None if room is None else room / scale


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
