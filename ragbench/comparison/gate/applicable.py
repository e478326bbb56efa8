"""Check that the rules of a gate fit the runs."""

from collections.abc import Iterator, Mapping

from ragbench.comparison.exposure import gaps
from ragbench.comparison.gate.plain_rules import latency_name, measured_ms
from ragbench.comparison.gate.rules import CostRule, ExposureRule, LatencyRule, MetricRule, Rule, Rules
from ragbench.comparison.slices import BUILT_IN, Slice, of_corpus, slices
from ragbench.core.errors import InputError, RagbenchError, SettingError, did_you_mean
from ragbench.core.scored import ScoredRun
from ragbench.core.spelling import given, named
from ragbench.metrics.parse import parse


def check_applicable(
    rules: Rules, baseline: ScoredRun | None, candidate: ScoredRun, anchors: Mapping[str, ScoredRun]
) -> None:
    """Refuse rules that name something that the runs lack. Every fault is found before any rule is decided.

    Raises:
        SettingError: a metric, latency, cost, column or slice is missing, or a rule compares and there is no baseline;
            the message lists every fault.
    """
    faults = []
    for number, rule in enumerate(rules.rules, 1):
        if rule.needs_baseline and baseline is None:
            faults.append(f"rule {number} compares with a baseline, and none is given: {named('baseline')}")
            continue
        other = baseline if rule.needs_baseline else None
        if isinstance(rule, MetricRule) and rule.anchor is not None:
            other = anchors.get(rule.anchor)
            if other is None:
                faults.append(f"rule {number} measures from the anchor {rule.anchor!r}, and none of that name is given")
                continue
        compared = [candidate] if other is None else [other, candidate]
        faults += [f"rule {number}: {fault}" for fault in _faults(rule, compared)]
    if faults:
        where = f"{rules.source}: " if rules.source else ""
        raise SettingError("\n".join(where + fault for fault in faults))


def metric_name(run: ScoredRun, written: str) -> str | None:
    """Return the run's name for a metric that may be written differently (``nDCG@10``), or None if the run lacks it."""
    if written in run.scores.metrics:
        return written
    try:
        name = str(parse(written))
    except RagbenchError:
        return None
    return name if name in run.scores.metrics else None


def wanted_slices(rule: MetricRule, run: ScoredRun) -> tuple[Slice, ...]:
    """Return the slices of a rule; none if it is about all queries.

    A slice is named by its label, or by the first word of the label (``length=short``).
    """
    if rule.by is not None:
        return slices(run.queries, rule.by)
    if rule.slice is None:
        return ()
    column, _, value = rule.slice.partition("=")
    found = slices(run.queries, column.strip())
    exact = [part for part in found if part.label == value.strip()]
    return tuple(exact or [part for part in found if part.label.partition(" (")[0] == value.strip()])


def _faults(rule: Rule, runs: list[ScoredRun]) -> Iterator[str]:
    for run in runs:
        if isinstance(rule, MetricRule):
            if metric_name(run, rule.metric) is None:
                yield f"{run.name} has no metric {rule.metric!r}{did_you_mean(rule.metric, run.scores.metrics)}"
                break
        elif isinstance(rule, LatencyRule):
            yield from _latency_faults(rule, run)
        elif isinstance(rule, ExposureRule):
            yield from _exposure_faults(rule, run)
        elif isinstance(rule, CostRule):
            if run.cost_per_query is None:
                yield f"{run.name} has no cost per query recorded; remove the rule, or evaluate with prices"
            elif rule.max_ratio is not None and run is runs[0] and run.cost_per_query <= 0:
                yield f"the baseline {run.name} cost nothing, so there is no ratio; write max in place of max_ratio"
    if isinstance(rule, MetricRule):
        yield from _direction_faults(rule, runs[0])
        yield from _slice_faults(rule, runs[0])


def _exposure_faults(rule: ExposureRule, run: ScoredRun) -> Iterator[str]:
    try:
        gaps(run, rule.exposure, rule.k)
    except InputError as error:
        yield str(error).removeprefix(f"{given('by', rule.exposure)}: ")


def _latency_faults(rule: LatencyRule, run: ScoredRun) -> Iterator[str]:
    found = measured_ms(run, rule)
    if found.get(rule.latency, 0) > 0:
        return
    there = ", ".join(sorted(key for key, value in found.items() if value > 0)) or "none"
    if rule.part is None or there != "none":
        yield f"{run.name} has no {latency_name(rule)}; recorded: {there}"
        return
    parts = ", ".join(name for name, values in run.parts_ms.items() if values) or "none"
    yield f"{run.name} has no {latency_name(rule)}; recorded parts of the time: {parts}"


def _direction_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    name = metric_name(run, rule.metric)
    direction = "none" if name is None else run.scores.direction(name)
    if rule.compares and name is not None and direction == "none":
        yield f"for {name}, neither more nor less is better, so it has no {rule.kind}; write min or max"
    if rule.min_ratio is not None and direction == "lower":
        yield f"less of {name} is better, so a ratio has no minimum; write min_gain or margin"
    if rule.kind == "count" and rule.above is None and rule.below is None and direction == "higher":
        yield (
            f"more of {name} is better, so nothing is wrong with a value above 0; write below: the value that "
            "counts, in a file of rules"
        )
    if name is not None and run.scores.geometric(name):
        yield f"{name} is a geometric mean, and rules are on arithmetic means; write a rule on map"


def _slice_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    column = rule.by if rule.by is not None else (rule.slice or "").partition("=")[0].strip()
    if not column:
        return
    there = [*BUILT_IN, *run.queries.columns]
    if column not in there:
        yield f"the queries have no column {column!r}{did_you_mean(column, there)}; {of_corpus(column)}"
        return
    try:
        found = wanted_slices(rule, run)
    except RagbenchError as error:
        yield str(error).removeprefix(f"{named('by')} ")
        return
    if not found:
        labels = [part.label for part in slices(run.queries, column)]
        wanted = (rule.slice or "").partition("=")[2].strip()
        yield f"no query has {column} {wanted!r}{did_you_mean(wanted, labels)}"
