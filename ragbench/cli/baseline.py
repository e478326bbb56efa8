"""``ragbench baseline``: the runs that later ones are compared with."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.io.baselines import Baseline
    from ragbench.workflows.baseline import ListOptions, SetOptions, ShowOptions

HELP_SET = """Store one system of an evaluation under a name, in place of an earlier one.

Example:
  ragbench baseline set main reports/shop::bm25"""
HELP_LIST = """List every stored baseline."""
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
