"""``ragbench view``: a local page over a folder of evaluations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """Look at evaluations in the browser: reports, comparisons, queries to review, a playground.

Example: ragbench view reports --corpus datasets/shop/product_catalog.csv

The page is served on this machine only (127.0.0.1), at the address that is
printed; it holds a random token. FOLDER is searched for evaluations
('ragbench eval --out', 'ragbench score --out'), which know where their texts lie;
--corpus is for the playground and for texts that were moved. Decisions on queries go into a
table that 'ragbench golden review import' reads: beside the golden set if that
is named, else review.csv in the evaluation's folder. Files uploaded to the
playground are kept apart for each browser session and removed at the end
(Ctrl-C). Exit code 0: stopped; 2: an error of usage or input."""

Paths = list[Path] | None


def view_command(
    folder: Annotated[Path, typer.Argument(help="Folder with evaluations.")],
    corpus: Annotated[Paths, typer.Option(help="Documents or chunks, for texts and playground; repeatable.")] = None,
    chunker: Annotated[str, typer.Option(help="How the corpus was cut: NAME or NAME:key=value,...")] = "auto",
    golden: Annotated[Paths, typer.Option(help="Golden set that was used; repeatable.")] = None,
    answers: Annotated[Paths, typer.Option(help="Answers that were scored; repeatable.")] = None,
    retriever: Annotated[
        list[str] | None, typer.Option(help="Of the playground; repeatable.  [default: the built-in four]")
    ] = None,
    llm: Annotated[str | None, typer.Option(help="provider:model that answers in the playground.")] = None,
    base_url: Annotated[str | None, typer.Option(help="URL of a server compatible with OpenAI's.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="The most to spend on answers.")] = None,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address only.")] = False,
    max_file_mb: Annotated[float, typer.Option(help="Largest upload.")] = 20,
    max_session_mb: Annotated[float, typer.Option(help="All uploads of a browser session.")] = 50,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
) -> None:
    """Look at evaluations in the browser."""
    from ragbench.core.errors import MissingExtra
    from ragbench.io.places import cache_folder
    from ragbench.models.llm.roles import CallOptions, ModelOptions

    try:
        from ragbench.view.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "starlette", "uvicorn"):
            raise
        raise MissingExtra("ragbench view", "view") from error
    from ragbench.view.settings import RETRIEVERS, Limits, Settings

    settings = Settings(
        folder,
        tuple(corpus or ()),
        chunker,
        tuple(golden or ()),
        tuple(answers or ()),
        tuple(retriever or RETRIEVERS),
        Limits.of_megabytes(max_file_mb, max_session_mb),
    )
    asking = ModelOptions({"answer": llm}, CallOptions(base_url=base_url, max_cost=max_cost)) if llm else None

    def ready(address: str, once: str) -> None:
        print(address, flush=True)
        print("Ctrl-C ends it and removes uploaded files.", file=sys.stderr)
        if not no_open:
            import webbrowser

            webbrowser.open(once)

    serve(settings, asking, port, cache_folder(cache), ready)


view_command.__doc__ = EXAMPLE
