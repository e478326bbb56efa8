"""What a comparison finds: verdicts on pairs of systems, their ranks, and differences without missing labels."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.brief import brief
from ragbench.core.scores import Direction

Decision = Literal[
    "better", "worse", "different", "equivalent", "depends on the wording", "no difference shown", "not comparable"
]
"""``different`` is a significant difference of a metric whose direction is neither better nor worse."""


@dataclass(frozen=True)
class HumanShare:
    """The labels of annotators behind a verdict, beside those of a model (prediction-powered).

    Attributes:
        queries: number of queries with labels of annotators.
        weight: weight of the model's labels, 0 to 1; 0 ignores them.
        effective: number of queries that annotators would have to label for an interval as narrow without the model.
        alone, alone_low, alone_high: difference and interval by the labels of annotators alone.
        model, model_low, model_high: difference and interval by the model's labels alone; the ends are None if there
            is no interval.
    """

    queries: int
    weight: float
    effective: float
    alone: float
    alone_low: float
    alone_high: float
    model: float
    model_low: float | None
    model_high: float | None


@dataclass(frozen=True)
class RunShare:
    """How much of the uncertainty of a difference comes from run to run.

    Attributes:
        baseline_runs, candidate_runs: number of runs of each system.
        shared: share of the squared error that comes from effects which all queries of a run share. More queries do
            not reduce it; more runs do.
        within: share of the squared error that comes from run to run within single queries.
        df: degrees of freedom of the interval.
    """

    baseline_runs: int
    candidate_runs: int
    shared: float
    within: float
    df: float


@brief
@dataclass(frozen=True)
class Posterior:
    """What to believe about a difference, if the prior was right: candidate minus baseline.

    Attributes:
        baseline, candidate, metric: what is compared.
        better, equivalent, worse: probabilities that the candidate is better by more than ``rope``, that the two differ
            by at most ``rope``, and that it is worse by more.
        median, low, high: posterior median of the difference, and the credible interval.
        confidence: probability of the credible interval.
        prior: shape of the prior: ``normal`` or ``cauchy``. Its center is 0.
        scale: its scale: standard deviation, or half the width of the middle 50% (``cauchy``).
        rope: half width of the region of practical equivalence.
        effective_clusters: how many units of one size the units are worth.
        wordings: whether the queries are in several wordings, whose variance the posterior includes.
    """

    baseline: str
    candidate: str
    metric: str
    better: float
    equivalent: float
    worse: float
    median: float
    low: float
    high: float
    confidence: float
    prior: str
    scale: float
    rope: float
    effective_clusters: float
    wordings: bool = False


@brief
@dataclass(frozen=True)
class WithMasked:
    """A difference by human queries and a masked set of the same systems together: candidate minus baseline.

    The masked set is the prior, and the human queries are the data.

    Attributes:
        baseline, candidate, metric: what is compared.
        decision: ``better``, ``worse``, ``equivalent`` or ``no difference shown``, by the posterior. It is not
            corrected for several comparisons.
        better: probability that the candidate is better.
        difference, low, high: posterior median, and the credible interval.
        confidence: probability of the interval.
        queries: number of human queries.
        effective: number of human queries that would give an interval as narrow without the masked set.
        alone, alone_low, alone_high: difference and interval by the human queries alone; the ends are None if there is
            no interval.
        predicted, predicted_low, predicted_high: what the masked set alone predicts for human queries.
        agreement: p-value of the human queries' mean if that prediction were right.
        masked_queries: number of masked queries.
        wordings: their wordings, which count equally.
    """

    baseline: str
    candidate: str
    metric: str
    decision: Decision
    better: float
    difference: float
    low: float
    high: float
    confidence: float
    queries: int
    effective: float
    alone: float
    alone_low: float | None
    alone_high: float | None
    predicted: float
    predicted_low: float
    predicted_high: float
    agreement: float
    masked_queries: int
    wordings: tuple[str, ...]


PREDICTED = 0.8
"""Level of the prediction interval for a further wording."""
SMALL, TRIFLE = 0.2, 0.02
"""Differences in standard deviations of single differences. On a set that was written from documents, less than the
first is no claim (a "small" effect in Cohen 1988). A wording contradicts a claim if it shows more than the second with
the other sign."""


def lasting(contradicted: bool, d_z: float | None) -> bool:
    """Whether a significant difference on queries in several wordings is a claim.

    Args:
        contradicted: whether a wording contradicts the mean difference.
        d_z: mean difference divided by the standard deviation of the differences; None if they do not vary.
    """
    return not contradicted and (d_z is None or abs(d_z) >= SMALL)


@dataclass(frozen=True)
class WordingDifference:
    """The difference on the queries of one wording.

    Attributes:
        wording: its name.
        n: number of queries.
        difference, low, high: mean difference with its interval; the ends are None if there is none.
        p: two-sided p-value of no difference, by t clustered by document.
    """

    wording: str
    n: int
    difference: float
    low: float | None
    high: float | None
    p: float


@brief
@dataclass(frozen=True)
class AcrossWordings:
    """A difference on queries in several wordings, and what it predicts for a further wording.

    Attributes:
        parts: the difference by wording.
        contradicting: wordings that contradict the mean difference: they show more than a trifle with the other sign.
        same_sign: chance that the difference in a further wording has the same sign.
        low, high: the 80% prediction interval of the difference in a further wording.
        p_equal: p-value of the hypothesis that the difference is the same in all wordings.
    """

    parts: tuple[WordingDifference, ...]
    contradicting: tuple[str, ...]
    same_sign: float
    low: float
    high: float
    p_equal: float

    def opposed(self, alpha: float) -> bool:
        """Whether one wording shows a gain and another a loss, with Bonferroni's correction over the wordings."""
        shown = [one.difference > 0 for one in self.parts if one.p < alpha / len(self.parts)]
        return any(shown) and not all(shown)


