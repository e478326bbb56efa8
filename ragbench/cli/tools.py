"""What ``export`` and ``data`` print, and their help."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.data import Collections, FetchedCollection, FetchOptions, ListOptions
    from ragbench.workflows.export import Exported
    from ragbench.workflows.export import Options as ExportOptions

HELP_EXPORT = """Write a golden set in another format, and list what that format cannot hold.

Example:
  ragbench export --golden golden/ --to beir --out beir/

Exit code 2: an error of usage or input."""


def show_export(options: "ExportOptions", exported: "Exported", output: Output) -> None:
    """Print what was written, and what was lost."""
    from ragbench.render.export import export_json, export_lines

    written = (exported.golden, exported.format, exported.out, exported.lost)
    if output.as_json:
        output.object(export_json(*written))
    else:
        for line in export_lines(*written):
            output.say(line)


HELP_DATA_LIST = """List the public test collections that can be fetched, with size, licence and checksum.

Example:
  ragbench data list"""
HELP_DATA_GET = """Fetch a public test collection. A broken download continues where it stopped.

Example:
  ragbench data get scifact

Exit code 2: an error of usage or input, or a download that fails."""


def show_data_list(options: "ListOptions", found: "Collections", output: Output) -> None:
    """Print the collections."""
    from ragbench.render.blocks import terminal
    from ragbench.render.collections import collections_blocks, collections_json

    if output.as_json:
        output.object(collections_json(found.collections, found.fetched, found.cache))
    else:
        output.table(terminal(collections_blocks(found.collections, found.fetched, found.cache)))


def show_data_get(options: "FetchOptions", found: "FetchedCollection", output: Output) -> None:
    """Print the checksum and the folder of the collection."""
    from ragbench.render.collections import fetched_json, fetched_lines

    if output.as_json:
        output.object(fetched_json(found.collection, found.fetched))
    else:
        for line in fetched_lines(found.fetched):
            output.say(line)
