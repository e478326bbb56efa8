"""Check that the rules fit the runs, and decide the rules on metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import asin, sin, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ragbench.comparison.exposure import gaps
from ragbench.comparison.gate.bounds import (
    FEWEST_CLUSTERS,
    POWER,
    Bounds,
    difference_bounds,
    more_queries,
    over_wordings,
    ratio_ends,
    share_bounds,
)
from ragbench.comparison.gate.counts import COUNTED, count_words, counted, decide_count
from ragbench.comparison.gate.gap_rules import decide_gap
from ragbench.comparison.gate.plain_rules import latency_name, measured_ms
from ragbench.comparison.gate.result import DIFFERENCES, Decided, weigh
from ragbench.comparison.gate.rules import CostRule, ExposureRule, LatencyRule, MetricKind, MetricRule, Rule, Rules
from ragbench.comparison.human import METHOD, HumanLabels, powered
from ragbench.comparison.pairing import Pair, column
from ragbench.comparison.runs import errors_of
from ragbench.comparison.slices import BUILT_IN, Slice, of_corpus, slices
from ragbench.comparison.with_masked import MaskedSet, borrowed
from ragbench.comparison.wordings import wordings_of
from ragbench.core.errors import InputError, RagbenchError, SettingError, did_you_mean
from ragbench.core.scored import NOT_ASKED, ScoredRun
from ragbench.core.spelling import given, named
from ragbench.metrics.parse import parse
from ragbench.stats.bounds import LARGEST
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
            yield from _latency_faults(rule, run)
        elif isinstance(rule, ExposureRule):
            yield from _exposure_faults(rule, run)
        elif isinstance(rule, CostRule):
            if run.cost_per_query is None:
                yield f"{run.name} has no cost per query recorded; remove the rule, or evaluate with prices"
            elif rule.max_ratio is not None and run is runs[0] and run.cost_per_query <= 0:
                yield f"the baseline {run.name} cost nothing, so there is no ratio; write max in place of max_ratio"
    if isinstance(rule, MetricRule):
        yield from _direction_faults(rule, runs[0])
        yield from _slice_faults(rule, runs[0])


def _exposure_faults(rule: ExposureRule, run: ScoredRun) -> Iterator[str]:
    try:
        gaps(run, rule.exposure, rule.k)
    except InputError as error:
        yield str(error).removeprefix(f"{given('by', rule.exposure)}: ")


def _latency_faults(rule: LatencyRule, run: ScoredRun) -> Iterator[str]:
    found = measured_ms(run, rule)
    if found.get(rule.latency, 0) > 0:
        return
    there = ", ".join(sorted(key for key, value in found.items() if value > 0)) or "none"
    if rule.part is None or there != "none":
        yield f"{run.name} has no {latency_name(rule)}; recorded: {there}"
        return
    parts = ", ".join(name for name, values in run.parts_ms.items() if values) or "none"
    yield f"{run.name} has no {latency_name(rule)}; recorded parts of the time: {parts}"


def _direction_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    name = metric_name(run, rule.metric)
    direction = "none" if name is None else run.scores.direction(name)
    if rule.compares and name is not None and direction == "none":
        yield f"for {name}, neither more nor less is better, so it has no {rule.kind}; write min or max"
    if rule.min_ratio is not None and direction == "lower":
        yield f"less of {name} is better, so a ratio has no minimum; write min_gain or margin"
    if rule.kind == "count" and rule.above is None and rule.below is None and direction == "higher":
        yield (
            f"more of {name} is better, so nothing is wrong with a value above 0; write below: the value that "
            "counts, in a file of rules"
        )
    if name is not None and run.scores.geometric(name):
        yield f"{name} is a geometric mean, and rules are on arithmetic means; write a rule on map"


def _slice_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    column = rule.by if rule.by is not None else (rule.slice or "").partition("=")[0].strip()
    if not column:
        return
    there = [*BUILT_IN, *run.queries.columns]
    if column not in there:
        yield f"the queries have no column {column!r}{did_you_mean(column, there)}; {of_corpus(column)}"
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
            yield _skipped(rule, metric_name(run, rule.metric) or rule.metric, part.name, counts[part.name])


def _gap(rule: MetricRule, candidate: ScoredRun, below: float, above: float) -> Decided:
    metric = metric_name(candidate, rule.metric) or rule.metric
    decided = decide_gap(rule, metric, rule.name or _name(rule, metric, ""), candidate, below=below, above=above)
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
        if rule.compares and pair is not None:
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
    lost = np.isnan(ours) & _expected(run, metric, rows)
    if rule.kind == "count":
        units = [run.queries.units[row] for row in rows.tolist()]
        name = rule.name or _name(rule, metric, part)
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
    asked = _Asked(
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


BothRuns = tuple[RunErrors | None, RunErrors | None]
"""How the baseline and the candidate vary from run to run."""


def _steady(kept: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> BothRuns:
    """Nothing is known of how runs vary."""
    return None, None


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
        varying: how both means over these rows of the slice, in these clusters, vary from run to run.
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
    varying: Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], BothRuns] = _steady
    wordings: npt.NDArray[np.str_] | None = None


def _weighed(asked: _Asked, ours: Values, theirs: Values | None) -> Decided:
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
        decided = _decided(asked, bounds, means, turn, bounded)
        return decided if turn is None else _turned_back(decided, turn)

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
    decided = _decided(asked, at(1.0), means, turn, False)
    return decided if turn is None else _turned_back(decided, turn)


def _times(runs: RunErrors | None, ratio: float) -> RunErrors | None:
    """How a mean varies from run to run, if it is multiplied by a number."""
    if runs is None:
        return None
    return RunErrors(runs.shared * ratio**2, runs.within * ratio**2, runs.squares * ratio**2, runs.df)


def _decided_ratio(
    asked: _Asked, at: Callable[[float], Bounds], ratio: float, means: tuple[float | None, float | None]
) -> Decided:
    """Decide a ratio by the mean of ``candidate - ratio * baseline``, and show the interval of the ratio."""
    bounds, (theirs, ours) = at(ratio), means
    decided = _decided(asked, bounds, means, None, False)
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


def _bound(rule: MetricRule, turn: float | None) -> float:
    """The bound of what must be at least that much."""
    if rule.max is not None:
        return (turn or 0.0) - rule.max
    if rule.margin is not None:
        return -rule.margin
    return rule.min or rule.min_gain or 0.0


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
        catches=decided.catches if decided.kind in DIFFERENCES else back(decided.catches),
    )


def _decided(
    asked: _Asked, bounds: Bounds, means: tuple[float | None, float | None], turn: float | None, shares: bool
) -> Decided:
    rule, certain = asked.rule, asked.certain
    bound = _bound(rule, turn)
    low, high = (bounds.mean, bounds.mean) if certain else (bounds.low, bounds.high)
    on_mean = rule.decide == "mean"
    outcome, room = weigh(
        bounds.mean if on_mean else low, bounds.mean if on_mean else high, bound, at_least=True,
        strict=rule.superiority,
    )  # fmt: skip
    more = None
    if outcome == "inconclusive" and not bounds.by_wording:
        more = more_queries(bounds, bound, asked.below, asked.above)
    estimated = not certain and not on_mean
    decided = Decided(
        name=rule.name or _name(rule, asked.metric, asked.part),
        kind=rule.kind,
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
        more_queries=more,
        low_error=None if certain or low is None else asked.below,
        high_error=None if certain or high is None else asked.above,
        catches=_caught(asked, bounds, bound, shares) if estimated else None,
        would_pass=_passing(bounds, bound) if estimated and (rule.improves or rule.kind == "ratio") else None,
        unmeasured=outcome == "inconclusive" and (bounds.mean is None or (bounds.low is None and not on_mean)),
    )
    return replace(decided, reason=_reason(asked, bounds, decided))


def _passing(bounds: Bounds, bound: float) -> float | None:
    """Compute the true mean that would have passed in four of five runs: the reach of the lower end and .84 errors."""
    if bounds.mean is None or bounds.low is None or bounds.error is None:
        return None
    return bound + (bounds.mean - bounds.low) + float(ndtri(POWER)) * bounds.error


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
        return -value if asked.rule.differs else value
    size = bounds.mean * (1 - bounds.mean) / bounds.error**2 if bounds.error else bounds.clusters
    angle = asin(sqrt(min(max(bound, 0.0), 1.0))) - (extra - float(ndtri(asked.above))) / (2 * sqrt(size))
    return sin(angle) ** 2 if angle > 0 else None


def _reason(asked: _Asked, bounds: Bounds, decided: Decided) -> str:
    rule, outcome, more = asked.rule, decided.outcome, decided.more_queries
    if asked.certain:
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
    what, limit = WORDS[rule.kind]
    if outcome == "pass":
        return f"{what} clearly {'stays within' if rule.kind in ('margin', 'ceiling') else 'reaches'} {limit}"
    if outcome == "fail":
        return f"{what} clearly {'exceeds' if rule.kind in ('margin', 'ceiling') else 'misses'} {limit}"
    worse = rule.margin is not None and bounds.high is not None and bounds.high < 0
    known = f"it is worse, but maybe by less than {limit}" if worse else f"{limit} lies within the interval"
    if bounds.by_wording:
        return f"{known} of a further wording; queries of users would decide it, but more queries like these may not"
    if more is None:
        return f"{known}; the value is too close to it for any realistic number of queries"
    documents = -(-more * bounds.clusters // bounds.n)
    source = f" from {documents:,} more documents" if bounds.clusters < bounds.n else ""
    return f"{known}; about {more:,} more {asked.queries}{source} would decide it in 4 of 5 runs, if the value stays"


WORDS: dict[MetricKind, tuple[str, str]] = {
    "floor": ("the value", "the floor"),
    "ceiling": ("the value", "the ceiling"),
    "margin": ("the loss", "the margin"),
    "gain": ("the gain", "the gain that is asked for"),
    "superiority": ("the gain", "a gain above 0"),
    "ratio": ("the ratio", "the ratio that is asked for"),
}
"""How a reason calls the value and the limit of a rule."""


def _skipped(rule: MetricRule, metric: str, part: str, n: int) -> Decided:
    ceiling = rule.max if rule.max is not None else rule.max_count
    bound = rule.min_ratio if rule.min_ratio is not None else _bound(rule, None)
    return Decided(
        name=rule.name or _name(rule, metric, part),
        kind=rule.kind,
        outcome="skipped",
        value=None,
        low=None,
        high=None,
        bound=bound if ceiling is None else ceiling,
        at_least=ceiling is None,
        unit={"ratio": "x", "count": COUNTED}.get(rule.kind, ""),
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
    start = f" from {rule.anchor}" if rule.anchor is not None else ""
    return f"{metric} {_limit(rule, start)}{where}"


def _limit(rule: MetricRule, start: str) -> str:
    match rule.kind:
        case "margin":
            return f"loses at most {rule.margin:g}{start}"
        case "gain":
            return f"improves by at least {rule.min_gain:g}{start}"
        case "superiority":
            return f"improves{start}"
        case "ratio":
            return f"at least {rule.min_ratio:g} x {rule.anchor or 'the baseline'}"
        case "gap":
            return f"differs by at most {rule.max_gap:g} between values of {rule.by}"
        case "count":
            return f"{count_words(rule)} in at most {rule.max_count} {'query' if rule.max_count == 1 else 'queries'}"
        case "ceiling":
            return f"at most {rule.max:g}"
        case "floor":
            return f"at least {rule.min:g}"


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
