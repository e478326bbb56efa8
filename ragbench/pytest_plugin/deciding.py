"""The metrics of an assertion, and the message of one that fails."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbench.comparison.gate.result import Gate
from ragbench.comparison.gate.rules import MetricRule
from ragbench.comparison.rescore import scored_again
from ragbench.core.errors import SettingError
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse
from ragbench.metrics.settings import LEAST_DEPTH
from ragbench.render.gate import against, bound, reasons, rule_name, shown, value_with_interval, verdict_lines
from ragbench.workflows.gate import rules_of


def metrics_of(given: Mapping[str, Any]) -> list[str]:
    """The metrics that the rules of an assertion name."""
    rules, margins = given.get("rules"), list(given.get("margin") or ())
    if rules is None and margins:
        return margins
    used = rules_of(Path(rules) if isinstance(rules, str) else rules).rules
    return list(dict.fromkeys(margins + [rule.metric for rule in used if isinstance(rule, MetricRule)]))


def with_metrics(run: ScoredRun, metrics: list[str]) -> ScoredRun:
    """Return the system with these metrics too, from its rankings.

    Raises:
        SettingError: a metric looks at more items than were retrieved.
    """
    missing = [name for name in metrics if str(parse(name)) not in run.scores.metrics]
    if not missing or run.run is None or run.judgements is None or run.scores.repeats is not None:
        return run
    deep = [name for name in missing if (getattr(parse(name), "k", None) or 0) > LEAST_DEPTH]
    if deep:
        raise SettingError(
            f"{deep[0]} looks at more items than the {LEAST_DEPTH} that were retrieved: add it to ragbench_metrics in "
            "the configuration of pytest"
        )
    return scored_again(run, [*run.scores.metrics, *missing])


def failure(gate: Gate) -> str:
    """The message of an assertion that fails: the verdict, every rule with its figures, and the reasons."""
    lines = [gate.sentence, against(gate), *verdict_lines(gate)]
    lines += [f"{one.outcome}: {rule_name(one)}: {value_with_interval(one)}, asked {bound(one)}" for one in shown(gate)]
    lines += [text for _, text in reasons(gate)]
    return "\n".join(lines)
