"""``ragbench mcp``: the main jobs as tools for an agent."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.cli.output import Output
from ragbench.core.errors import InputError
from ragbench.core.options import option, options
from ragbench.workflows.groups import CacheFolder

HELP = """Serve evaluations to an agent through the Model Context Protocol, on standard input and output.

Example:
  ragbench mcp .

The agent gets five tools: list_evaluations, evaluate, compare, gate and
explain_query. Paths are relative to FOLDER, and none leads out of it. The
agent may use the retrievers bm25 with any settings, dense, hybrid and rerank,
and those of --retriever. No tool takes a program, a URL or a key. Needs the
extra mcp.
Exit code 0: the input ended; 2: an error of usage or input."""


@options
class Options(CacheFolder):
    """The options of ``ragbench mcp``."""

    folder: Path = option(
        "Folder that the agent may read, and write evaluations to.", default=Path(), positional=True, section="Input",
        metavar="FOLDER",
    )  # fmt: skip
    retrievers: Sequence[str] = option(
        "Another retriever that the agent may use, written exactly as here.", default=(), flag="--retriever",
        section="Retrieval",
    )  # fmt: skip


def run(options: Options, output: Output) -> None:
    """Serve until standard input ends."""
    if not options.folder.is_dir():
        raise InputError(f"{options.folder}: no such folder")
    from ragbench.core.context import Context
    from ragbench.io.places import cache_folder
    from ragbench.mcp_server.serve import serve
    from ragbench.mcp_server.tools import Tools
    from ragbench.workflows.arms import arms_of

    if options.retrievers:
        arms_of(list(options.retrievers))  # an unknown one is an error now
    tools = Tools(
        options.folder.resolve(), tuple(options.retrievers), cache_folder(options.cache), Context(say=output.error)
    )
    serve(tools)
