"""Rules on the fairness of a system over groups: of quality between slices, and of exposure between groups of items."""

from dataclasses import replace

import numpy as np

from ragbench.comparison.by_slice import FEWEST_CLUSTERS, gap_of
from ragbench.comparison.exposure import gaps
from ragbench.comparison.gate.bounds import difference_bounds
from ragbench.comparison.gate.result import Decided, weigh
from ragbench.comparison.gate.rules import ExposureRule, MetricRule
from ragbench.comparison.slices import slices
from ragbench.core.scored import ScoredRun


def decide_gap(
    rule: MetricRule, metric: str, name: str, candidate: ScoredRun, *, below: float, above: float
) -> Decided:
    """Decide a ceiling for the largest difference between the means of two slices.

    It passes if the upper bound of every pair of slices is at most the ceiling, each at ``below``. It fails if the
    lower bound of a pair exceeds it, at ``above`` over all pairs (Bonferroni).
    """
    by, most = rule.by or "", rule.max_gap or 0.0
    parts = slices(candidate.queries, by)
    found = gap_of(candidate, parts, metric, rule.min_queries)
    decided = Decided(
        name=name,
        kind="gap",
        outcome="inconclusive",
        value=None,
        low=None,
        high=None,
        bound=most,
        at_least=False,
        metric=metric,
        method="t of pairs of slices, with clustered errors",
    )
    if found is None:
        reason = (
            f"fewer than two values of {by} have {rule.min_queries} queries with a value (min_queries), from "
            f"{FEWEST_CLUSTERS} documents"
        )
        return replace(decided, reason=reason, unmeasured=True)
    compared, kept = found
    if compared.sizes is not None:
        decided = replace(decided, method="Wilson's intervals of pairs of slices, with clustered errors")
    first, second = compared.pairs[compared.largest].tolist()
    highest, lowest = (f"{kept[at].label} {compared.means[at]:.3f}" for at in (first, second))
    low, high = compared.lower(above), compared.upper(below)
    outcome, room = weigh(low, high, most, at_least=False)
    skipped = f"; {len(parts) - len(kept)} values have too few queries" if len(kept) < len(parts) else ""
    return replace(
        decided,
        outcome=outcome,
        value=float(compared.gaps[compared.largest]),
        low=low,
        high=high,
        room=room,
        low_error=above,
        high_error=below,
        n=sum(len(part.rows) for part in kept),
        clusters=len({candidate.queries.units[row] for part in kept for row in part.rows.tolist()}),
        reason=f"{highest}, {lowest}, of {len(kept)} values{skipped}",
    )


def decide_exposure(rule: ExposureRule, candidate: ScoredRun, *, below: float, above: float) -> Decided:
    """Decide a ceiling for the largest gap between exposure and relevance.

    It passes if every group is shown to be within the ceiling on both sides, each at ``below``. It fails if a group is
    shown to be beyond it, at ``above`` over all groups and both sides (Bonferroni).
    """
    found = gaps(candidate, rule.exposure, rule.k)
    differences = found.exposure - found.relevant
    means = differences.mean(axis=0)
    largest = int(np.argmax(np.abs(means)))
    each = above / (2 * len(found.labels))
    ends = [
        difference_bounds(sign * differences[:, group], found.clusters, below=below, above=each)
        for group in range(len(found.labels))
        for sign in (1.0, -1.0)
    ]
    # The lower end of a sign is the upper end of the other: what passes allows for what the sample does not show.
    inside = [one.low for one in ends if one.low is not None]
    outside = [-one.high for one in ends if one.high is not None]
    low = max(*outside, 0.0) if outside else None
    high = max(-end for end in inside) if inside else None
    outcome, room = weigh(low, high, rule.max_gap, at_least=False)
    units = int(found.clusters.max()) + 1
    label = found.labels[largest]
    reason = f"{label} has {found.exposure[:, largest].mean():.3f} of the exposure in the first {rule.k}, and "
    reason += f"{found.relevant[:, largest].mean():.3f} of the relevant items, of {len(found.labels)} values"
    return Decided(
        name=rule.name or f"exposure by {rule.exposure} differs from relevance by at most {rule.max_gap:g}",
        kind="exposure",
        outcome=outcome,
        value=float(np.abs(means[largest])),
        low=low,
        high=high,
        bound=rule.max_gap,
        at_least=False,
        n=len(differences),
        clusters=units,
        room=room,
        method="t for rare losses, by value",
        reason=reason if inside else f"{units} independent queries or documents are too few for an interval",
        low_error=None if low is None else above,
        high_error=None if high is None else below,
        unmeasured=not inside,
    )
