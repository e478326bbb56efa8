"""Compare systems with a baseline: verdicts, slices, origins of the difference, and examples."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TypeVar, get_args

import numpy as np

from ragbench.comparison.examples import Examples, examples
from ragbench.comparison.holes import fill_holes
from ragbench.comparison.human import HumanLabels, with_human
from ragbench.comparison.leaderboard import leaderboard
from ragbench.comparison.next_labels import next_labels
from ragbench.comparison.origin import Origin, contributions, origin
from ragbench.comparison.overlap import Overlap, overlap
from ragbench.comparison.pairing import Pair, align, column
from ragbench.comparison.posterior import ROPE, SCALE, PosteriorSettings, Prior, posteriors
from ragbench.comparison.slices import Slice, slices
from ragbench.comparison.together import together, whole_runs_vary
from ragbench.comparison.verdict import (
    Average,
    VerdictSettings,
    corrected,
    corrected_by_metric,
    is_test,
    not_comparable,
    verdicts,
)
from ragbench.comparison.with_masked import MaskedSet, not_carried, with_masked
from ragbench.comparison.wordings import one_wording
from ragbench.core.annotations import AnnotatorLabels, LabelSheet
from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import first_ten
from ragbench.core.options import named, option, option_group
from ragbench.core.runs import CONSTANT
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Components, cut_notes, headline
from ragbench.core.shown import Shown
from ragbench.core.verdicts import FilledHoles, Leaderboard, Posterior, Verdict, WithMasked
from ragbench.metrics.parse import parse
from ragbench.metrics.settings import TIE_DEPTH, tie_cut
from ragbench.stats.clusters import cluster_index
from ragbench.stats.repeats import components_of

T = TypeVar("T")

CORRECTIONS = ("holm", "bh", "max-t", "none")
EXAMPLES = 3
"""How many gains and losses are shown if one system is compared."""
FEWEST = 10
"""Least queries of a slice for a test."""


@brief
@option_group
class CompareSettings:
    """Settings of a comparison.

    Raises:
        SettingError: a value is out of its range; the message lists every fault.
    """

    metrics: Sequence[str] = option(
        "Metric to compare. Slices and examples use the first.", default=(), section="Comparison", flag="--metric",
        unset="ndcg@10, if it was measured",
    )  # fmt: skip
    by: Sequence[str] = option(
        "Slice the queries by type, length, document or a metadata column.", default=(), section="Comparison"
    )
    correction: str = option(
        "Correction of p-values over all systems and metrics: holm, bh, max-t or none.", default="holm",
        section="Comparison",
    )  # fmt: skip
    all_pairs: bool = option(
        "Compare all pairs of systems, not only each with the baseline.", default=False, section="Comparison"
    )
    test: str = option(
        "Paired test: auto (chosen by the data), sign-flip, t, wilcoxon, sign or mcnemar.",
        default="auto",
        section="Comparison",
    )
    average: str = option(
        "Unit of the means: queries, or documents (every document counts once, however many queries it has).",
        default="queries",
        section="Comparison",
    )
    margin: float | None = option(
        "Largest difference that does not matter; also tests for equivalence.", default=None, section="Comparison"
    )
    examples: int | None = option(
        "Number of gains and losses to show for each system.",
        default=None,
        section="Comparison",
        unset="3 for two systems, else 0",
    )
    bayes: bool = option(
        "Also print how probable it is, under a stated prior, that each system is better, equivalent or worse.",
        default=False, section="Bayesian reading",
    )  # fmt: skip
    prior: str = option(
        "Shape of the prior of a true difference, with center 0: normal, or cauchy, which allows large differences.",
        default="normal", section="Bayesian reading",
    )  # fmt: skip
    prior_scale: float | None = option(
        "Standard deviation of the normal prior; for cauchy, half of the differences are below it.", default=None,
        section="Bayesian reading", unset=f"{SCALE:g}, for metrics from 0 to 1",
    )  # fmt: skip
    rope: float | None = option(
        "Largest difference that counts as practically equivalent.", default=None, section="Bayesian reading",
        unset=f"the margin, else {ROPE:g}, for metrics from 0 to 1",
    )  # fmt: skip
    intersect: bool = option("Compare only the queries that all systems have.", default=False, section="Comparison")
    seed: int = option("Seed of the bootstrap and the test.", default=0, section="Statistics")
    resamples: int = option("Number of resamples of the bootstrap and the test.", default=10_000, section="Statistics")
    confidence: float = option(
        "Confidence of intervals. Tests use the level 1 - confidence.", default=0.95, section="Statistics"
    )

    def __post_init__(self) -> None:
        if self.correction == "tukey":  # the spelling of older versions
            object.__setattr__(self, "correction", "max-t")
            object.__setattr__(self, "all_pairs", True)
        faults = []
        if self.correction not in CORRECTIONS:
            faults.append(f"{named('correction')} is {self.correction!r}{did_you_mean(self.correction, CORRECTIONS)}")
        if self.average not in get_args(Average):
            faults.append(f"{named('average')} is {self.average!r}{did_you_mean(self.average, get_args(Average))}")
        if self.margin is not None and not 0 < self.margin < float("inf"):
            faults.append(
                f"{named('margin')} is {self.margin:g}; it must be above 0: the difference that does not matter"
            )
        faults += self._bayesian_faults()
        if self.examples is not None and self.examples < 0:
            faults.append(f"{named('examples')} is {self.examples}; it must be at least 0")
        if self.seed < 0:
            faults.append(f"{named('seed')} is {self.seed}; it must be at least 0")
        if faults:
            raise SettingError("\n".join(faults))

    def _bayesian_faults(self) -> list[str]:
        faults = []
        if self.prior not in get_args(Prior):
            faults.append(f"{named('prior')} is {self.prior!r}{did_you_mean(self.prior, get_args(Prior))}")
        if self.prior_scale is not None and not 0 < self.prior_scale < float("inf"):
            faults.append(f"{named('prior_scale')} is {self.prior_scale:g}; it must be above 0")
        if self.rope is not None and not 0 <= self.rope < float("inf"):
            faults.append(f"{named('rope')} is {self.rope:g}; it must be at least 0")
        given = [
            named(name)
            for name, default in (("prior", "normal"), ("prior_scale", None), ("rope", None))
            if getattr(self, name) != default
        ]
        if given and not self.bayes:
            faults.append(f"{' and '.join(given)} needs {named('bayes')}")
        return faults

    @property
    def for_posteriors(self) -> PosteriorSettings:
        """The settings of the Bayesian reading."""
        rope = self.margin if self.rope is None else self.rope
        return PosteriorSettings(self.prior, self.prior_scale, rope, self.confidence, self.average)

    @property
    def for_verdicts(self) -> VerdictSettings:
        """The settings of a single verdict."""
        return VerdictSettings(self.seed, self.resamples, self.confidence, self.margin, self.test, self.average)


@brief
@dataclass(frozen=True)
class SliceVerdict:
    """The verdict on one slice.

    Attributes:
        verdict: the verdict on its queries, without interval and test if ``tested`` is False.
        adds: what the slice contributes to the mean difference over all queries, or over their documents. The
            contributions of all slices by one column sum to it.
        tested: whether the slice has enough queries (`FEWEST`) for a test.
    """

    verdict: Verdict
    adds: float
    tested: bool


@brief
@dataclass(frozen=True)
class Compared(Shown):
    """The result of a comparison.

    Attributes:
        baseline: name of the baseline.
        systems: names of all systems, the baseline first.
        settings: settings of the comparison.
        queries: the queries that all systems have.
        verdicts: the verdicts over all queries, for each other system (with ``all_pairs``, each pair) and metric.
        slices: verdicts by slice, for the first metric.
        origins: origins of the difference in the first metric, for each other system that has rankings.
        overlaps: how much the rankings differ from the baseline's, for each other system that has rankings.
        leaderboard: ranks and groups in the first metric; None for two systems.
        posteriors: the Bayesian reading of the comparisons, on request.
        with_masked: the comparisons by these queries and a masked set together, if one was given.
        holes: differences in the first metric with the labels of a model for items without one.
        label_sheet: the labels that annotators should give next; None if none were asked for.
        variance: components of variance in the first metric, for each system that ran several times.
        examples: gains and losses in the first metric.
        choice: the test and the reason for it, in one sentence.
        failed: error by name, for systems that did not run.
        notes: notes for the reader: skipped queries, different settings, failed queries.
    """

    baseline: str
    systems: tuple[str, ...]
    settings: CompareSettings
    queries: QueryTable
    verdicts: tuple[Verdict, ...]
    slices: tuple[SliceVerdict, ...]
    origins: tuple[Origin, ...]
    examples: tuple[Examples, ...]
    choice: str
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    leaderboard: Leaderboard | None = None
    posteriors: tuple[Posterior, ...] = ()
    with_masked: tuple[WithMasked, ...] = ()
    label_sheet: LabelSheet | None = None
    holes: tuple[FilledHoles, ...] = ()
    variance: Mapping[str, Components] = field(default_factory=dict)


def compare_runs(
    runs: Sequence[ScoredRun],
    settings: CompareSettings,
    *,
    human: Judgements | AnnotatorLabels | None = None,
    label_next: int | None = None,
    model_labels: Judgements | None = None,
    masked: Sequence[ScoredRun] | None = None,
) -> Compared:
    """Compare every later system with the first.

    A later system that did not run gets the verdict ``not comparable``, and the others are compared.

    Args:
        runs: two or more systems with different names; the first is the baseline.
        settings: settings of the comparison.
        human: labels of annotators for some of the queries; the verdicts then use both these and the labels of the
            evaluation (`ragbench.comparison.human`).
        label_next: number of queries to draw for annotators (`ragbench.comparison.next_labels`).
        model_labels: labels of a model for items without a label (`ragbench.comparison.holes`).
        masked: the same systems on a masked set, which helps few human queries to decide
            (`ragbench.comparison.with_masked`).

    Raises:
        ArmError: the baseline did not run.
        InputError: there are fewer than two systems, a name is repeated, queries or golden sets differ, or a metric or
            column is missing.
        SettingError: the test is unknown, or a setting does not go with labels of annotators or of a model.
    """
    _check_names(runs)
    runs = [_without_order(run) for run in runs]
    ran = [run for i, run in enumerate(runs) if i == 0 or run.error is None]
    failed = {run.name: run.error for run in runs[1:] if run.error is not None}
    aligned, notes = align(ran, intersect=settings.intersect)
    if settings.average == "documents" and any(one is not None for one in (human, label_next, model_labels)):
        raise SettingError("documents does not go with labels of annotators or of a model", option="average")
    helping = None if masked is None else _masked_set(masked, aligned, human, settings)
    labelled = None if human is None else _labelled(human, aligned[0], settings)
    settings = _resolved(settings, aligned, default_examples=EXAMPLES if len(runs) == 2 else 0)
    primary = settings.metrics[0]
    cuts = [part for by in settings.by for part in slices(aligned[0].queries, by)]
    asked = _asked(aligned, settings)
    found = _decided(asked, labelled, settings) + _did_not_run(runs[0].name, failed, settings)
    if labelled is not None:
        notes = (*notes, *labelled.notes, *_misfits(human, aligned, settings.metrics))
    if helping is not None:
        notes = (*notes, *not_carried(settings.metrics))
    pairs = [Pair(aligned[0], other) for other in aligned[1:]]
    differing = [pair for pair in pairs if not pair.same_run]
    holes: tuple[FilledHoles, ...] = ()
    label_sheet = None
    if model_labels is not None:
        confidence, seed = settings.confidence, settings.seed
        holes = tuple(fill_holes(pair, primary, model_labels, confidence=confidence, seed=seed) for pair in differing)
    if label_next is not None:
        label_sheet = next_labels(differing, primary, label_next, human=labelled, seed=settings.seed)
    return Compared(
        baseline=runs[0].name,
        systems=tuple(run.name for run in runs),
        settings=settings,
        queries=aligned[0].queries,
        verdicts=found,
        slices=_slices(differing, cuts, settings),
        origins=_known(origin(pair, primary, settings.average) for pair in differing),
        examples=tuple(examples(pair, primary, settings.examples) for pair in differing) if settings.examples else (),
        choice=_choice(found, settings),
        failed=failed,
        notes=(*notes, *_notes(ran, aligned, found, settings)),
        overlaps=_known(overlap(pair, seed=settings.seed) for pair in differing),
        leaderboard=None if labelled is not None else _leaderboard(aligned, found, settings),
        posteriors=_posteriors(asked, settings) if settings.bayes else (),
        with_masked=() if helping is None else with_masked(asked, found[: len(asked)], helping),
        label_sheet=label_sheet,
        holes=holes,
        variance={run.name: one for run in aligned for one in _variance(run, primary)},
    )


def _resolved(settings: CompareSettings, runs: Sequence[ScoredRun], *, default_examples: int) -> CompareSettings:
    """Replace defaults that depend on the systems, and name metrics as in the scores."""
    wanted = settings.metrics or [headline(runs[0].scores.metrics)]
    return replace(
        settings,
        metrics=tuple(dict.fromkeys(_written(name, runs) for name in wanted)),
        by=tuple(dict.fromkeys(settings.by)),
        examples=default_examples if settings.examples is None else settings.examples,
    )


def _asked(runs: Sequence[ScoredRun], settings: CompareSettings) -> list[tuple[Pair, str]]:
    """The pairs to compare: each system with the baseline, or all pairs, in each metric."""
    pairs = combinations(runs, 2) if settings.all_pairs else ((runs[0], other) for other in runs[1:])
    compared = [Pair(*pair) for pair in pairs]
    return [(pair, metric) for metric in settings.metrics for pair in compared]


def _decided(
    asked: Sequence[tuple[Pair, str]], labelled: HumanLabels | None, settings: CompareSettings
) -> tuple[Verdict, ...]:
    """The verdicts, with p-values that are corrected for their number."""
    single = verdicts(asked, settings.for_verdicts)
    if labelled is not None:
        single = tuple(with_human(one, pair, labelled) for one, (pair, _) in zip(single, asked, strict=True))
    return together(asked, single, settings.for_verdicts, settings.correction)


def _did_not_run(baseline: str, failed: Mapping[str, str], settings: CompareSettings) -> tuple[Verdict, ...]:
    """A verdict for each metric of each system that did not run."""
    return tuple(
        not_comparable(baseline, name, metric, f"it did not run: {error}", confidence=settings.confidence)
        for metric in settings.metrics
        for name, error in failed.items()
    )


def _posteriors(asked: Sequence[tuple[Pair, str]], settings: CompareSettings) -> tuple[Posterior, ...]:
    return posteriors([one for one in asked if not one[0].same_run], settings.for_posteriors)


def _notes(
    ran: Sequence[ScoredRun], aligned: Sequence[ScoredRun], found: Sequence[Verdict], settings: CompareSettings
) -> list[str]:
    """What a reader must know about the systems."""
    return [
        *_failures(aligned),
        *_unscored(ran),
        *_ties(aligned, settings.metrics[0]),
        *one_wording(aligned[0].queries, found),
        *cut_notes({run.name: run.scores for run in aligned}, settings.metrics),
    ]


def _known(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)


def _variance(run: ScoredRun, metric: str) -> list[Components]:
    """Components of variance of a system that ran several times, if they can be estimated."""
    scores = run.scores.select(metrics=(metric,))
    return list(components_of(scores, cluster_index(run.queries.units)).values())


def _leaderboard(runs: Sequence[ScoredRun], found: Sequence[Verdict], settings: CompareSettings) -> Leaderboard | None:
    """Rank the systems in the first metric, by the verdicts on all pairs if their errors are controlled together."""
    metric, correction = settings.metrics[0], "max-t"
    decided: list[Verdict] = []
    if settings.all_pairs and settings.correction in ("holm", "max-t"):
        correction = settings.correction
        decided = [one for one in found if one.metric == metric and one.difference is not None]
    return leaderboard(runs, metric, settings.for_verdicts, verdicts=decided, correction=correction)


def _misfits(
    human: Judgements | AnnotatorLabels | None, runs: Sequence[ScoredRun], metrics: Sequence[str]
) -> list[str]:
    """Note systems and metrics that a sheet was not drawn for. Items that it lacks keep the evaluation's label."""
    if not isinstance(human, AnnotatorLabels) or not human.chances:
        return []
    other = [run.name for run in runs if human.systems and run.name not in human.systems]
    other += [metric for metric in metrics if human.metric and metric != human.metric]
    if not other:
        return []
    drawn = f"{human.metric or 'a difference'} of {', '.join(sorted(human.systems)) or 'other systems'}"
    return [f"the sheet of labels was drawn for {drawn}; for {', '.join(other)}, it may lack items that matter"]


