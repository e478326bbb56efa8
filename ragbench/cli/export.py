"""``ragbench export``: a golden set in another format."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.export import Exported, Options

HELP = """Write a golden set in another format, and list what that format cannot hold.

Example:
  ragbench export --golden golden/ --to beir --out beir/

Exit code 2: an error of usage or input."""


def show(options: "Options", exported: "Exported", output: Output) -> None:
    """Print what was written, and what was lost."""
    from ragbench.render.export import export_json, export_lines

    written = (exported.golden, exported.format, exported.out, exported.lost)
    if output.as_json:
        output.object(export_json(*written))
    else:
        for line in export_lines(*written):
            output.say(line)
