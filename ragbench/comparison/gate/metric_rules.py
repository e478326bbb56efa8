"""Check that the rules fit the runs, and decide the rules on metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import asin, sin, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ragbench.comparison.gate.bounds import (
    FEWEST_CLUSTERS,
    POWER,
    Bounds,
    difference_bounds,
    more_queries,
    over_wordings,
    share_bounds,
)
from ragbench.comparison.gate.result import Decided, weigh
from ragbench.comparison.gate.rules import CostRule, LatencyRule, MetricRule, Rule, Rules
from ragbench.comparison.human import METHOD, HumanLabels, powered
from ragbench.comparison.pairing import Pair, column
from ragbench.comparison.runs import errors_of
from ragbench.comparison.slices import BUILT_IN, Slice, slices
from ragbench.comparison.with_masked import MaskedSet, borrowed
from ragbench.comparison.wordings import wordings_of
from ragbench.core.errors import RagbenchError, SettingError, did_you_mean
from ragbench.core.scored import NOT_ASKED, ScoredRun
from ragbench.core.spelling import named
from ragbench.metrics.parse import parse
from ragbench.stats.clusters import cluster_averages, cluster_index
from ragbench.stats.paired_tests import TIE
from ragbench.stats.repeats import RunErrors, added


def check_applicable(
    rules: Rules, baseline: ScoredRun | None, candidate: ScoredRun, anchors: Mapping[str, ScoredRun]
) -> None:
    """Refuse rules that name something that the runs lack. Every fault is found before any rule is decided.

    Raises:
        SettingError: a metric, latency, cost, column or slice is missing, or a rule compares and there is no baseline;
            the message lists every fault.
    """
    faults = []
    for number, rule in enumerate(rules.rules, 1):
        if rule.needs_baseline and baseline is None:
            faults.append(f"rule {number} compares with a baseline, and none is given: {named('baseline')}")
            continue
        other = baseline if rule.needs_baseline else None
        if isinstance(rule, MetricRule) and rule.anchor is not None:
            other = anchors.get(rule.anchor)
            if other is None:
                faults.append(f"rule {number} measures from the anchor {rule.anchor!r}, and none of that name is given")
                continue
        compared = [candidate] if other is None else [other, candidate]
        faults += [f"rule {number}: {fault}" for fault in _faults(rule, compared)]
    if faults:
        where = f"{rules.source}: " if rules.source else ""
        raise SettingError("\n".join(where + fault for fault in faults))


def metric_name(run: ScoredRun, written: str) -> str | None:
    """Return the run's name for a metric that may be written differently (``nDCG@10``), or None if the run lacks it."""
    if written in run.scores.metrics:
        return written
    try:
        name = str(parse(written))
    except RagbenchError:
        return None
    return name if name in run.scores.metrics else None


def wanted_slices(rule: MetricRule, run: ScoredRun) -> tuple[Slice, ...]:
    """Return the slices of a rule; none if it is about all queries.

    A slice is named by its label, or by the first word of the label (``length=short``).
    """
    if rule.by is not None:
        return slices(run.queries, rule.by)
    if rule.slice is None:
        return ()
    column, _, value = rule.slice.partition("=")
    found = slices(run.queries, column.strip())
    exact = [part for part in found if part.label == value.strip()]
    return tuple(exact or [part for part in found if part.label.partition(" (")[0] == value.strip()])


def _faults(rule: Rule, runs: list[ScoredRun]) -> Iterator[str]:
    for run in runs:
        if isinstance(rule, MetricRule):
            if metric_name(run, rule.metric) is None:
                yield f"{run.name} has no metric {rule.metric!r}{did_you_mean(rule.metric, run.scores.metrics)}"
                break
        elif isinstance(rule, LatencyRule):
            if not run.latency_ms.get(rule.latency, 0) > 0:
                there = ", ".join(sorted(key for key, value in run.latency_ms.items() if value > 0)) or "none"
                yield f"{run.name} has no latency {rule.latency}; recorded: {there}"
        elif isinstance(rule, CostRule):
            if run.cost_per_query is None:
                yield f"{run.name} has no cost per query recorded; remove the rule, or evaluate with prices"
            elif rule.max_ratio is not None and run is runs[0] and run.cost_per_query <= 0:
                yield f"the baseline {run.name} cost nothing, so there is no ratio; write max in place of max_ratio"
    if isinstance(rule, MetricRule):
        yield from _direction_faults(rule, runs[0])
        yield from _slice_faults(rule, runs[0])


