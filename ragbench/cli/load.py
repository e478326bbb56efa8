"""``ragbench load``: a load test of a RAG service."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.answers.load.result import LoadResult
    from ragbench.workflows.load_test import Options

USAGE_ERROR = 2
HELP = """Put load on a RAG service: answers per second, latency, time to the first token, failures.

Example:
  ragbench load --url http://localhost:8080/ask --questions questions.txt --concurrency 1,4,16 --out reports/load

--concurrency runs closed loops: so many senders, each of which waits for its
answer. --rate runs open loops: so many requests per second arrive, whether or
not earlier ones are answered, and latency counts from when a request was due.
Each level ends after --requests or --seconds, whichever comes first. Only a
service on this machine is tested, unless you give --i-own-this-host.

The service answers as docs/reference/answers-http.md describes. The commands
gate and baseline take the folder of --out (docs/guides/load.md). Exit code 0:
measured; 2: an error of usage or input, or a level in which every request
failed."""


def show(options: "Options", result: "LoadResult", output: Output) -> int:
    """Print the measurements. Give 2 if every request of a level failed."""
    from ragbench.render.load import load_json, load_tables

    if output.as_json:
        output.object(load_json(result))
    else:
        output.table(load_tables(result))
    if options.out is not None:
        output.say(f"written to {options.out}")
    return USAGE_ERROR if any(level.error for level in result.levels) else 0
