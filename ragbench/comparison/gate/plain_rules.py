"""Decide rules on latency, cost, failures and coverage, which are measured or counted."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ragbench.comparison.gate.bounds import FEWEST_CLUSTERS, more_queries, share_bounds
from ragbench.comparison.gate.counts import decide_count
from ragbench.comparison.gate.matching import is_known
from ragbench.comparison.gate.result import Decided, weigh
from ragbench.comparison.gate.rules import CostRule, CoverageRule, FailuresRule, LatencyRule
from ragbench.core.scored import ScoredRun
from ragbench.stats.clusters import cluster_index


def measured_ms(run: ScoredRun, rule: LatencyRule) -> Mapping[str, float]:
    """Percentiles of the time that the rule is about; empty if the run has none."""
    return run.latency_ms if rule.part is None else run.parts_ms.get(rule.part, {})


def latency_name(rule: LatencyRule) -> str:
    """``latency p95``, ``ttft p95``."""
    return f"{rule.part or 'latency'} {rule.latency}"


def decide_latency(rule: LatencyRule, baseline: ScoredRun | None, candidate: ScoredRun) -> Decided:
    """Decide a rule on a latency percentile, within the noise that the rule allows. A run keeps only percentiles."""
    ours = measured_ms(candidate, rule)[rule.latency]
    compared = baseline is not None and rule.max_ratio is not None
    theirs = measured_ms(baseline, rule)[rule.latency] if baseline is not None and compared else None
    value, bound = (ours, rule.max_ms) if theirs is None else (ours / theirs, rule.max_ratio)
    assert bound is not None
    low, high = value / (1 + rule.noise), value * (1 + rule.noise)
    outcome, room = weigh(low, high, bound, at_least=False)
    said = {
        "pass": "below the ceiling, even with the noise",
        "fail": "above the ceiling, even with the noise",
        "inconclusive": f"within {rule.noise:.0%} of the ceiling: another run on a quiet machine may decide it",
    }
    reason, unmeasured = said[outcome], False
    if outcome == "pass" and rule.part != "ttft" and not is_known(candidate, rule.latency):
        outcome, room, unmeasured = "inconclusive", None, True
        reason = "it falls among requests that failed, of which only the timeout is known"
    asked = f"{bound:g} ms" if theirs is None else f"{bound:g} x the baseline"
    return Decided(
        name=rule.name or f"{latency_name(rule)} at most {asked}",
        kind="latency",
        outcome=outcome,
        value=value,
        low=low if rule.noise else None,
        high=high if rule.noise else None,
        bound=bound,
        at_least=False,
        unit="ms" if theirs is None else "x",
        n=len(candidate.queries),
        baseline=theirs,
        candidate=ours,
        room=room,
        method=f"noise of {rule.noise:.0%} either way" if rule.noise else "the plain number",
        reason=reason,
        unmeasured=unmeasured,
    )


def decide_cost(rule: CostRule, baseline: ScoredRun | None, candidate: ScoredRun) -> Decided:
    """Decide a rule on the cost of the run; nothing is estimated."""
    ours = candidate.cost_per_query or 0.0
    theirs = baseline.cost_per_query if baseline is not None and rule.max_ratio is not None else None
    value, bound = (ours, rule.max) if theirs is None else (ours / theirs, rule.max_ratio)
    assert bound is not None
    outcome, room = weigh(value, value, bound, at_least=False)
    asked = f"{bound:g}" if theirs is None else f"{bound:g} x the baseline"
    return Decided(
        name=rule.name or f"cost per query at most {asked}",
        kind="cost",
        outcome=outcome,
        value=value,
        low=None,
        high=None,
        bound=bound,
        at_least=False,
        unit="a query" if theirs is None else "x",
        n=len(candidate.queries),
        baseline=theirs,
        candidate=ours,
        room=room,
        method="the plain number",
        reason="what this run cost",
    )


def decide_share(rule: FailuresRule | CoverageRule, candidate: ScoredRun, *, below: float, above: float) -> Decided:
    """Decide a rule on a share of the queries, which is counted, or estimated if the rule decides by the interval."""
    if isinstance(rule, FailuresRule):
        values, at_least = _failed(candidate), False
        if rule.max is None:
            most = rule.max_count or 0
            lost = np.zeros(len(values), dtype=bool)
            units = candidate.queries.units
            return decide_count(
                values, lost, units, rule.name or f"at most {most} failures", most, below, kind="failures"
            )
        bound = rule.max
        name, kind = f"failure rate at most {bound:g}", "failures"
    else:
        values, bound, at_least = _covered(rule, candidate), rule.min, True
        name, kind = f"{rule.coverage} queries at least {bound:g}", "coverage"
    clusters = cluster_index(candidate.queries.units)
    # A ceiling passes by its upper bound.
    under, over = (below, above) if at_least else (above, below)
    bounds = share_bounds(values, clusters, below=under, above=over)
    counted = rule.decide == "mean"
    low, high = (bounds.mean, bounds.mean) if counted else (bounds.low, bounds.high)
    outcome, room = weigh(low, high, bound, at_least=at_least)
    more = more_queries(bounds, bound, under, over) if outcome == "inconclusive" else None
    reason = f"{round(float(values.sum()))} of {len(values)} queries"
    if counted:
        reason += ", counted in this run"
    elif bounds.low is None:
        reason += f"; fewer than {FEWEST_CLUSTERS} independent queries or documents are too few for an interval"
    elif more is not None:
        reason += f"; about {more:,} more would decide it in 4 of 5 runs, if the share stays"
    return Decided(
        name=rule.name or name,
        kind=kind,
        outcome=outcome,
        value=bounds.mean,
        low=None if counted else bounds.low,
        high=None if counted else bounds.high,
        bound=bound,
        at_least=at_least,
        n=bounds.n,
        clusters=bounds.clusters,
        candidate=bounds.mean,
        room=room,
        method="counted" if counted else bounds.method,
        reason=reason,
        more_queries=more,
        low_error=None if counted else under,
        high_error=None if counted else over,
        unmeasured=outcome == "inconclusive" and low is None,
    )


def _failed(run: ScoredRun) -> npt.NDArray[np.float64]:
    if run.run is not None:
        return np.array([float(id_ in run.run.failures) for id_ in run.queries.ids])
    # It is unknown which queries failed, so the first ones count as failed.
    return np.array([1.0] * run.failed + [0.0] * (len(run.queries) - run.failed))


def _covered(rule: CoverageRule, run: ScoredRun) -> npt.NDArray[np.float64]:
    if rule.coverage == "judged":
        without = {entry.item for entry in run.scores.ledger.of("no-relevant")}
        return np.array([float(id_ not in without) for id_ in run.queries.ids])
    missed = _failed(run) > 0
    if run.run is not None:
        missed |= np.diff(run.run.offsets) == 0
    return (~missed).astype(np.float64)