Item = Literal["query", "document"]


@brief
@dataclass(frozen=True)
class Verdict:
    """Comparison of two systems in one metric over the same queries: candidate minus baseline.

    Attributes:
        baseline, candidate: names of the systems.
        metric: metric name.
        slice: name of the slice of queries, as ``"type=keyword"``; empty for all.
        n: number of queries with a value of both.
        clusters: number of independent units (source documents).
        baseline_mean, candidate_mean: means over these queries; None if ``n`` is 0.
        difference, low, high: mean difference with its interval; None if there is none, and ``notes`` has the reason.
        confidence: the confidence level of the interval.
        interval: method of the interval (``"t, clustered by document"``, ``"percentile bootstrap"``).
        d_z: mean difference divided by the standard deviation of the differences; None if that is 0.
        cliffs_delta: Cliff's delta of the two sets of values.
        wins, ties, losses: queries on which the candidate is better, equal or worse. For a metric without direction:
            higher, equal or lower.
        p: two-sided p-value of no difference; 1 if all differences are 0.
        p_adjusted: p corrected for all comparisons in the same table.
        test: test that gave p (``"sign-flip by document, 10,000 resamples"``).
        decision: decision at the given level, by ``p_adjusted`` and the margin.
        notes: caveats: identical runs, zero variance, few clusters.
        margin: the difference that does not matter; None if none was given.
        p_equivalence: p-value of a difference of the margin or more (two one-sided tests); None without a margin.
        p_equivalence_adjusted: the same, corrected for all comparisons in the same table.
        reason: why this test was chosen, in one sentence.
        direction: whether higher or lower values of the metric are better.
        same_run: whether both have the same rankings and values. Then nothing was tested, and p is 1.
        human: the labels of annotators, if they decided together with those of a model; else None. Means, difference,
            interval and p are then by both kinds of labels; effect sizes, wins and losses by the model's.
        simultaneous_low, simultaneous_high: interval that holds the mean difference together with those of all
            comparisons in the same table; None for a single comparison, or if there is none.
        item: what a value belongs to: a query, or a document whose queries are averaged. ``n``, wins, ties and losses
            count these.
        effective_clusters: how many units of one size the units are worth. It is below ``clusters`` if some documents
            have more queries than others.
        wordings: differences by wording, for a set that was written from documents in several wordings; else None.
        runs: how much of the uncertainty comes from run to run; None if both systems ran once.
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
    human: HumanShare | None = None
    simultaneous_low: float | None = None
    simultaneous_high: float | None = None
    item: Item = "query"
    effective_clusters: float = 0.0
    runs: RunShare | None = None
    wordings: AcrossWordings | None = None

    @property
    def disagrees(self) -> bool:
        """Whether the interval and the uncorrected p disagree about zero: only one of them excludes it.

        The interval (t or bootstrap) and the test (sign flips or McNemar) use different methods. They can disagree if p
        is close to ``1 - confidence``, or if there are too few queries for the test.
        """
        if self.low is None or self.high is None:
            return False
        return (self.low > 0 or self.high < 0) != (self.p < 1 - self.confidence)


@dataclass(frozen=True)
class Place:
    """The place of one system.

    Attributes:
        system: its name.
        mean: mean over the queries that all systems have a value for.
        rank: rank by the mean, 1 for the best; equal means share the better rank.
        low, high: first and last rank that it may have; the intervals of all systems hold together.
        low_alone, high_alone: the same for this system alone.
        best: share of bootstrap samples of documents (and of wordings, if there are several) in which it has the best
            mean.
        letters: its groups. Two systems share a letter exactly if they are not significantly different.
    """

    system: str
    mean: float
    rank: int
    low: int
    high: int
    low_alone: int
    high_alone: int
    best: float
    letters: str


@dataclass(frozen=True)
class Gain:
    """The gain of the best system over the baseline, which is too large as measured because the best was chosen.

    Attributes:
        system: the system with the best mean.
        baseline: the system to compare with.
        measured: how much better its mean is; above 0, also if lower values are better.
        corrected: median-unbiased estimate of the true gain, given that the system was chosen for its mean.
        low, high: interval of the true gain.
    """

    system: str
    baseline: str
    measured: float
    corrected: float
    low: float
    high: float


@brief
@dataclass(frozen=True)
class Leaderboard:
    """Three or more systems in one metric, the best mean first.

    Attributes:
        metric: metric name.
        places: the systems.
        n: number of queries (or of documents, if queries are averaged within them) with a value of every system.
        clusters: number of independent units (source documents).
        confidence: confidence of the ranks; pairs are tested at the level 1 - confidence.
        test: the tests behind ranks and letters: ``max-t`` or ``holm``, over all pairs.
        gain: the gain of the best system over the baseline, corrected for choosing the best; None if the baseline is
            the best, if too few queries differ, or if the queries are in several wordings.
        wordings: number of wordings whose variance ranks, letters and shares include; 0 for queries without wordings.
    """

    metric: str
    places: tuple[Place, ...]
    n: int
    clusters: int
    confidence: float
    test: str = "max-t"
    gain: Gain | None = None
    wordings: int = 0

    def place(self, system: str) -> Place | None:
        """The place of a system; None if it has none."""
        return next((place for place in self.places if place.system == system), None)


@dataclass(frozen=True)
class Interval:
    """A mean with its interval."""

    value: float
    low: float
    high: float


@brief
@dataclass(frozen=True)
class FilledHoles:
    """A difference after a model labelled the items without a label, corrected for the model's errors.

    Attributes:
        baseline, candidate, metric: what is compared.
        confidence: confidence of the intervals.
        holes_baseline, holes_candidate: share of the items within the cut that have no label.
        filled: number of holes of both systems that the model labelled.
        unfilled: number of holes without a label of the model; they count as not relevant.
        measured: number of items with labels of both kinds, from which the model's errors are estimated.
        mean_baseline, mean_candidate: means of the two systems with corrected labels.
        difference: candidate minus baseline with corrected labels. The interval includes the model's errors, and how
            well they are known.
        irrelevant: the difference if no hole is relevant, as it is without the model.
        relevant: the difference if every hole has the highest label.
        lowest, highest: the difference if the holes of one system alone have the highest label, and those of the other
            and the shared ones are not relevant. No labels give a difference that is much further out.
    """

    baseline: str
    candidate: str
    metric: str
    confidence: float
    holes_baseline: float
    holes_candidate: float
    filled: int
    unfilled: int
    measured: int
    mean_baseline: Interval
    mean_candidate: Interval
    difference: Interval
    irrelevant: float
    relevant: float
    lowest: float
    highest: float
