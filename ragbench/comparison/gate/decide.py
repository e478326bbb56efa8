"""Decide a gate: match the runs, check the rules, pair the queries, and decide each rule."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ragbench.comparison.gate.matching import check_match, is_load
from ragbench.comparison.gate.metric_rules import check_applicable, decide_metric, left_out
from ragbench.comparison.gate.plain_rules import decide_cost, decide_latency, decide_share
from ragbench.comparison.gate.result import Decided, Gate, Outcome
from ragbench.comparison.gate.rules import (
    DEFAULT_RULES,
    CostRule,
    CoverageRule,
    FailuresRule,
    LatencyRule,
    MetricRule,
    Rule,
    Rules,
)
from ragbench.comparison.human import HumanLabels, with_human
from ragbench.comparison.pairing import Pair, pair
from ragbench.comparison.slices import slices
from ragbench.comparison.verdict import verdicts
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import first_ten
from ragbench.core.scored import ScoredRun
from ragbench.core.spelling import named


def decide_gate(
    baseline: ScoredRun | None,
    candidate: ScoredRun,
    rules: Rules = DEFAULT_RULES,
    *,
    allow: Collection[str] = (),
    human: Judgements | None = None,
) -> Gate:
    """Decide whether the candidate may pass: yes, no, or inconclusive.

    A rule passes if its interval is entirely on the good side of the bound, fails if it is entirely on the bad side,
    and is inconclusive otherwise. The two ends have separate error rates. The good end has ``false_passes``: the gate
    passes only if all rules do, so no correction is needed. The bad end has ``false_alarms``, divided by the number of
    rules, and within a rule by its slices (Bonferroni). A system that breaks no rule therefore fails with at most that
    probability, over all rules.

    Args:
        baseline: the system to compare with; None if all rules are absolute.
        candidate: the system under test.
        rules: the rules.
        allow: what may differ between the two: ``golden``, ``corpus`` or ``settings``.
        human: labels of annotators for some of the queries; margins are then decided by these and the labels of the
            evaluation together (`ragbench.comparison.human`).

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
    notes = list(check_match(baseline, candidate, allow)) if baseline is not None else []
    if human is not None:
        _check_human(baseline, rules)
    check_applicable(rules, baseline, candidate)
    # Requests of a load test are not pairs, and no rule on them looks at single requests.
    compared = (
        None if baseline is None or is_load(candidate) else pair(baseline, candidate, intersect="golden" in allow)
    )
    if compared is not None:
        notes += compared.notes
        if compared.same_run:
            notes.append("the candidate is the same run as the baseline: all rankings and values are equal")
    notes += left_out(rules.rules, compared, candidate)
    labelled = None
    if human is not None:
        if compared is None:
            raise SettingError("does not go with a load test, which has no rankings", option="human")
        labelled = HumanLabels.of(human, compared.candidate)
    notes += labelled.notes if labelled is not None else ()
    estimated = sum(_estimates(rule) for rule in rules.rules)
    above = rules.false_alarms / max(estimated, 1)
    decided = tuple(
        one
        for rule in rules.rules
        for one in _decide(rule, compared, baseline, candidate, rules.false_passes, above, labelled)
    )
    if compared is not None:
        decided = _with_comparisons(decided, compared, labelled)
    outcome = _outcome(decided)
    return Gate(outcome, _sentence(outcome, decided), decided, tuple(notes), rules, baseline, candidate)


def _estimates(rule: Rule) -> bool:
    """Whether an interval decides the rule, which then takes a share of the false alarms."""
    return isinstance(rule, MetricRule | FailuresRule | CoverageRule) and rule.decide == "interval"


def _decide(
    rule: Rule,
    compared: Pair | None,
    baseline: ScoredRun | None,
    candidate: ScoredRun,
    below: float,
    above: float,
    human: HumanLabels | None,
) -> Iterator[Decided]:
    match rule:
        case MetricRule():
            yield from decide_metric(rule, compared, candidate, below=below, above=above, human=human)
        case LatencyRule():
            yield decide_latency(rule, baseline, candidate)
        case CostRule():
            yield decide_cost(rule, baseline, candidate)
        case FailuresRule() | CoverageRule():
            yield decide_share(rule, candidate, below=below, above=above)


def _check_human(baseline: ScoredRun | None, rules: Rules) -> None:
    """Refuse rules that labels of annotators cannot decide."""
    if baseline is None:
        raise SettingError(f"needs {named('baseline')}: labels of annotators decide a difference", option="human")
    for number, rule in enumerate(rules.rules, 1):
        if isinstance(rule, MetricRule) and (rule.margin is None or rule.by is not None or rule.slice is not None):
            what = "a floor or ceiling" if rule.margin is None else "for slices"
            raise SettingError(
                f"does not go with rule {number}, which is {what}: these labels decide margins over all queries",
                option="human",
            )


def _with_comparisons(decided: Sequence[Decided], pair: Pair, human: HumanLabels | None) -> tuple[Decided, ...]:
    """Add to each margin the result of `compare` on the same queries."""
    by_slice: dict[str, list[int]] = {}
    for i, one in enumerate(decided):
        # If the two runs write a metric differently, they have no column in common.
        if one.kind == "margin" and one.outcome != "skipped" and one.metric in pair.baseline.scores.metrics:
            by_slice.setdefault(one.slice, []).append(i)
    found = list(decided)
    for name, places in by_slice.items():
        rows = None
        if name:
            rows = next(part.rows for part in slices(pair.queries, name.partition("=")[0]) if part.name == name)
        said = verdicts([(pair, decided[i].metric) for i in places], rows=rows, slice=name)
        for i, verdict in zip(places, said, strict=True):
            found[i] = replace(decided[i], comparison=with_human(verdict, pair, human) if human else verdict)
    return tuple(found)


def _outcome(decided: Sequence[Decided]) -> Outcome:
    outcomes = {one.outcome for one in decided}
    if "fail" in outcomes:
        return "fail"
    return "inconclusive" if "inconclusive" in outcomes or "pass" not in outcomes else "pass"


def _sentence(outcome: Outcome, decided: Sequence[Decided]) -> str:
    counted = [one for one in decided if one.outcome != "skipped"]
    same = [one for one in counted if one.outcome == outcome]
    if not counted:
        return "inconclusive: every slice is too small, so nothing was decided"
    if outcome == "pass":
        return "pass: the rule is kept" if len(counted) == 1 else f"pass: all {len(counted)} rules are kept"
    what = "broken" if outcome == "fail" else "undecided"
    names = first_ten(one.name for one in same)
    return f"{outcome}: {len(same)} of {len(counted)} {'rule' if len(counted) == 1 else 'rules'} {what}: {names}"