def _direction_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    name = metric_name(run, rule.metric)
    if rule.margin is not None and name is not None and run.scores.direction(name) == "none":
        yield f"for {name}, neither more nor less is better, so it has no margin; write min or max"
    if name is not None and run.scores.geometric(name):
        yield f"{name} is a geometric mean, and rules are on arithmetic means; write a rule on map"


def _slice_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    column = rule.by if rule.by is not None else (rule.slice or "").partition("=")[0].strip()
    if not column:
        return
    there = [*BUILT_IN, *run.queries.columns]
    if column not in there:
        yield f"the queries have no column {column!r}{did_you_mean(column, there)}"
        return
    try:
        found = wanted_slices(rule, run)
    except RagbenchError as error:
        yield str(error).removeprefix(f"{named('by')} ")
        return
    if not found:
        labels = [part.label for part in slices(run.queries, column)]
        wanted = (rule.slice or "").partition("=")[2].strip()
        yield f"no query has {column} {wanted!r}{did_you_mean(wanted, labels)}"


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
    run = candidate if pair is None or rule.margin is None else pair.candidate
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
            yield _skipped(rule, metric_name(run, rule.metric) or rule.metric, part.name, counts[part.name])


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
    asked = _Asked(rule, metric, "", turned, (), pair.same_run, below, above, "queries with labels of annotators")
    decided = _decided(asked, bounds, (got.baseline, got.baseline + both.value), 0.0 if turned else None, False)
    return _turned_back(decided, 0.0) if turned else decided


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
    asked = _Asked(rule, metric, "", False, (), False, below, above, "human queries")
    return _decided(asked, bounds, (theirs, _mean(column(pair.candidate, metric))), None, False)


def left_out(rules: Sequence[Rule], pair: Pair | None, candidate: ScoredRun) -> list[str]:
    """Note how many queries have no value of the metrics in the rules, and are skipped."""
    found: dict[str, dict[str, None]] = {}
    for rule in rules:
        if not isinstance(rule, MetricRule):
            continue
        metric = metric_name(candidate, rule.metric) or rule.metric
        missing = int(np.isnan(column(candidate, metric)).sum())
        notes = [f"{missing} queries of the candidate have no value of" if missing else ""]
        if rule.margin is not None and pair is not None:
            theirs = column(pair.baseline, metric_name(pair.baseline, rule.metric) or rule.metric)
            one_sided = np.isnan(column(pair.candidate, metric)) != np.isnan(theirs)
            if one_sided.any():
                notes.append(f"for {int(one_sided.sum())} queries, only one of the systems has a value of")
        for note in filter(None, notes):
            found.setdefault(note, {})[metric] = None
    return [f"{what} {', '.join(metrics)}; they are skipped" for what, metrics in found.items()]


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
    theirs, other, named_there = None, None, ""
    if rule.margin is not None and pair is not None:
        other, named_there = pair.baseline, metric_name(pair.baseline, rule.metric) or rule.metric
        theirs = column(other, named_there)[rows]

    def varying(kept: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> RunErrors | None:
        at, averaged = rows[kept], rule.average == "documents"
        of_other = None if other is None else errors_of(other, named_there, at, clusters, by_document=averaged)
        return added(of_other, errors_of(run, metric, at, clusters, by_document=averaged))

    units = [run.queries.units[row] for row in rows.tolist()]
    # If both are the same run, nothing is estimated: they do not differ on any query.
    certain = theirs is not None and pair is not None and pair.same_run and bool((~np.isnan(ours)).any())
    wordings, turned = wordings_of(run.queries, rows), _turned(rule, run, metric)
    asked = _Asked(
        rule, metric, part, turned, units, certain, below, above, rule.average, varying, wordings=wordings
    )  # fmt: skip
    decided = _weighed(asked, ours, theirs)
    lost = np.isnan(ours) & (_expected(run, metric, rows) if theirs is None else ~np.isnan(theirs))
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
    return rule.max is not None or (rule.margin is not None and run.scores.direction(metric) == "lower")


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


def _steady(kept: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> None:
    """Nothing is known of how runs vary."""


@dataclass(frozen=True)
class _Asked:
    """One rule on one slice.

    Attributes:
        rule: the rule.
        metric: name of the metric in the run.
        part: name of the slice, or empty.
        turned: whether lower values are better for the rule.
        units: resampling unit of each query.
        certain: whether both systems are the same run.
        below, above: error rates of the interval on each side.
        queries: what more of would narrow the interval.
        varying: how the mean over these rows of the slice, in these clusters, varies from run to run.
        wordings: wording of each query; None if one of them has none.
    """

    rule: MetricRule
    metric: str
    part: str
    turned: bool
    units: Sequence[str]
    certain: bool
    below: float
    above: float
    queries: str = "queries"
    varying: Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], RunErrors | None] = _steady
    wordings: npt.NDArray[np.str_] | None = None