def _labelled(human: Judgements | AnnotatorLabels, system: ScoredRun, settings: CompareSettings) -> HumanLabels:
    """Match the labels of annotators, and refuse settings that do not go with them."""
    if settings.correction == "max-t":
        raise SettingError("does not go with labels of annotators; use holm, bh or none", option="correction")
    if settings.bayes:
        raise SettingError("does not go with labels of annotators; leave one of them out", option="bayes")
    if settings.test not in ("auto", "t"):
        raise SettingError(
            f"is {settings.test!r}; with labels of annotators, the prediction-powered t decides: leave it out",
            option="test",
        )
    return HumanLabels.of(human, system)


def _masked_set(
    masked: Sequence[ScoredRun],
    runs: Sequence[ScoredRun],
    human: Judgements | AnnotatorLabels | None,
    settings: CompareSettings,
) -> MaskedSet:
    """Match the systems on the masked set, and refuse settings that do not go with one."""
    if human is not None:
        raise SettingError(f"does not go with {named('human')}; leave one of them out", option="masked")
    if settings.average == "documents":
        raise SettingError(
            "documents does not go with a masked set: how far it can be trusted was learned on queries",
            option="average",
        )
    return MaskedSet.of(masked, runs)


def compare_metrics(runs: Sequence[ScoredRun], settings: CompareSettings) -> tuple[Verdict, ...]:
    """Compare every later system with the first on many metrics, as the table of an evaluation does.

    A verdict has the difference, interval and p-value that `compare_runs` gives for
    the same two systems. p-values are corrected over the systems within each metric,
    as `compare_runs` does for one metric.

    Args:
        runs: systems that ran, on the same queries in the same order; the first is the baseline.
        settings: metrics (named as in the scores), correction, test, seed, resamples and confidence are used.

    Returns:
        A verdict for each later system and metric, in this order.

    Raises:
        InputError: a metric is missing or infinite for a query.
        SettingError: the test is unknown, or the correction is not one of ``holm``, ``bh`` and ``none``.
    """
    pairs = [Pair(runs[0], other) for other in runs[1:]]
    asked = [(pair, metric) for pair in pairs for metric in settings.metrics]
    return corrected_by_metric(verdicts(asked, settings.for_verdicts), settings.correction)


