"""``ragbench chunk``: documents cut into chunks, written as Parquet or JSON lines."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.chunk import ChunkedCorpus, Options

HELP = """Load documents, cut them into chunks and write these to a file.

Example:
  ragbench chunk --corpus docs/ --chunker recursive:size=800,overlap=100 --out chunks.parquet

The file can be given to other commands as their corpus. Without --out the
command prints the numbers and writes nothing. Exit code 2: an error of usage or
input."""


def show(options: "Options", result: "ChunkedCorpus", output: Output) -> None:
    """Print the numbers of documents and chunks, and what was skipped."""
    from ragbench.render.chunks import chunks_json, chunks_lines

    found = chunks_json(result.chunks, result.documents, result.chunker, result.ledger)
    if output.as_json:
        output.object({**found, "out": str(options.out) if options.out else None})
        return
    for line in chunks_lines(found, result.ledger):
        output.say(line)
    if options.out is not None:
        output.say(f"written to {options.out}")
