"""Decide a gate: match the runs, check the rules, pair the queries, and decide each rule."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ragbench.comparison.gate.applicable import check_applicable
from ragbench.comparison.gate.gap_rules import decide_exposure
from ragbench.comparison.gate.matching import check_match, is_load
from ragbench.comparison.gate.metric_rules import WITH_MASKED, decide_metric, left_out
from ragbench.comparison.gate.plain_rules import decide_cost, decide_latency, decide_share
from ragbench.comparison.gate.result import COMPARED, Decided, Gate, Outcome
from ragbench.comparison.gate.rules import (
    DEFAULT_RULES,
    CostRule,
    CoverageRule,
    ExposureRule,
    FailuresRule,
    LatencyRule,
    MetricRule,
    Rule,
    Rules,
)
from ragbench.comparison.human import HumanLabels, with_human
from ragbench.comparison.pairing import Pair, pair
from ragbench.comparison.slices import slices
from ragbench.comparison.verdict import Average, VerdictSettings, verdicts
from ragbench.comparison.with_masked import CARRIED, MaskedSet, carries
from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import first_ten
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import cut_notes
from ragbench.core.spelling import named


def decide_gate(
    baseline: ScoredRun | None,
    candidate: ScoredRun,
    rules: Rules = DEFAULT_RULES,
    *,
    anchors: Mapping[str, ScoredRun] = MappingProxyType({}),
    allow: Collection[str] = (),
    human: Judgements | AnnotatorLabels | None = None,
    masked: Sequence[ScoredRun] | None = None,
) -> Gate:
    """Decide whether the candidate may pass: yes, no, or inconclusive.

    A rule passes if its interval is entirely on the good side of the bound, fails if it is entirely on the bad side,
    and is inconclusive otherwise. The two ends have separate error rates. The good end has ``false_passes``: the gate
    passes only if all rules do, so no correction is needed. The bad end has ``false_alarms``, divided by the number of
    rules, and within a rule by its slices (Bonferroni). A system that breaks no rule therefore fails with at most that
    probability, over all rules. ``gates`` divides it by a number of gates, so that it holds for all of them together.

    Primary rules decide whether the gate passes. A guard fails the gate if harm is shown, and an undecided guard holds
    nothing up, unless it could not be measured. So guards cost no power, and promise nothing about false passes.

    Args:
        baseline: the system to compare with; None if all rules are absolute.
        candidate: the system under test.
        rules: the rules.
        anchors: systems that rules measure their margin from in place of the baseline, by name.
        allow: what may differ between the two: ``golden``, ``corpus`` or ``settings``.
        human: labels of annotators for some of the queries; margins are then decided by these and the labels of the
            evaluation together (`ragbench.comparison.human`).
        masked: both systems on a masked set; margins are then decided by the human queries of the evaluation and this
            set together (`ragbench.comparison.with_masked`).

    Raises:
        ArmError: a system did not run.
        SettingError: a rule names something that the runs lack, or needs a baseline.
        InputError: baseline and candidate do not match, or have infinite values.

    Source: Berger 1982 for the intersection-union test (pass only if all rules pass); Bonferroni for the alarms.
    """
    for run in (baseline, candidate):
        if run is not None and run.error is not None:
            raise ArmError(f"{run.name} did not run, so there is nothing to decide: {run.error}")
    if not len(candidate.queries):
        raise InputError(f"{candidate.name} has no queries, so there is nothing to decide")
    if human is not None:
        _check_human(baseline, rules)
        if is_load(candidate):
            raise SettingError("does not go with a load test, which has no rankings", option="human")
    helping = None if masked is None else _masked_set(masked, baseline, candidate, rules, human is not None)
    check_applicable(rules, baseline, candidate, anchors)
    used = {anchor_of(rule): anchors[anchor_of(rule)] for rule in rules.rules if anchor_of(rule)}
    others = ({} if baseline is None else {"": baseline}) | used
    notes: list[str] = []
    pairs: dict[str, Pair] = {}
    for name, other in others.items():
        before, what = (f"anchor {name}: ", f"the anchor {name}") if name else ("", "the baseline")
        said = list(check_match(other, candidate, allow))
        # Requests of a load test are not pairs, and no rule on them looks at single requests.
        if not is_load(candidate):
            pairs[name] = pair(other, candidate, intersect="golden" in allow)
            said += pairs[name].notes
            if pairs[name].same_run:
                said.append(f"the candidate is the same run as {what}: all rankings and values are equal")
        notes += [before + note for note in said]
    for name in dict.fromkeys(map(anchor_of, rules.rules)):
        notes += left_out([rule for rule in rules.rules if anchor_of(rule) == name], pairs.get(name), candidate)
    labelled: dict[str, HumanLabels] = {}
    if human is not None:
        labelled = {name: HumanLabels.of(human, compared.candidate) for name, compared in pairs.items()}
    notes += [note for found in labelled.values() for note in found.notes]
    decided = tuple(
        one
        for rule in rules.rules
        for one in decide_rule(
            rule, rules, pairs.get(anchor_of(rule)), baseline, candidate, labelled.get(anchor_of(rule)), helping
        )
    )
    if any(one.method.startswith(WITH_MASKED) for one in decided):
        notes.append(
            f"margins are decided by {len(candidate.queries)} human queries together with a masked set, and human "
            "queries alone may not confirm them. The error rates hold on average over collections, not on each: "
            "'ragbench compare' with the same masked set shows what each kind of query says"
        )
    for name, compared in pairs.items():
        decided = _with_comparisons(decided, compared, name, labelled.get(name))
    held = [one for one in (baseline, candidate) if one is not None and one.error is None]
    ruled = [rule.metric for rule in rules.rules if isinstance(rule, MetricRule)]
    notes += cut_notes({one.name: one.scores for one in held}, ruled)
    outcome = outcome_of(decided)
    return Gate(outcome, _sentence(outcome, decided), decided, tuple(dict.fromkeys(notes)), rules, baseline, candidate)


def decide_rule(
    rule: Rule,
    rules: Rules,
    compared: Pair | None,
    baseline: ScoredRun | None,
    candidate: ScoredRun,
    human: HumanLabels | None = None,
    masked: MaskedSet | None = None,
) -> tuple[Decided, ...]:
    """Decide one rule, once for each of its slices, without the results of `compare`.

    Args:
        rule: the rule, which fits the runs (`check_applicable`).
        rules: all rules of the gate, which share its error rates.
        compared: the candidate, and the baseline or the rule's anchor, on the same queries; None without one.
        baseline: the system to compare with; None if all rules are absolute.
        candidate: the system under test.
        human: labels of annotators for ``compared``.
        masked: both systems on a masked set.
    """
    below, above = rules.false_passes, rules.false_alarms / rules.gates / max(sum(map(_estimates, rules.rules)), 1)
    match rule:
        case MetricRule():
            found = tuple(
                decide_metric(rule, compared, candidate, below=below, above=above, human=human, masked=masked)
            )
        case LatencyRule():
            found = (decide_latency(rule, baseline, candidate),)
        case CostRule():
            found = (decide_cost(rule, baseline, candidate),)
        case ExposureRule():
            found = (decide_exposure(rule, candidate, below=below, above=above),)
        case FailuresRule() | CoverageRule():
            found = (decide_share(rule, candidate, below=below, above=above),)
    return tuple(replace(one, role=rule.role) for one in found)


def anchor_of(rule: Rule) -> str:
    """Name of the anchor that the rule measures from; empty for the baseline."""
    return (rule.anchor or "") if isinstance(rule, MetricRule) else ""


def _estimates(rule: Rule) -> bool:
    """Whether an interval decides the rule, which then takes a share of the false alarms."""
    if isinstance(rule, MetricRule) and rule.kind == "count":
        return False
    if isinstance(rule, ExposureRule):
        return True
    return isinstance(rule, MetricRule | FailuresRule | CoverageRule) and rule.decide == "interval"


def _check_human(baseline: ScoredRun | None, rules: Rules) -> None:
    """Refuse rules that labels of annotators cannot decide."""
    if baseline is None:
        raise SettingError(f"needs {named('baseline')}: labels of annotators decide a difference", option="human")
    _check_margins(rules, "human", "these labels decide")


def _check_margins(rules: Rules, option: str, they: str) -> None:
    """Refuse rules on metrics that are not on a difference over all queries."""
    for number, rule in enumerate(rules.rules, 1):
        if isinstance(rule, MetricRule) and (
            not rule.differs or rule.by is not None or rule.slice is not None or rule.average == "documents"
        ):
            what = "for slices or documents" if rule.differs else f"a {rule.kind}"
            raise SettingError(
                f"does not go with rule {number}, which is {what}: {they} margins and gains over all queries",
                option=option,
            )


def _masked_set(
    masked: Sequence[ScoredRun], baseline: ScoredRun | None, candidate: ScoredRun, rules: Rules, human: bool
) -> MaskedSet:
    """Match both systems on the masked set, and refuse what does not go with one."""
    if human:
        raise SettingError(f"does not go with {named('human')}; leave one of them out", option="masked")
    if baseline is None:
        raise SettingError(f"needs {named('baseline')}: a masked set helps to decide a difference", option="masked")
    _check_margins(rules, "masked", "a masked set helps to decide")
    for number, rule in enumerate(rules.rules, 1):
        if isinstance(rule, MetricRule) and not (carries(rule.metric) and rule.anchor is None):
            what = "measures from an anchor" if rule.anchor is not None else f"is on {rule.metric}"
            raise SettingError(
                f"does not go with rule {number}, which {what}: how far a masked set can be trusted was learned on "
                f"{', '.join(CARRIED)} of two systems",
                option="masked",
            )
    if baseline.name == candidate.name:
        raise InputError(
            f"{named('masked')}: baseline and candidate are both called {candidate.name!r}, so one masked evaluation "
            "cannot hold both: evaluate them under different names"
        )
    return MaskedSet.of(masked, [baseline, candidate])


def _with_comparisons(
    decided: Sequence[Decided], pair: Pair, anchor: str, human: HumanLabels | None
) -> tuple[Decided, ...]:
    """Add to each margin the result of `compare` on the same queries."""
    by_slice: dict[tuple[str, Average], list[int]] = {}
    for i, one in enumerate(decided):
        # If the two runs write a metric differently, they have no column in common.
        if (
            one.kind in COMPARED
            and one.anchor == anchor
            and one.outcome != "skipped"
            and one.metric in pair.baseline.scores.metrics
        ):
            by_slice.setdefault((one.slice, one.average), []).append(i)
    found = list(decided)
    for (name, average), places in by_slice.items():
        rows = None
        if name:
            rows = next(part.rows for part in slices(pair.queries, name.partition("=")[0]) if part.name == name)
        settings = VerdictSettings(average=average)
        said = verdicts([(pair, decided[i].metric) for i in places], settings, rows=rows, slice=name)
        for i, verdict in zip(places, said, strict=True):
            found[i] = replace(decided[i], comparison=with_human(verdict, pair, human) if human else verdict)
    return tuple(found)


def outcome_of(decided: Sequence[Decided]) -> Outcome:
    """Outcome of the gate: ``fail`` if a rule fails, else ``inconclusive`` if one is, else ``pass``."""
    outcomes = {one.outcome for one in decided if not _ignored(one)}
    if "fail" in outcomes:
        return "fail"
    return "inconclusive" if "inconclusive" in outcomes or "pass" not in outcomes else "pass"


def _ignored(one: Decided) -> bool:
    """Whether the rule is an undecided guard, which holds nothing up."""
    return one.role == "guard" and one.outcome == "inconclusive" and not one.unmeasured


def _sentence(outcome: Outcome, decided: Sequence[Decided]) -> str:
    counted = [one for one in decided if one.outcome != "skipped"]
    same = [one for one in counted if one.outcome == outcome]
    if not counted:
        return "inconclusive: every slice is too small, so nothing was decided"
    undecided = sum(map(_ignored, counted))
    if outcome == "pass" and undecided:
        kept = len(counted) - undecided
        guards = "1 guard shows" if undecided == 1 else f"{undecided} guards show"
        return f"pass: {kept} {'rule is' if kept == 1 else 'rules are'} kept, and {guards} neither harm nor its absence"
    same = [one for one in same if not _ignored(one)]
    if outcome == "pass":
        return "pass: the rule is kept" if len(counted) == 1 else f"pass: all {len(counted)} rules are kept"
    what = "broken" if outcome == "fail" else "undecided"
    names = first_ten(one.name for one in same)
    return f"{outcome}: {len(same)} of {len(counted)} {'rule' if len(counted) == 1 else 'rules'} {what}: {names}"