def _weighed(asked: _Asked, ours: Values, theirs: Values | None) -> Decided:
    values = ours if theirs is None else ours - theirs
    kept = ~np.isnan(values)
    values = values[kept]
    values[np.abs(values) < TIE] = 0.0
    before, after = None if theirs is None else theirs[kept], ours[kept]
    clusters = cluster_index([asked.units[row] for row in np.flatnonzero(kept).tolist()])
    runs = asked.varying(np.flatnonzero(kept), clusters)
    if asked.rule.average == "documents" and len(values):
        values, after = cluster_averages(np.column_stack((values, after)), clusters).T
        before = None if before is None else cluster_averages(before[:, None], clusters)[:, 0]
        clusters = np.arange(len(values))
    means = (None if before is None else _mean(before), _mean(after))
    bounded = theirs is None and _shares(values)
    turn = (1.0 if bounded else 0.0) if asked.turned else None
    values = values if turn is None else turn - values
    compute = share_bounds if bounded else difference_bounds
    bounds = compute(values, clusters, below=asked.below, above=asked.above, runs=runs)
    if theirs is not None and asked.wordings is not None and len(values) == kept.sum():
        bounds = over_wordings(bounds, values, asked.wordings[kept])
    decided = _decided(asked, bounds, means, turn, bounded)
    return decided if turn is None else _turned_back(decided, turn)


def _bound(rule: MetricRule, turn: float | None) -> float:
    if rule.max is not None:
        return (turn or 0.0) - rule.max
    return rule.min if rule.min is not None else -(rule.margin or 0.0)


def _turned_back(decided: Decided, turn: float) -> Decided:
    def back(value: float | None) -> float | None:
        return None if value is None else turn - value

    return replace(
        decided,
        value=back(decided.value),
        low=back(decided.high),
        high=back(decided.low),
        low_error=decided.high_error,
        high_error=decided.low_error,
        bound=turn - decided.bound,
        at_least=False,
        catches=decided.catches if decided.kind == "margin" else back(decided.catches),
    )


def _decided(
    asked: _Asked, bounds: Bounds, means: tuple[float | None, float | None], turn: float | None, shares: bool
) -> Decided:
    rule, certain = asked.rule, asked.certain
    bound = _bound(rule, turn)
    low, high = (0.0, 0.0) if certain else (bounds.low, bounds.high)
    on_mean = rule.decide == "mean"
    outcome, room = weigh(bounds.mean if on_mean else low, bounds.mean if on_mean else high, bound, at_least=True)
    more = None
    if outcome == "inconclusive" and not bounds.by_wording:
        more = more_queries(bounds, bound, asked.below, asked.above)
    return Decided(
        name=rule.name or _name(rule, asked.metric, asked.part),
        kind=_kind(rule),
        outcome=outcome,
        value=bounds.mean,
        low=low,
        high=high,
        bound=bound,
        at_least=True,
        metric=asked.metric,
        slice=asked.part,
        anchor=rule.anchor or "",
        average=rule.average,
        n=bounds.n,
        clusters=bounds.clusters,
        baseline=means[0],
        candidate=means[1],
        room=room,
        method="the same run" if certain else bounds.method + (", decided on the mean" if on_mean else ""),
        reason=_reason(asked, bounds, outcome, more),
        more_queries=more,
        low_error=None if certain or low is None else asked.below,
        high_error=None if certain or high is None else asked.above,
        catches=None if certain or on_mean else _caught(asked, bounds, bound, shares),
        unmeasured=outcome == "inconclusive" and (bounds.mean is None or (bounds.low is None and not on_mean)),
    )


