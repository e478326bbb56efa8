"""``ragbench data``: public test collections, listed and fetched."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.data import Collections, FetchedCollection, FetchOptions, ListOptions

HELP_LIST = """List the public test collections that can be fetched, with size, licence and checksum.

Example:
  ragbench data list"""
HELP_GET = """Fetch a public test collection. A broken download continues where it stopped.

Example:
  ragbench data get scifact

Exit code 2: an error of usage or input, or a download that fails."""


def show_list(options: "ListOptions", found: "Collections", output: Output) -> None:
    """Print the collections."""
    from ragbench.render.blocks import terminal
    from ragbench.render.collections import collections_blocks, collections_json

    if output.as_json:
        output.object(collections_json(found.collections, found.fetched, found.cache))
    else:
        output.table(terminal(collections_blocks(found.collections, found.fetched, found.cache)))


def show_get(options: "FetchOptions", found: "FetchedCollection", output: Output) -> None:
    """Print the checksum and the folder of the collection."""
    from ragbench.render.collections import fetched_json, fetched_lines

    if output.as_json:
        output.object(fetched_json(found.collection, found.fetched))
    else:
        for line in fetched_lines(found.fetched):
            output.say(line)
