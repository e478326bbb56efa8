"""Verdicts: the result of a paired comparison of two systems, with its uncertainty."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.scores import Direction

Decision = Literal["better", "worse", "different", "equivalent", "no difference shown", "not comparable"]
"""``different`` is a significant difference of a metric whose direction is neither better nor worse."""


@dataclass(frozen=True)
class Verdict:
    """One metric of two systems over the same queries: candidate minus baseline.

    Attributes:
        baseline, candidate: names of the systems.
        metric: metric name.
        slice: the part of the queries, ``"type=keyword"``; empty for all of them.
        n: queries on which both have a value.
        clusters: independent units among them (source documents).
        baseline_mean, candidate_mean: over these queries; None if ``n`` is 0.
        difference, low, high: mean difference with its interval; None where there is none, with the reason in
            ``notes``.
        confidence: the confidence level of the interval.
        interval: how it was made (``"t, clustered by document"``, ``"percentile bootstrap"``).
        d_z: mean difference over the standard deviation of the differences; None where that is 0.
        cliffs_delta: Cliff's delta of the two sets of values.
        wins, ties, losses: queries on which the candidate is better, equal, worse; where neither more nor less is
            better, has more, as much, less.
        p: two-sided p-value of "no difference"; 1 if all differences are 0.
        p_adjusted: p corrected for all comparisons in the same table.
        test: which test gave p (``"sign-flip by document, 10,000 resamples"``).
        decision: at the level asked for, by ``p_adjusted`` and the smallest effect of interest.
        notes: caveats: identical runs, zero variance, few clusters.
        margin: the difference that does not matter; None if none was given.
        p_equivalence: of "they differ by the margin or more" (two one-sided tests); None without a margin.
        p_equivalence_adjusted: the same, corrected for all comparisons in the same table.
        reason: why this test was chosen, in one sentence.
        direction: which values of the metric are better.
        same_run: both have the same rankings and values, so nothing was tested and p is 1.
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

    @property
    def disagrees(self) -> bool:
        """Whether the interval and the uncorrected p disagree about zero: only one of them excludes it.

        The interval (t or bootstrap) and the test (sign flips or McNemar) are made in different ways, so this happens
        where p is close to ``1 - confidence``, or where there are too few queries for the test.
        """
        if self.low is None or self.high is None:
            return False
        return (self.low > 0 or self.high < 0) != (self.p < 1 - self.confidence)
