"""``ragbench baseline``: the runs that later ones are compared with."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.gate.history import History
    from ragbench.io.baselines import Baseline
    from ragbench.workflows.baseline import HistoryOptions, ListOptions, SetOptions, ShowOptions

HELP_SET = """Store one system of an evaluation under a name, in place of an earlier one.

Example:
  ragbench baseline set main reports/shop::bm25
  ragbench baseline set main reports/shop::bm25 --best ndcg@10 --label "$SHA"

With --best, the run is also stored as main-best if it is shown to be better
than the last one. A rule with 'anchor: main-best' measures its margin from it."""
HELP_LIST = """List every stored baseline."""
HELP_HISTORY = """Show the runs that were stored under a name, oldest first, with the best so far.

Example:
  ragbench baseline history main --anchor release-1 --out main.html"""
HELP_SHOW = """Show metrics, fingerprints and settings of one baseline."""


def show_set(options: "SetOptions", found: "Baseline", output: Output) -> None:
    """Print where the baseline is."""
    from ragbench.render.gate import baseline_json

    if output.as_json:
        output.object(baseline_json(found))
    else:
        print(f"baseline {found.name}: {found.arm}, in {found.folder}")


def show_list(options: "ListOptions", found: "tuple[Baseline, ...]", output: Output) -> None:
    """Print a line for each baseline."""
    from ragbench.render.gate import baseline_json, baseline_line

    if output.as_json:
        output.object({"baselines": [baseline_json(one) for one in found]})
    else:
        print("\n".join(baseline_line(one) for one in found) or f"no baseline in {options.store}")


def show_show(options: "ShowOptions", found: "Baseline", output: Output) -> None:
    """Print the baseline."""
    from ragbench.render.gate import baseline_json, baseline_text

    if output.as_json:
        output.object(baseline_json(found))
    else:
        print(baseline_text(found))


def show_history(options: "HistoryOptions", found: "History", output: Output) -> None:
    """Print the history, and write its chart."""
    from ragbench.render.history import history_json, history_table

    if options.out is not None:
        from ragbench.render.charts.history import history_chart, history_frame
        from ragbench.render.figures import write_chart_page

        write_chart_page(history_chart(history_frame(found), found), options.out)
    if output.as_json:
        output.object(history_json(found))
    else:
        output.table(history_table(found))
