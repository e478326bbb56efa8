"""Plan a golden set: what so many queries can detect, and how many a smaller difference needs."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.comparison.layout import layout_of
from ragbench.comparison.pilot import pilot_of
from ragbench.comparison.plan import Plan, make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.references import System, systems
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import named, option, options, part
from ragbench.io.golden_files import read_golden
from ragbench.io.qrels_files import read_judgements
from ragbench.metrics.parse import parse
from ragbench.workflows.groups import GoldenReading


@options
class Options(PlanSettings, GoldenReading):
    """The options of ``ragbench plan`` and `ragbench.plan`."""

    pilot: Sequence[System] = option(
        "The pilot: two systems that were evaluated on the golden set.", default=(), section="Input", positional=True,
        metavar="REF",
    )  # fmt: skip
    qrels: Path | None = option("TREC labels, for run files, or for a plan from labels alone.", default=None,
                                section="Input")  # fmt: skip
    golden: Path | GoldenSet | None = option("Golden set, for a plan from labels alone.", default=None, section="Input")
    intersect: bool = option("Use only the queries that both systems have.", default=False, section="Input")


def run(options: Options, context: Context) -> Plan:
    """Find out what difference so many queries can detect, and how many a smaller difference needs.

    Two systems that were evaluated are the pilot: the plan measures how their differences vary. Without a pilot, the
    figures are assumptions, from the ``level`` of the metric or from ``sd``. Labels alone (``qrels`` or ``golden``)
    give the number of queries, and which of them come from one document.

    Raises:
        InputError: there are not two systems, or the labels cannot be read.
        SettingError: a number is out of its range, or nothing says how differences vary.

    Examples:
        >>> plan = rb.plan("reports/example", delta=0.03)
        >>> plan.queries, plan.goals[0].queries
        (196, 578)
        >>> rb.plan(metric="hit@10", level=0.84, margin=0.04).goals[0].queries
        531
    """
    settings = part(options, PlanSettings)
    if not options.pilot:
        labels = _labels(options)
        layout = None if labels is None else layout_of(labels, parse(options.metric).needs_level or 1)
        return make_plan(settings, layout=layout)
    if options.golden is not None:
        raise SettingError("goes without a pilot, which has its own labels", option="golden")
    runs = systems(options.pilot, qrels=options.qrels, metrics=[options.metric])
    return make_plan(settings, pilot_of(runs, options.metric, intersect=options.intersect))


def _labels(options: Options) -> Judgements | GoldenSet | None:
    if options.golden is not None and options.qrels is not None:
        raise SettingError(f"and {named('qrels')} exclude each other; give one of them", option="golden")
    if options.qrels is not None:
        return read_judgements(options.qrels)
    if isinstance(options.golden, Path):
        return read_golden(options.golden, options.golden_format)
    return options.golden