def _check_names(runs: Sequence[ScoredRun]) -> None:
    if len(runs) < 2:
        raise InputError("there is one system: name a second to compare it with")
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} is named twice: a system cannot be compared with itself")


def _written(name: str, runs: Sequence[ScoredRun]) -> str:
    """Return the metric's name as in the scores: ``nDCG@10`` is ``ndcg@10``."""
    for run in runs:
        if name not in run.scores.metrics:
            with suppress(SettingError):  # a name that cannot be parsed is refused below, with the list of metrics
                name = str(parse(name))
        column(run, name)
    return name


def _slices(pairs: Sequence[Pair], cuts: Sequence[Slice], settings: CompareSettings) -> tuple[SliceVerdict, ...]:
    """Compare on every slice. p-values are corrected over all slices and systems together."""
    metric = settings.metrics[0]
    asked = [(pair, metric) for pair in pairs]
    by_part = [verdicts(asked, settings.for_verdicts, rows=part.rows, slice=part.name) for part in cuts]
    found = list[SliceVerdict]()
    for i, pair in enumerate(pairs):
        each = contributions(pair, metric, settings.average)
        for part, on_part in zip(cuts, by_part, strict=True):
            own = each[part.rows]
            adds = float(np.nansum(own))
            tested = int((~np.isnan(own)).sum()) >= FEWEST
            one = on_part[i]
            found.append(SliceVerdict(one if tested else _untested(one), adds, tested))
    correction = "holm" if settings.correction == "max-t" else settings.correction
    final = iter(corrected([one.verdict for one in found if one.tested], correction))
    return tuple(replace(one, verdict=next(final)) if one.tested else one for one in found)


