"""``ragbench batch``: a golden set through a provider's batch API."""

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from ragbench.cli.generate import generate

app = typer.Typer(
    name="batch",
    help="Make a golden set through a provider's batch API: cheaper, and done within a day.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(help="The run's folder, as given to batch submit by --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def submit_words(
    s3_uri: Annotated[str | None, typer.Option(help="Bedrock: s3://bucket/folder for input and output.")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Bedrock: role that reads and writes there.")] = None,
    most_lines: Annotated[int, typer.Option(help="The most requests of one batch.")] = 50_000,
    least_lines: Annotated[
        int | None, typer.Option(help="The fewest requests of one batch.  [default: the provider's: 1; Bedrock 100]")
    ] = None,
    tries: Annotated[int, typer.Option(help="How often a request goes out before it is given up.")] = 3,
) -> None:  # fmt: skip
    """The options that batch submit has beside those of generate."""


def submit(**given: Any) -> None:
    """Send what is missing for a golden set as batches, or write the set if nothing is.

    Example: ragbench batch submit --corpus docs/ --llm openai:gpt-4o-mini --max-cost 10 --out golden/docs

    Takes the options of ragbench generate. Each round sends the questions that can be
    asked by now; ragbench batch fetch brings the answers; the same submit then sends the
    next round, and at the end writes the same files as generate. Killed at any moment,
    the same command goes on where it was and begins no batch twice. Exit code 0: batches
    were sent, or the set was written; 2: an error, or a spent budget. The limits on
    concurrency, rates and time have no meaning for batches.
    """
    from ragbench.cli.batch_submit import Batching, run
    from ragbench.workflows.generate import Options

    own = {name: given.pop(name) for name in inspect.signature(submit_words).parameters}
    stages, as_json = tuple(given.pop("stage") or ()), given.pop("as_json")
    run(Options(**given, stages=stages), Batching(**own, as_json=as_json))


# Every option of generate, so that a command goes from one to the other unchanged.
_words = [*inspect.signature(generate).parameters.values(), *inspect.signature(submit_words).parameters.values()]
vars(submit)["__signature__"] = inspect.Signature(
    [word.replace(kind=inspect.Parameter.KEYWORD_ONLY) for word in _words]
)


def status(
    folder: Folder,
    offline: Annotated[bool, typer.Option("--offline", help="Tell what the journal knows; ask nobody.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the batches of a run and how they stand.

    Example: ragbench batch status golden/docs
    """
    from ragbench.cli.batch_status import show

    show(folder, offline=offline, as_json=as_json)


def fetch(
    folder: Folder,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until every batch has ended.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks while waiting.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Get the answers of the batches that have ended.

    Example: ragbench batch fetch golden/docs --wait

    Afterwards, run batch submit again: it sends the next round, or writes the set.
    """
    from ragbench.cli.batch_fetch import run

    run(folder, wait=wait, every=every, as_json=as_json)


app.command("submit")(submit)
app.command("status")(status)
app.command("fetch")(fetch)
