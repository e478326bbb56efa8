"""The verdict on one metric of a pair, over all queries or a slice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from ragbench.comparison.pairing import Pair
from ragbench.comparison.runs import errors_of_pair, run_notes, run_share
from ragbench.comparison.tests import Tested, check_test, paired_test
from ragbench.comparison.wordings import across_wordings, wordings_of
from ragbench.core.context import generator
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.scored import QueryTable
from ragbench.core.spelling import given
from ragbench.core.verdicts import AcrossWordings, Decision, Item, Verdict, lasting
from ragbench.stats.clusters import cluster_averages, cluster_index, clustered_means, effective_clusters
from ragbench.stats.effects import effect
from ragbench.stats.equivalence import tost
from ragbench.stats.intervals import mean_interval
from ragbench.stats.multiple import benjamini_hochberg, holm
from ragbench.stats.paired_tests import TIE
from ragbench.stats.repeats import RunErrors, stacked

Correction = Literal["holm", "bh", "none"]
Average = Literal["queries", "documents"]
DOMINANT = 0.2
"""A document that holds more than this share of the queries decides much of a mean over queries."""
CLOSE_CALL = "a close call: the uncorrected test and the interval disagree about zero; the test decides"


@dataclass(frozen=True)
class VerdictSettings:
    """Settings of a verdict.

    Attributes:
        seed: seed of the bootstrap and the sign flips.
        resamples: number of resamples of each.
        confidence: confidence of the interval, in (0, 1).
        margin: difference that does not matter, above 0. If it is given, equivalence is tested too.
        test: ``auto`` or a name of `ragbench.comparison.tests.TestName`.
        average: ``queries`` compares the means over queries. ``documents`` first averages the queries of each document,
            so that every document counts once.
    """

    seed: int = 0
    resamples: int = 10_000
    confidence: float = 0.95
    margin: float | None = None
    test: str = "auto"
    average: str = "queries"


class _Paired(NamedTuple):
    """The values of a pair where both have one, (n,) each. ``notes`` counts the other queries."""

    pair: Pair
    metric: str
    baseline: npt.NDArray[np.float64]
    candidate: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    notes: list[str]
    item: Item
    runs: RunErrors | None
    wordings: npt.NDArray[np.str_] | None


class _Interval(NamedTuple):
    low: float | None
    high: float | None
    method: str


def verdict(
    pair: Pair,
    metric: str,
    settings: VerdictSettings = VerdictSettings(),
    *,
    rows: npt.NDArray[np.int64] | None = None,
    slice: str = "",
) -> Verdict:
    """Compare candidate and baseline on one metric. See `verdicts`."""
    return verdicts([(pair, metric)], settings, rows=rows, slice=slice)[0]


def verdicts(
    asked: Sequence[tuple[Pair, str]],
    settings: VerdictSettings = VerdictSettings(),
    *,
    rows: npt.NDArray[np.int64] | None = None,
    slice: str = "",
) -> tuple[Verdict, ...]:
    """Compare candidate and baseline, for each pair and metric.

    Queries where either value is undefined are skipped, and the notes count them. Each decision uses the level ``1 -
    confidence`` on its own; `corrected` decides again for several verdicts together. Pairs with values in the same
    clusters share one bootstrap, which gives the same result as separate ones.

    Args:
        asked: pairs of systems over the same queries, and printed names of metrics.
        settings: settings of the verdicts.
        rows: rows of the queries to use; all by default.
        slice: name of these rows.

    Raises:
        InputError: the metric is missing, or infinite for a query.
        SettingError: the test is unknown, a number is out of its range, or McNemar's test is chosen and values are not
            0 or 1.
    """
    check_test(settings.test)
    clusters = _Clusters()
    paired = [_paired(pair, metric, rows, settings.average, clusters) for pair, metric in asked]
    intervals = _intervals(paired, settings)
    return tuple(
        _verdict(one, interval, settings, slice)
        if interval is not None
        else not_comparable(
            one.pair.baseline.name, one.pair.candidate.name, one.metric,
            "there is no query in it" if rows is not None and not len(rows) else "no query has a value of both",
            slice, settings.confidence,
        )
        for one, interval in zip(paired, intervals, strict=True)
    )  # fmt: skip


class _Clusters:
    """The clusters of rows of queries. Most pairs and metrics have values for the same rows."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], npt.NDArray[np.int64]] = {}

    def of(self, queries: QueryTable, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        key = (id(queries), rows.tobytes())
        if key not in self._known:
            self._known[key] = cluster_index([queries.units[row] for row in rows.tolist()])
        return self._known[key]


def _paired(pair: Pair, metric: str, rows: npt.NDArray[np.int64] | None, average: str, known: _Clusters) -> _Paired:
    baseline, candidate = pair.values(metric)
    if rows is None:
        rows = np.arange(len(baseline))
    baseline, candidate = baseline[rows], candidate[rows]
    both = ~(np.isnan(baseline) | np.isnan(candidate))
    notes = _left_out(pair, baseline, candidate)
    baseline, candidate = baseline[both], candidate[both]
    candidate = np.where(np.abs(candidate - baseline) < TIE, baseline, candidate)
    clusters = known.of(pair.queries, rows[both])
    runs = errors_of_pair(pair, metric, rows[both], clusters, by_document=average == "documents")
    wordings = wordings_of(pair.queries, rows[both])
    item: Item = "query"
    if average == "documents" and len(clusters):
        baseline, candidate = cluster_averages(np.column_stack((baseline, candidate)), clusters).T
        if len(baseline) < len(clusters):
            item = "document"
            wordings = None
            notes.append(f"{len(clusters)} queries are averaged within their {len(baseline)} documents")
        clusters = np.arange(len(baseline))
    return _Paired(pair, metric, baseline, candidate, clusters, notes, item, runs, wordings)


def _intervals(paired: Sequence[_Paired], settings: VerdictSettings) -> list[_Interval | None]:
    """Compute the interval of each mean difference; None if there are no pairs of values."""
    alike: dict[bytes, list[int]] = {}
    for i, one in enumerate(paired):
        if len(one.clusters):
            alike.setdefault(one.clusters.tobytes(), []).append(i)
    found: list[_Interval | None] = [None] * len(paired)
    for group in alike.values():
        clusters = paired[group[0]].clusters
        differences = np.column_stack([paired[i].candidate - paired[i].baseline for i in group])
        rng = generator(settings.seed, "bootstrap")
        low, high, methods = mean_interval(
            differences, clusters, rng, resamples=settings.resamples, confidence=settings.confidence,
            runs=stacked([paired[i].runs for i in group]),
        )  # fmt: skip
        clustered = ", clustered by document" if clusters.max() + 1 < len(clusters) else ""
        for i, start, end, method in zip(group, low.tolist(), high.tolist(), methods, strict=True):
            known = not np.isnan(start)
            found[i] = _Interval(start, end, method + clustered) if known else _Interval(None, None, "none")
    return found


def _verdict(one: _Paired, interval: _Interval, settings: VerdictSettings, slice: str) -> Verdict:
    """Make the verdict if there is at least one pair of values."""
    pair, clusters, alpha = one.pair, one.clusters, 1 - settings.confidence
    if pair.same_run:
        # Nothing differs for any query, so this is a fact and no estimate.
        interval = _Interval(0.0, 0.0, "none: the same run")
    n, c = len(clusters), int(clusters.max()) + 1
    difference = one.candidate - one.baseline
    direction = pair.baseline.scores.direction(one.metric)
    size = effect(one.baseline, one.candidate, direction)
    flips = generator(settings.seed, "sign-flip")
    tested = paired_test(
        settings.test, one.baseline, one.candidate, clusters, flips, settings.resamples, one.item, runs=one.runs
    )
    if c == 1:
        tested = tested._replace(p=1.0)
    level = _level(one)
    p_equivalence = None
    if settings.margin is not None:
        up, down = (settings.margin, settings.margin) if level is None else log_margins(settings.margin, level)
        p_equivalence = tost(difference, clusters, up, below=down, alpha=alpha, runs=one.runs).p
    effective = effective_clusters(clusters)
    means = clustered_means(difference[:, None], clusters)
    share = None if one.runs is None or c == 1 else run_share(pair, one.runs, means)
    facts = [*_facts(pair, difference, c, size.d_z), *_dominant(clusters, effective)]
    facts += [] if share is None else run_notes(pair, share)
    reach = _reach(tested, c, n, alpha)
    found = Verdict(
        baseline=pair.baseline.name,
        candidate=pair.candidate.name,
        metric=one.metric,
        slice=slice,
        n=n,
        clusters=c,
        baseline_mean=float(one.baseline.mean()),
        candidate_mean=float(one.candidate.mean()),
        difference=size.mean,
        low=interval.low,
        high=interval.high,
        confidence=settings.confidence,
        interval=interval.method,
        d_z=size.d_z,
        cliffs_delta=size.cliffs_delta,
        wins=size.wins,
        ties=size.ties,
        losses=size.losses,
        p=tested.p,
        p_adjusted=tested.p,
        test=tested.test,
        decision="no difference shown",
        notes=(*one.notes, *facts, *reach, *tested.notes),
        margin=settings.margin,
        p_equivalence=p_equivalence,
        p_equivalence_adjusted=p_equivalence,
        reason=tested.reason,
        direction=direction,
        same_run=pair.same_run,
        item=one.item,
        effective_clusters=effective,
        runs=share,
    )
    if one.wordings is not None and not pair.same_run:
        unit = float if level is None else partial(of_logarithm, level)
        found = replace(found, wordings=across_wordings(difference, clusters, one.wordings, settings.confidence, unit))
    if level is not None:
        found = replace(
            found,
            baseline_mean=level,
            candidate_mean=math.exp(float(one.candidate.mean())),
            difference=of_logarithm(level, size.mean),
            low=None if interval.low is None else of_logarithm(level, interval.low),
            high=None if interval.high is None else of_logarithm(level, interval.high),
        )
    # A test that cannot reach the level disagrees with every interval that excludes zero; `_reach` reports that.
    close = [CLOSE_CALL] if found.disagrees and tested.least < alpha else []
    return replace(found, decision=decide(found), notes=(*found.notes, *close))


def _level(one: _Paired) -> float | None:
    """The baseline's geometric mean, which turns differences of logarithms into differences of means; else None."""
    return math.exp(float(one.baseline.mean())) if one.pair.baseline.scores.geometric(one.metric) else None


def of_logarithm(level: float, difference: float) -> float:
    """The difference of geometric means that a difference of logarithms leads to."""
    return level * math.expm1(difference)


def log_margins(margin: float, level: float) -> tuple[float, float]:
    """The gain and the loss of a logarithm that change a geometric mean by the margin; the loss may be infinite."""
    return math.log1p(margin / level), -math.log1p(-margin / level) if margin < level else math.inf


def not_comparable(
    baseline: str, candidate: str, metric: str, reason: str, slice: str = "", confidence: float = 0.95
) -> Verdict:
    """Make the verdict if there is nothing to compare: p is 1, and the notes have the reason."""
    return Verdict(
        baseline, candidate, metric, slice, 0, 0, None, None, None, None, None, confidence, "none", None, None,
        0, 0, 0, 1.0, 1.0, "none", "not comparable", (reason,),
    )  # fmt: skip


def decide(verdict: Verdict) -> Decision:
    """Decide by the adjusted p-values, at the level ``1 - confidence``.

    Equivalence comes first if it is tested and shown: a significant difference that is smaller than the margin is still
    equivalent. On queries in several wordings, a claim must also be `lasting`, and systems are equivalent only if the
    80% prediction interval of a further wording is within the margin.
    """
    alpha, across = 1 - verdict.confidence, verdict.wordings
    if verdict.difference is None:
        return "not comparable"
    if verdict.margin is not None and verdict.p_equivalence_adjusted is not None:
        inside = across is None or max(-across.low, across.high) < verdict.margin
        if verdict.p_equivalence_adjusted < alpha and inside:
            return "equivalent"
    lasts = across is None or lasting(bool(across.contradicting), verdict.d_z)
    if verdict.p_adjusted < alpha and verdict.difference and lasts:
        if verdict.direction == "none":
            return "different"
        return "better" if (verdict.difference > 0) == (verdict.direction == "higher") else "worse"
    return "no difference shown" if across is None or not _depends(across, alpha) else "depends on the wording"


def _depends(across: AcrossWordings, alpha: float) -> bool:
    """Whether the wordings differ by more than chance: in size, or one shows a gain and another a loss."""
    return across.p_equal < alpha or across.opposed(alpha)


def is_test(verdict: Verdict) -> bool:
    """Whether there is something to test: both have values, and the runs are not the same."""
    return verdict.difference is not None and not verdict.same_run


def corrected(verdicts: Sequence[Verdict], correction: str) -> tuple[Verdict, ...]:
    """Adjust the p-values for all verdicts together, and decide again.

    Verdicts without a comparison, or on the same run, are not tests and do not count.

    Args:
        verdicts: one family of verdicts.
        correction: ``holm``, ``bh`` or ``none``.

    Raises:
        SettingError: the correction is unknown.
    """
    if correction not in get_args(Correction):
        raise SettingError(f"there is no correction {correction!r}{did_you_mean(correction, get_args(Correction))}")
    method = {"holm": holm, "bh": benjamini_hochberg}.get(correction, np.asarray)
    tested = [i for i, verdict in enumerate(verdicts) if is_test(verdict)]
    p = method(np.array([verdicts[i].p for i in tested]))
    done = list(verdicts)
    for i, adjusted in zip(tested, p.tolist(), strict=True):
        done[i] = replace(done[i], p_adjusted=adjusted)
    both = [i for i in tested if verdicts[i].p_equivalence is not None]
    p = method(np.array([verdicts[i].p_equivalence for i in both], dtype=np.float64))
    for i, adjusted in zip(both, p.tolist(), strict=True):
        done[i] = replace(done[i], p_equivalence_adjusted=adjusted)
    return tuple(replace(verdict, decision=decide(verdict)) for verdict in done)


def corrected_by_metric(verdicts: Sequence[Verdict], correction: str) -> tuple[Verdict, ...]:
    """Adjust the p-values over the systems within each metric, and keep the order of the verdicts.

    Use it for a table of many metrics that do not lead to one decision.

    Raises:
        SettingError: the correction is unknown.
    """
    done = list(verdicts)
    rows: dict[str, list[int]] = {}
    for row, verdict in enumerate(verdicts):
        rows.setdefault(verdict.metric, []).append(row)
    for own in rows.values():
        for row, verdict in zip(own, corrected([verdicts[row] for row in own], correction), strict=True):
            done[row] = verdict
    return tuple(done)


def _left_out(pair: Pair, baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> list[str]:
    """Note the queries without a value, by the system that lacks it."""
    mine, other = np.isnan(baseline), np.isnan(candidate)
    counts = (
        (int((mine & other).sum()), "in either system"),
        (int((mine & ~other).sum()), f"in {pair.baseline.name}"),
        (int((other & ~mine).sum()), f"in {pair.candidate.name}"),
    )
    return [
        f"1 query has no value {where} and is skipped"
        if count == 1
        else f"{count} queries have no value {where} and are skipped"
        for count, where in counts
        if count
    ]


def _facts(pair: Pair, difference: npt.NDArray[np.float64], c: int, d_z: float | None) -> list[str]:
    """Note what makes a verdict weak or empty."""
    notes = list[str]()
    n, alike = len(difference), not difference.any()
    if pair.same_run:
        notes.append("both are the same run, so nothing differs")
    elif alike:
        notes.append(f"all {n} values are equal, so p is 1: if the systems differ, this metric does not show it")
    elif pair.same_rankings:
        notes.append("the rankings are equal; only their scoring differs")
    if d_z is None and n > 1 and not alike:
        notes.append(
            f"every query differs by exactly {difference[0]:+.3f}, which a real change hardly ever does: check the runs"
        )
    if c == 1:
        notes.append(
            "one query does not show how values vary, so there is no interval and p is 1"
            if n == 1
            else f"all {n} queries come from one document, so there is no interval and p is 1"
        )
    return notes


def _dominant(clusters: npt.NDArray[np.int64], effective: float) -> list[str]:
    """Note a document that holds a large part of the queries."""
    sizes = np.bincount(clusters)
    share = float(sizes.max() / len(clusters))
    if share <= DOMINANT or sizes.max() < 2 or len(sizes) < 2:
        return []
    return [
        f"one document holds {share:.0%} of the queries, so the {len(sizes)} documents count as "
        f"{effective:.1f}; {given('average', 'documents')} counts every document once"
    ]


def _reach(tested: Tested, c: int, n: int, alpha: float) -> list[str]:
    """Note if the test cannot show anything with so few values. `_facts` reports the case of one unit."""
    if c == 1 or tested.least < alpha:
        return []
    what = f"{n} queries" if tested.unit == "query" else f"{c} units"
    return [f"{what} are too few: p cannot fall below {alpha:.3g}, however large the difference is"]
