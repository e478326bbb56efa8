"""``ragbench view``: a local page over a folder of evaluations."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.cli.output import Output
from ragbench.core.errors import MissingExtra, SettingError
from ragbench.core.options import option, options, part
from ragbench.models.llm.roles import CallOptions, ModelOptions
from ragbench.view.settings import RETRIEVERS
from ragbench.workflows.groups import CacheFolder

if TYPE_CHECKING:
    from ragbench.view.settings import Settings

HELP = """Look at evaluations in the browser: reports, comparisons, queries to review, a playground.

Example:
  ragbench view reports --corpus datasets/shop/product_catalog.csv

The page is served on this machine only (127.0.0.1). The command prints its
address, which has a random token. FOLDER is searched for evaluations ('ragbench
eval --out', 'ragbench score --out'). Evaluations know where their texts are;
--corpus is for the playground, and for texts that were moved.

Decisions on queries are kept in a table that 'ragbench golden review import'
reads. The table is beside the golden set if you name one, else it is review.csv
in the folder of the evaluation. Files that you upload to the playground are kept
apart for each browser session, and are removed when the command ends (Ctrl-C).
Exit code 0: stopped; 2: an error of usage or input."""
HIGHEST_PORT = 65535


@options
class Options(CallOptions, CacheFolder):
    """The options of ``ragbench view``."""

    folder: Path = option("Folder with evaluations.", positional=True, section="Input")
    corpus: Sequence[Path] = option("Documents or chunks, for texts and playground.", default=(), section="Input")
    chunker: str = option("How the corpus was cut, NAME or NAME:key=value,...", default="auto", section="Input")
    golden: Sequence[Path] = option("Golden set that was used.", default=(), section="Input")
    answers: Sequence[Path] = option("Answers that were scored.", default=(), section="Input")
    retrievers: Sequence[str] = option(
        "Retriever of the playground.", default=RETRIEVERS, flag="--retriever", section="Page"
    )
    llm: str | None = option(
        "Model that answers in the playground, provider:model.", default=None, section="Model", unset="none"
    )
    port: int = option("Port; 0 takes a free one.", default=0, section="Page")
    no_open: bool = option("Print the address, and do not open a browser.", default=False, section="Page")
    max_file_mb: float = option("Largest upload, in megabytes.", default=20, section="Page")
    max_session_mb: float = option("All uploads of a browser session, in megabytes.", default=50, section="Page")

    def __post_init__(self) -> None:
        if not 0 <= self.port <= HIGHEST_PORT:
            raise SettingError(f"is {self.port}; it must be between 0 and {HIGHEST_PORT}", option="port")


def run(options: Options, output: Output) -> None:
    """Serve the page until the process is asked to stop."""
    from ragbench.io.places import cache_folder

    try:
        from ragbench.view.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "starlette", "uvicorn"):
            raise
        raise MissingExtra("ragbench view", "view") from error

    def ready(address: str, once: str) -> None:
        output.lines(address)
        output.error("Ctrl-C ends it and removes uploaded files.")
        if not options.no_open:
            import webbrowser

            webbrowser.open(once)

    model = ModelOptions({"answer": options.llm}, part(options, CallOptions)) if options.llm else None
    serve(_settings(options), model, options.port, cache_folder(options.cache), ready)


def _settings(options: Options) -> "Settings":
    from ragbench.view.settings import Limits, Settings

    return Settings(
        options.folder,
        tuple(options.corpus),
        options.chunker,
        tuple(options.golden),
        tuple(options.answers),
        tuple(options.retrievers),
        Limits.of_megabytes(options.max_file_mb, options.max_session_mb),
    )
