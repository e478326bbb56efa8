"""Plan a golden set: what so many queries can detect, and how many a smaller difference needs."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.comparison.pilot import pilot_of
from ragbench.comparison.plan import Plan, PlanSettings, make_plan
from ragbench.comparison.references import System, systems
from ragbench.core.context import Context
from ragbench.core.options import option, options, part


@options
class Options(PlanSettings):
    """The options of ``ragbench plan`` and `ragbench.plan`."""

    pilot: Sequence[System] = option(
        "The pilot: two systems that were evaluated on the golden set.", default=(), section="Input", positional=True,
        metavar="REF",
    )  # fmt: skip
    qrels: Path | None = option("TREC labels, for run files.", default=None, section="Input")
    intersect: bool = option("Use only the queries that both systems have.", default=False, section="Input")


def run(options: Options, context: Context) -> Plan:
    """Find out what difference so many queries can detect, and how many a smaller difference needs.

    Two systems that were evaluated are the pilot: the plan measures how their differences vary. Without a pilot, the
    figures are assumptions, and ``sd`` is needed.

    Raises:
        InputError: there are not two systems, or nothing says how differences vary.
        SettingError: a number out of its range.

    Examples:
        >>> plan = rb.plan("reports/example", delta=0.03)
        >>> plan.queries, plan.goals[0].queries
        (196, 578)
    """
    if not options.pilot:
        return make_plan(part(options, PlanSettings), None)
    runs = systems(options.pilot, qrels=options.qrels, metrics=[options.metric])
    return make_plan(part(options, PlanSettings), pilot_of(runs, options.metric, intersect=options.intersect))
