"""``ragbench plugins``: what you can choose from."""

from ragbench.cli.output import Output
from ragbench.core.options import options

HELP = """List all plugins: retrievers, retrieval metrics, embedders, rerankers, chunkers,
loaders, review stages and answer metrics.

Example:
  ragbench plugins

Each name stands beside the module or entry point that it comes from."""


@options
class Options:
    """``ragbench plugins`` has no options of its own."""


def run(options: Options, output: Output) -> None:
    """Print the names of the plugins of each kind."""
    from ragbench.plugins import KINDS, names

    found = {f"{kind.word}s": names(kind) for kind in KINDS}
    if output.as_json:
        output.object(found)
        return
    for group, members in found.items():
        output.lines(f"{group}:")
        for name, origin in members.items():
            output.lines(f"  {name:24} {origin}")
