"""Decide whether a run may replace the baseline: pass, fail or inconclusive."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.gate.rule_files import parse_rules, read_rules
from ragbench.comparison.gate.rules import DEFAULT_RULES, Inconclusive, MetricRule, Rule, Rules
from ragbench.comparison.gate.simple import SOURCE, SimpleRules
from ragbench.comparison.references import System, one_system, systems
from ragbench.comparison.rescore import RelevanceLevel, at_level, names_at
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import named, option, options
from ragbench.core.scored import ScoredRun
from ragbench.io.baselines import STORE, read_baseline, read_one
from ragbench.metrics.parse import parse
from ragbench.workflows.reading import read_human

GivenRules = Path | Sequence[Mapping[str, object]] | Rules


@options
class Options(RelevanceLevel, SimpleRules):
    """The options of ``ragbench gate`` and `ragbench.gate`."""

    candidate: System = option("Run to decide on: FOLDER or FOLDER::ARM.", section="Input", metavar="RUN")
    baseline: System | None = option(
        "Name of a baseline, FOLDER or FOLDER::ARM; not needed if all rules are absolute.", default=None,
        section="Input", metavar="REF",
    )  # fmt: skip
    rules: GivenRules | None = option(
        "YAML file with the rules, to which those of the other options are added.",
        default=None,
        section="Rules",
        unset="ndcg@10 may lose at most .02, if no option gives a rule",
    )
    allow: Sequence[str] = option("What may differ: golden, corpus or settings.", default=(), section="Rules")
    inconclusive: Inconclusive | None = option(
        "What happens if the queries cannot decide: neutral (a notice), pass or fail.", default=None, section="Rules",
        unset="what the rules say, or neutral",
    )  # fmt: skip
    human: Path | Judgements | GoldenSet | None = option(
        "Labels of annotators for some of the queries: qrels, a golden set, a label sheet or JSON Lines. Margins then "
        "use them together with the other labels.",
        default=None, section="Input", metavar="LABELS",
    )  # fmt: skip
    masked: System | None = option(
        "Evaluation of both systems on a masked set in several wordings. Margins then use it together with the human "
        "queries.",
        default=None, section="Input", metavar="REF",
    )  # fmt: skip
    store: Path = option("Folder of the baselines.", default=STORE, section="Input", changes=True)
    out: Path | None = option(
        "Folder for gate.json, gate.md and gate.xml.", default=None, section="Output", writes="folder", python=False
    )
    junit: Path | None = option(
        "JUnit XML file to write.", default=None, section="Output", writes="JUnit XML", python=False
    )
    summary: Path | None = option(
        "Markdown file to write.", default=None, section="Output", writes="Markdown", python=False
    )


def run(options: Options, context: Context) -> Gate:
    """Decide whether the candidate may pass: ``pass``, ``fail`` or ``inconclusive``.

    Raises:
        SettingError: a rule is wrong, or needs what the systems do not have; every fault is listed.
        InputError: a system cannot be read, or the two do not match.

    Examples:
        >>> gate = rb.gate("reports/example::bm25", "reports/example::bm25:stem=false")
        >>> gate.outcome, gate.exit_code
        ('pass', 0)
        >>> rules = [{"metric": "ndcg@10", "min": 0.8}]
        >>> rb.gate("reports/example::bm25", rules=rules).outcome
        'fail'
        >>> rb.gate("reports/example::bm25", min={"hit@5": 0.7}).outcome
        'pass'
    """
    simple = options.simple_rules()
    if options.rules is None and options.baseline is None and not simple:
        raise SettingError(
            f"nothing to decide by: give {named('baseline')}, or rules that need no baseline ({named('rules')}, "
            f"{named('min')}, {named('max')}, {named('max_count')}, {named('max_ms')})"
        )
    rules = rules_of(options.rules)
    if simple and options.rules is None:
        rules = Rules(rules=simple, source=SOURCE)
    elif simple:
        rules = replace(rules, rules=(*rules.rules, *simple))
    if options.inconclusive is not None:
        rules = replace(rules, inconclusive=options.inconclusive)
    options.check_level()
    baseline = None if options.baseline is None else baseline_of(options.baseline, options.store)
    candidate = options.candidate
    held = read_one(candidate) if isinstance(candidate, str | Path) else one_system(candidate)
    anchors = anchors_of(rules, options.store)
    metrics = names_at([rule.metric for rule in rules.rules if isinstance(rule, MetricRule)], options.level_of)
    masked = None if options.masked is None else systems([options.masked], metrics=metrics)
    if options.level_of is not None:
        level = options.level_of
        masked = None if masked is None else tuple(at_level(one, metrics, level) for one in masked)
        held = at_level(held, metrics, level)
        baseline = None if baseline is None else at_level(baseline, metrics, level)
        anchors = {name: at_level(one, metrics, level) for name, one in anchors.items()}
        rules = replace(rules, rules=tuple(_at_level(rule, level) for rule in rules.rules))
    return decide_gate(
        baseline, held, rules, anchors=anchors, allow=options.allow, human=read_human(options.human), masked=masked
    )


def _at_level(rule: Rule, level: int) -> Rule:
    return replace(rule, metric=str(parse(rule.metric, level=level))) if isinstance(rule, MetricRule) else rule


def anchors_of(rules: Rules, store: Path) -> dict[str, ScoredRun]:
    """Read the anchors that rules name: names of stored baselines, or folders."""
    named = (rule.anchor for rule in rules.rules if isinstance(rule, MetricRule))
    return {name: read_baseline(name, store) for name in dict.fromkeys(named) if name is not None}


def baseline_of(given: System, store: Path) -> ScoredRun:
    """Read a baseline by its name in the store or its folder, or take the object."""
    return read_baseline(str(given), store) if isinstance(given, str | Path) else one_system(given)


def rules_of(given: GivenRules | None) -> Rules:
    """Read rules from a file or from mappings; the default rules if none are given."""
    if given is None:
        return DEFAULT_RULES
    if isinstance(given, Rules):
        return given
    if isinstance(given, Path):
        return read_rules(given)
    return parse_rules(yaml.safe_dump({"rules": [dict(rule) for rule in given]}), "rules")
