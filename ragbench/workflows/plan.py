"""Plan a golden set: what so many queries can detect, and how many a smaller difference or a gate needs."""

from collections.abc import Sequence
from dataclasses import fields, replace
from math import isnan
from pathlib import Path

from ragbench.comparison.gate.forecast import CORRELATION, Forecast, forecast
from ragbench.comparison.layout import layout_of
from ragbench.comparison.pilot import pilot_of, pilot_pair
from ragbench.comparison.plan import Plan, make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.references import System, systems
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import named, option, options, part
from ragbench.core.scored import ScoredRun
from ragbench.io.baselines import STORE
from ragbench.io.qrels_files import read_judgements
from ragbench.metrics.parse import parse
from ragbench.workflows.gate import GivenRules, anchors_of, baseline_of, rules_of
from ragbench.workflows.groups import GoldenReading
from ragbench.workflows.reading import read_set


@options
class Options(PlanSettings, GoldenReading):
    """The options of ``ragbench plan`` and `ragbench.plan`."""

    pilot: Sequence[System] = option(
        "The pilot: two systems that were evaluated on the golden set, or one whose mean is the level.", default=(),
        section="Input", positional=True, metavar="REF",
    )  # fmt: skip
    qrels: Path | None = option("TREC labels, for run files, or for a plan from labels alone.", default=None,
                                section="Input")  # fmt: skip
    golden: Path | GoldenSet | None = option("Golden set, for a plan from labels alone.", default=None, section="Input")
    rules: GivenRules | None = option(
        "YAML file with the rules of a gate, to plan for a candidate that is as good as the baseline.", default=None,
        section="Gate",
    )  # fmt: skip
    baseline: System | None = option(
        "Baseline of the gate: a stored name, FOLDER or FOLDER::ARM.", default=None, section="Gate", metavar="REF",
        unset="the first system of the pilot",
    )  # fmt: skip
    store: Path = option("Folder of the baselines.", default=STORE, section="Gate", changes=True)
    intersect: bool = option("Use only the queries that both systems have.", default=False, section="Input")


def run(options: Options, context: Context) -> Plan | Forecast:
    """Find out what difference so many queries can detect, and how many a smaller difference needs.

    Two systems that were evaluated are the pilot: the plan measures how their differences vary. With one system, its
    mean is the ``level`` of the metric, and the rest is assumed. Without a pilot, the figures are assumptions, from the
    ``level`` or from ``sd``. Labels alone (``qrels`` or ``golden``) give the number of queries, and which of them come
    from one document.

    With ``rules``, the plan is for a gate: the chance that a candidate as good as the baseline passes them.

    Raises:
        InputError: there are not two systems, or the labels cannot be read.
        SettingError: a number is out of its range, or nothing says how differences vary.

    Examples:
        >>> plan = rb.plan("reports/example", delta=0.03)
        >>> plan.queries, plan.goals[0].queries
        (196, 578)
        >>> rb.plan(metric="hit@10", level=0.84, margin=0.04).goals[0].queries
        731
        >>> rb.plan(baseline="reports/example::bm25", rules=[{"metric": "ndcg@10", "margin": 0.05}]).sizes[0].passes
        0.894
    """
    settings = part(options, PlanSettings)
    if options.rules is not None:
        return _forecast(options, options.rules)
    if options.baseline is not None:
        raise SettingError(f"is for a gate: give {named('rules')} too, or name two systems", option="baseline")
    if not options.pilot:
        labels = _labels(options)
        layout = None if labels is None else layout_of(labels, parse(options.metric).needs_level or 1)
        return make_plan(settings, layout=layout)
    if options.golden is not None:
        raise SettingError("cannot be used with a pilot, which has its own labels", option="golden")
    runs = systems(options.pilot, qrels=options.qrels, metrics=[options.metric])
    if len(runs) == 1 and settings.sd is None and settings.level is None:
        return _from_one(runs[0], settings)
    return make_plan(settings, pilot_of(runs, options.metric, intersect=options.intersect))


def _from_one(run: ScoredRun, settings: PlanSettings) -> Plan:
    """Plan from one system: its mean is the level, and its labels say which queries come from one document.

    Raises:
        InputError: it did not run, or has no value of the metric.
    """
    if run.error is not None:
        raise InputError(f"{run.name} did not run: {run.error}")
    metric = str(parse(settings.metric))
    level = run.scores.means()[metric] if metric in run.scores.metrics else float("nan")
    if isnan(level):
        raise InputError(f"{run.name} has no value of {metric} (it has {', '.join(run.scores.metrics)})")
    labels, level_of = run.judgements, parse(metric).needs_level or 1
    layout = None if labels is None else layout_of(labels, level_of, run.queries.units)
    return make_plan(replace(settings, level=level), layout=layout)


def _forecast(options: Options, rules: GivenRules) -> Forecast:
    """Plan for a gate: from a baseline alone, or from two systems, of which the first is the baseline."""
    without = ("delta", "margin", "queries", "per_document", "sd", "run_sd", "level", "icc", "qrels", "golden")
    unused = [name for name in without if getattr(options, name) is not None]
    defaults = {field.name: field.default for field in fields(PlanSettings)}
    unused += [name for name in ("alpha", "assurance", "query_cost") if getattr(options, name) != defaults[name]]
    if unused:
        raise SettingError(f"cannot be used with {named('rules')}, which plan a gate", option=unused[0])
    if (options.baseline is None) == (not options.pilot):
        raise SettingError(f"need {named('baseline')} or two systems, and not both", option="rules")
    asked = rules_of(options.rules)
    anchors = anchors_of(asked, options.store)
    if options.baseline is not None:
        first, other = baseline_of(options.baseline, options.store), None
    else:
        first, other = pilot_pair(systems(options.pilot))
        if options.correlation is not None:
            raise SettingError("cannot be used with two systems, which measure it", option="correlation")
    correlation = CORRELATION if options.correlation is None else options.correlation
    return forecast(first, asked, other=other, anchors=anchors, correlation=correlation, power=options.power,
                    intersect=options.intersect, seed=options.seed)  # fmt: skip


def _labels(options: Options) -> Judgements | GoldenSet | None:
    if options.golden is not None and options.qrels is not None:
        raise SettingError(f"and {named('qrels')} exclude each other; give one of them", option="golden")
    if options.qrels is not None:
        return read_judgements(options.qrels)
    if isinstance(options.golden, Path):
        return read_set(options.golden, options)
    return options.golden
