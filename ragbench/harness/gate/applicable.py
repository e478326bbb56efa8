"""Whether the rules can be asked of these runs at all; every fault is found before anything is decided."""

from collections.abc import Iterator

from ragbench.core.errors import RagbenchError, SettingError, did_you_mean
from ragbench.core.scored import ScoredRun
from ragbench.harness.compare.slices import BUILT_IN, Slice, slices
from ragbench.harness.gate.rules import CostRule, LatencyRule, MetricRule, Rule, Rules
from ragbench.metrics.parse import parse


def check_applicable(rules: Rules, baseline: ScoredRun | None, candidate: ScoredRun) -> None:
    """Refuse rules that name what the runs do not have.

    Raises:
        SettingError: a metric, latency, cost, column or slice is not there, or a
            rule compares and no baseline is given; every fault is listed.
    """
    faults = []
    for number, rule in enumerate(rules.rules, 1):
        if rule.needs_baseline and baseline is None:
            faults.append(f"rule {number} compares with a baseline, and none is given: --baseline REF")
            continue
        compared = [candidate] if baseline is None or not rule.needs_baseline else [baseline, candidate]
        faults += [f"rule {number}: {fault}" for fault in _faults(rule, compared)]
    if faults:
        where = f"{rules.source}: " if rules.source else ""
        raise SettingError("\n".join(where + fault for fault in faults))


def metric_name(run: ScoredRun, written: str) -> str | None:
    """The run's name of a metric that may be written another way (``nDCG@10``); None if it has none."""
    if written in run.scores.metrics:
        return written
    try:
        name = str(parse(written))
    except RagbenchError:
        return None
    return name if name in run.scores.metrics else None


def wanted_slices(rule: MetricRule, run: ScoredRun) -> tuple[Slice, ...]:
    """The parts of the queries that a rule is about; none where it is about all.

    A part is named by its label, or by the first word of it (``length=short``).
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
            if not run.latency_ms.get(rule.latency, 0) > 0:
                there = ", ".join(sorted(key for key, value in run.latency_ms.items() if value > 0)) or "none"
                yield f"{run.name} has no latency {rule.latency}; recorded: {there}"
        elif isinstance(rule, CostRule):
            if run.cost_per_query is None:
                yield f"{run.name} has no cost per query recorded; leave the rule out, or evaluate with prices"
            elif rule.max_ratio is not None and run is runs[0] and run.cost_per_query <= 0:
                yield f"the baseline {run.name} cost nothing, so there is no ratio; write max in place of max_ratio"
    if isinstance(rule, MetricRule):
        yield from _direction_faults(rule, runs[0])
        yield from _slice_faults(rule, runs[0])


def _direction_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    name = metric_name(run, rule.metric)
    if rule.margin is not None and name is not None and run.scores.direction(name) == "none":
        yield f"of {name} neither more nor less is better, so it has no margin; write min or max"


def _slice_faults(rule: MetricRule, run: ScoredRun) -> Iterator[str]:
    column = rule.by if rule.by is not None else (rule.slice or "").partition("=")[0].strip()
    if not column:
        return
    there = [*BUILT_IN, *run.queries.columns]
    if column not in there:
        yield f"the queries have no column {column!r}{did_you_mean(column, there)}"
        return
    try:
        found = wanted_slices(rule, run)
    except RagbenchError as error:
        yield str(error).removeprefix("--by ")
        return
    if not found:
        labels = [part.label for part in slices(run.queries, column)]
        wanted = (rule.slice or "").partition("=")[2].strip()
        yield f"no query has {column} {wanted!r}{did_you_mean(wanted, labels)}"
