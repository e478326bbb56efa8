"""``ragbench compare``: better, worse, equivalent, or no difference shown."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.compare import Compared
    from ragbench.workflows.compare import Options

HELP = """Compare systems that were evaluated: better, worse, equivalent, or no difference shown.

Example:
  ragbench compare reports/shop::bm25 reports/shop::hybrid --by type --by length

A reference is the folder of 'ragbench eval --out' (all its systems),
FOLDER::ARM, or with --qrels a run file. The first system is the baseline. Exit
code 0: whatever the verdict (use gate to decide in CI); 2: an error of usage or
input, or a system that did not run."""


def show(options: "Options", compared: "Compared", output: Output) -> int:
    """Print the comparison."""
    from ragbench.io.files import write_text
    from ragbench.render.compare import compare_json, compare_markdown, compare_tables
    from ragbench.render.human import sheet_line

    if options.out is not None:
        write_text(options.out, compare_markdown(compared))
    if output.as_json:
        output.object(compare_json(compared))
    else:
        output.table(compare_tables(compared), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}")
    if compared.label_sheet is not None and not output.as_json:
        output.say(sheet_line(compared.label_sheet, options.sheet))
    for name, error in compared.failed.items():
        output.error(f"error: {name} did not run: {error}")
    return 2 if compared.failed else 0
