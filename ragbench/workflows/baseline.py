"""Keep the runs that a gate compares later ones with: store one, list them, show one and its history."""

from pathlib import Path

from ragbench.comparison.gate.best import is_new_best
from ragbench.comparison.gate.history import History, history_of
from ragbench.core.context import Context
from ragbench.core.options import option, option_group, options
from ragbench.io.baselines import (
    STORE,
    Baseline,
    add_to_history,
    list_baselines,
    read_baseline,
    read_history,
    read_one,
    set_baseline,
    show_baseline,
)
from ragbench.io.run_folder import held

BEST = "-best"
"""Ending of the name of the best system so far."""
WAIT_SECONDS = 30.0
"""How long to wait for another process that stores a baseline."""


@option_group
class StoreOptions:
    """Where the baselines are."""

    store: Path = option("Folder of the baselines; you can commit it.", default=STORE, changes=True)


@options
class SetOptions(StoreOptions):
    """The options of ``ragbench baseline set``."""

    name: str = option("Name of the baseline.", positional=True)
    run: str | Path = option("FOLDER of 'ragbench eval --out', or FOLDER::ARM.", positional=True, metavar="RUN")
    best: str | None = option(
        "Metric of the best system so far: if RUN is shown to be better in it, RUN is also stored as NAME-best.",
        default=None, metavar="METRIC",
    )  # fmt: skip
    label: str = option("Name of this state in the history, such as a commit.", default="")


@options
class ListOptions(StoreOptions):
    """The options of ``ragbench baseline list``."""


@options
class ShowOptions(StoreOptions):
    """The options of ``ragbench baseline show``."""

    name: str = option("Name of the baseline.", positional=True)


@options
class HistoryOptions(StoreOptions):
    """The options of ``ragbench baseline history``."""

    name: str = option("Name of the baseline.", positional=True)
    metric: str | None = option("Metric to show.", default=None, unset="the first one of the baseline")
    anchor: str | None = option("Another baseline to show beside it, such as a release.", default=None, metavar="NAME")
    out: Path | None = option("HTML file of the chart.", default=None, section="Output", writes="HTML", python=False)


def run_set(options: SetOptions, context: Context) -> Baseline:
    """Store one system of an evaluation under a name, in place of an earlier one, and add it to the history.

    With ``best``, it is also stored as ``NAME-best`` if it is shown to be better than the last one in that metric.

    Raises:
        InputError: the name cannot be used, or the reference is no system of a finished evaluation.

    Examples:
        >>> rb.baseline.set("main", "reports/example::bm25").name
        'main'
    """
    options.store.mkdir(parents=True, exist_ok=True)
    with held(options.store, wait=WAIT_SECONDS):
        new_best = False
        if options.best is not None:
            name = options.name + BEST
            known = [one.name for one in list_baselines(options.store)]
            ours = read_one(options.run)
            before = read_baseline(name, options.store) if name in known else ours
            new_best = is_new_best(before, ours, options.best) or name not in known
        stored = set_baseline(options.name, options.run, options.store)
        if new_best:
            set_baseline(options.name + BEST, options.run, options.store)
        add_to_history(stored, label=options.label, best=new_best)
    return stored


def run_list(options: ListOptions, context: Context) -> tuple[Baseline, ...]:
    """List every stored baseline, sorted by name.

    Examples:
        >>> baseline = rb.baseline.set("main", "reports/example::bm25")
        >>> [one.name for one in rb.baseline.list()]
        ['main']
    """
    return list_baselines(options.store)


def run_show(options: ShowOptions, context: Context) -> Baseline:
    """Show the metrics, fingerprints and settings of one baseline.

    Raises:
        InputError: there is none of that name, or its files are damaged.

    Examples:
        >>> baseline = rb.baseline.set("main", "reports/example::bm25")
        >>> round(rb.baseline.show("main").metrics["ndcg@10"]["mean"], 3)
        0.661
    """
    return show_baseline(options.name, options.store)


def run_history(options: HistoryOptions, context: Context) -> History:
    """Show every run that was stored under a name, with the best so far and another anchor.

    Raises:
        InputError: nothing was stored under the name, or the history is damaged.
        SettingError: a run lacks the metric.

    Examples:
        >>> first = rb.baseline.set("main", "reports/example::bm25:stem=false", best="ndcg@10", label="v1")
        >>> second = rb.baseline.set("main", "reports/example::bm25", best="ndcg@10", label="v2")
        >>> [(entry.label, entry.best) for entry in rb.baseline.history("main").entries]
        [('v1', True), ('v2', True)]
    """
    anchor = None if options.anchor is None else show_baseline(options.anchor, options.store)
    return history_of(options.name, read_history(options.name, options.store), options.metric, anchor)