def _caught(asked: _Asked, bounds: Bounds, bound: float, shares: bool) -> float | None:
    """Compute what would have failed in four of five runs: a loss for a margin, else a value; None if nothing would.

    A rule fails if the upper end of its interval lies below the bound. So the true value must lie below the bound by
    the reach of the interval, and by another .84 standard errors. The reach of a share changes with the share; its
    arcsine has the same reach everywhere (Cohen 1988, chapter 6).
    """
    if bounds.mean is None or bounds.high is None or bounds.error is None:
        return None
    extra = float(ndtri(POWER))
    if not shares:
        value = bound - (bounds.high - bounds.mean) - extra * bounds.error
        return -value if asked.rule.margin is not None else value
    size = bounds.mean * (1 - bounds.mean) / bounds.error**2 if bounds.error else bounds.clusters
    angle = asin(sqrt(min(max(bound, 0.0), 1.0))) - (extra - float(ndtri(asked.above))) / (2 * sqrt(size))
    return sin(angle) ** 2 if angle > 0 else None


def _reason(asked: _Asked, bounds: Bounds, outcome: str, more: int | None) -> str:
    rule, certain = asked.rule, asked.certain
    if certain:
        return "the candidate is the same run as the baseline, so nothing differs"
    if bounds.n == 0:
        return "no query has a value"
    if rule.decide == "mean":
        return "decided on the mean alone, as the rule says, so noise can change the outcome"
    if bounds.low is None:
        return (
            f"{bounds.clusters} independent queries or documents are too few for an interval (at least "
            f"{FEWEST_CLUSTERS}; more where all values are equal)"
        )
    what = "the loss" if rule.margin is not None else "the value"
    limit = f"the {_kind(rule)}"
    if outcome == "pass":
        return f"{what} clearly {'reaches' if rule.min is not None else 'stays within'} {limit}"
    if outcome == "fail":
        return f"{what} clearly {'misses' if rule.min is not None else 'exceeds'} {limit}"
    worse = rule.margin is not None and bounds.high is not None and bounds.high < 0
    known = f"it is worse, but maybe by less than {limit}" if worse else f"{limit} lies within the interval"
    if bounds.by_wording:
        return f"{known} of a further wording; queries of users would decide it, but more queries like these may not"
    if more is None:
        return f"{known}; the value is too close to it for any realistic number of queries"
    documents = -(-more * bounds.clusters // bounds.n)
    source = f" from {documents:,} more documents" if bounds.clusters < bounds.n else ""
    return f"{known}; about {more:,} more {asked.queries}{source} would decide it in 4 of 5 runs, if the value stays"


def _skipped(rule: MetricRule, metric: str, part: str, n: int) -> Decided:
    return Decided(
        name=rule.name or _name(rule, metric, part),
        kind=_kind(rule),
        outcome="skipped",
        value=None,
        low=None,
        high=None,
        bound=_bound(rule, None) if rule.max is None else rule.max,
        at_least=rule.max is None,
        metric=metric,
        slice=part,
        anchor=rule.anchor or "",
        average=rule.average,
        n=n,
        reason=f"{n} queries with a relevant item; slices under {rule.min_queries} (min_queries) are not decided",
    )


def _name(rule: MetricRule, metric: str, part: str) -> str:
    where = f" ({part})" if part else ""
    where += ", by document" if rule.average == "documents" else ""
    if rule.margin is not None:
        start = f" from {rule.anchor}" if rule.anchor is not None else ""
        return f"{metric} loses at most {rule.margin:g}{start}{where}"
    if rule.max is not None:
        return f"{metric} at most {rule.max:g}{where}"
    return f"{metric} at least {rule.min:g}{where}"


def _kind(rule: MetricRule) -> str:
    return "margin" if rule.margin is not None else "floor" if rule.min is not None else "ceiling"


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
