"""From the bounds of a value to the outcome of a rule, with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import asin, sin, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ragbench.comparison.gate.bounds import (
    FEWEST_CLUSTERS,
    POWER,
    Bounds,
    more_queries,
)
from ragbench.comparison.gate.counts import COUNTED, count_words
from ragbench.comparison.gate.result import DIFFERENCES, Decided, weigh
from ragbench.comparison.gate.rules import MetricKind, MetricRule
from ragbench.stats.repeats import RunErrors

BothRuns = tuple[RunErrors | None, RunErrors | None]
"""How the baseline and the candidate vary from run to run."""


def _steady(kept: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> BothRuns:
    """Nothing is known of how runs vary."""
    return None, None


@dataclass(frozen=True)
class Asked:
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


def decided_by(
    asked: Asked, bounds: Bounds, means: tuple[float | None, float | None], turn: float | None, shares: bool
) -> Decided:
    """Decide a rule by the bounds of its value.

    Args:
        asked: the rule and its slice.
        bounds: of the value, turned so that more is better.
        means: of the baseline and of the candidate.
        turn: the number that the value was subtracted from; None if it was not turned.
        shares: whether the values are shares.
    """
    rule, certain = asked.rule, asked.certain
    bound = bound_of(rule, turn)
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
        name=rule.name or name_of(rule, asked.metric, asked.part),
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


def turned_back(decided: Decided, turn: float) -> Decided:
    """The decision on ``turn - value`` as one on the value."""

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


def bound_of(rule: MetricRule, turn: float | None) -> float:
    """The bound of what must be at least that much."""
    if rule.max is not None:
        return (turn or 0.0) - rule.max
    if rule.margin is not None:
        return -rule.margin
    return rule.min or rule.min_gain or 0.0


def _passing(bounds: Bounds, bound: float) -> float | None:
    """Compute the true mean that would have passed in four of five runs: the reach of the lower end and .84 errors."""
    if bounds.mean is None or bounds.low is None or bounds.error is None:
        return None
    return bound + (bounds.mean - bounds.low) + float(ndtri(POWER)) * bounds.error


def _caught(asked: Asked, bounds: Bounds, bound: float, shares: bool) -> float | None:
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


def _reason(asked: Asked, bounds: Bounds, decided: Decided) -> str:
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


def name_of(rule: MetricRule, metric: str, part: str) -> str:
    """What the rule asks of the metric on a slice, in words."""
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


def skipped(rule: MetricRule, metric: str, part: str, n: int) -> Decided:
    """The decision on a slice with too few queries."""
    ceiling = rule.max if rule.max is not None else rule.max_count
    bound = rule.min_ratio if rule.min_ratio is not None else bound_of(rule, None)
    return Decided(
        name=rule.name or name_of(rule, metric, part),
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