def _untested(one: Verdict) -> Verdict:
    """Remove interval and test, which so few queries cannot support."""
    if one.difference is None:
        return one
    return replace(
        one, low=None, high=None, interval="none", p=1.0, p_adjusted=1.0, p_equivalence=None,
        p_equivalence_adjusted=None, test="none", decision="no difference shown", reason="",
        notes=(f"fewer than {FEWEST} queries: not tested",),
    )  # fmt: skip


def _choice(verdicts: Sequence[Verdict], settings: CompareSettings) -> str:
    """Name the test and the correction, with the reasons."""
    tested = [one for one in verdicts if is_test(one)]
    if not tested:
        return "none, because there is nothing to test."
    reasons: dict[str, list[str]] = {}
    for one in tested:
        name = one.test.split(" (")[0]
        known = reasons.setdefault(one.reason, [])
        known += [name] if name not in known else []
    how = "by t with the variance between runs" if whole_runs_vary(verdicts) else "by sign flips"
    names = {"max-t": f"max-t {how}", "holm": "Holm", "bh": "Benjamini-Hochberg", "none": "uncorrected"}
    more = f" {len(tested)} comparisons: {names[settings.correction]}." if len(tested) > 1 else ""
    return " ".join(f"{' / '.join(known)}: {reason}" for reason, known in reasons.items()) + more


