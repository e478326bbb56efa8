"""Verdicts: what a paired comparison of two systems says, and how sure it is."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.scores import Direction

Decision = Literal["better", "worse", "different", "equivalent", "no difference shown", "not comparable"]
"""``different`` is the shown difference of a metric of which neither more nor less is better."""


@dataclass(frozen=True)
class Verdict:
    """One metric of two systems over the same queries: candidate minus baseline.

    Attributes:
        baseline, candidate: names of the systems.
        metric: metric name.
        slice: the part of the queries, ``"type=keyword"``; empty for all of them.
        n: queries on which both have a value.
        clusters: independent units among them (source documents).
        baseline_mean, candidate_mean: over these queries; None where ``n`` is 0.
        difference, low, high: mean difference with its interval; None where there is none, with the reason in
            ``notes``.
        confidence: of the interval.
        interval: how it was made (``"t, clustered by document"``, ``"percentile bootstrap"``).
        d_z: mean difference over the standard deviation of the differences; None where that is 0.
        cliffs_delta: Cliff's delta of the two sets of values.
        wins, ties, losses: queries on which the candidate is better, equal, worse; where neither more nor less is
            better, has more, as much, less.
        p: two-sided, of "no difference"; 1 where all differences are 0.
        p_adjusted: for all comparisons it stands with.
        test: which test gave p (``"sign-flip by document, 10,000 resamples"``).
        decision: at the level asked for, by ``p_adjusted`` and the smallest effect of interest.
        notes: what a reader must know: identical runs, zero variance, few clusters.
        margin: the difference that does not matter; None where none was given.
        p_equivalence: of "they differ by the margin or more" (two one-sided tests); None without a margin.
        p_equivalence_adjusted: for all comparisons it stands with.
        reason: why this test, one sentence.
        direction: which values of the metric are better.
        same_run: both have the same rankings and values, so there was nothing to test; p is 1.
    """

    baseline: str
    candidate: str
    metric: str
    slice: str
    n: int
    clusters: int
    baseline_mean: float | None
    candidate_mean: float | None
    difference: float | None
    low: float | None
    high: float | None
    confidence: float
    interval: str
    d_z: float | None
    cliffs_delta: float | None
    wins: int
    ties: int
    losses: int
    p: float
    p_adjusted: float
    test: str
    decision: Decision
    notes: tuple[str, ...] = ()
    margin: float | None = None
    p_equivalence: float | None = None
    p_equivalence_adjusted: float | None = None
    reason: str = ""
    direction: Direction = "higher"
    same_run: bool = False
