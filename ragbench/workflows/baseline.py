"""Keep the runs that a gate compares later ones with: store one, list them, show one."""

from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.options import option, option_group, options
from ragbench.io.baselines import STORE, Baseline, list_baselines, set_baseline, show_baseline


@option_group
class StoreOptions:
    """Where the baselines are."""

    store: Path = option("Folder of the baselines; you can commit it.", default=STORE)


@options
class SetOptions(StoreOptions):
    """The options of ``ragbench baseline set``."""

    name: str = option("Name of the baseline.", positional=True)
    run: str | Path = option("FOLDER of 'ragbench eval --out', or FOLDER::ARM.", positional=True, metavar="RUN")


@options
class ListOptions(StoreOptions):
    """The options of ``ragbench baseline list``."""


@options
class ShowOptions(StoreOptions):
    """The options of ``ragbench baseline show``."""

    name: str = option("Name of the baseline.", positional=True)


def run_set(options: SetOptions, context: Context) -> Baseline:
    """Store one system of an evaluation under a name, in place of an earlier one.

    Raises:
        InputError: the name cannot be used, or the reference is no system of a finished evaluation.

    Examples:
        >>> rb.baseline.set("main", "reports/example::bm25").name
        'main'
    """
    return set_baseline(options.name, options.run, options.store)


def run_list(options: ListOptions, context: Context) -> tuple[Baseline, ...]:
    """Every stored baseline, sorted by name.

    Examples:
        >>> baseline = rb.baseline.set("main", "reports/example::bm25")
        >>> [one.name for one in rb.baseline.list()]
        ['main']
    """
    return list_baselines(options.store)


def run_show(options: ShowOptions, context: Context) -> Baseline:
    """Metrics, fingerprints and settings of one baseline.

    Raises:
        InputError: there is none of that name, or its files are damaged.

    Examples:
        >>> baseline = rb.baseline.set("main", "reports/example::bm25")
        >>> round(rb.baseline.show("main").metrics["ndcg@10"]["mean"], 3)
        0.661
    """
    return show_baseline(options.name, options.store)