def _failures(runs: Sequence[ScoredRun]) -> list[str]:
    return [f"{run.name}: {run.failed} queries failed and score 0" for run in runs if run.failed]


def _without_order(run: ScoredRun) -> ScoredRun:
    """Refuse rankings of one score: their scores show the order of the ids, as in an evaluation."""
    return replace(run, error=CONSTANT) if run.error is None and run.run is not None and run.run.constant else run


def _ties(runs: Sequence[ScoredRun], metric: str) -> list[str]:
    """Warn of ties within the cut-off of the metric, as an evaluation does."""
    try:
        k = getattr(parse(metric), "k", None)
    except SettingError:  # a metric of answers, which have no rankings
        k = None
    cut = tie_cut([k or TIE_DEPTH])
    tied = [(run.name, run.run) for run in runs if run.run is not None and run.run.tie_warning(cut)]
    if len(tied) == 1:
        ((name, ranking),) = tied
        return [f"warning: {name}: {ranking.tie_warning(cut)}"]
    shares = ", ".join(f"{name} {ranking.tie_rate(cut):.0%}" for name, ranking in tied)
    why = f"share their score with a neighbour, so their order is by id, not by merit: {shares}"
    return [f"warning: items of the top {cut} {why}"] if tied else []


def _unscored(runs: Sequence[ScoredRun]) -> list[str]:
    """Note where run files and labels do not fit together. Those of an evaluation always do."""
    notes = []
    for run in runs:
        ledger = run.scores.ledger
        absent = [entry.item for entry in ledger.of("not-retrieved")]
        if absent:
            notes.append(
                f"{run.name}: nothing is ranked for {len(absent)} of the queries, which score 0: {first_ten(absent)}"
            )
        extra = [entry.item for entry in ledger.of("not-judged")]
        if extra:
            notes.append(f"{run.name}: {len(extra)} of its queries have no labels and are skipped: {first_ten(extra)}")
        notes += [f"{run.name}: {entry.reason}" for entry in ledger.of("nothing-judged")]
    return notes
