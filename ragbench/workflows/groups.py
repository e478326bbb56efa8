"""Options that several jobs share, each declared once. Those of the language models are `CallOptions`."""

from pathlib import Path

from ragbench.core.options import option, option_group
from ragbench.corpus.chunk import AUTO


@option_group
class CorpusLoading:
    """How documents are read."""

    loader: str | None = option(
        "Loader of the documents, NAME or NAME:key=value,....", default=None, section="Input",
        unset="chosen by file ending",
    )  # fmt: skip


@option_group
class CorpusReading(CorpusLoading):
    """How documents are read and cut."""

    chunker: str = option(
        "How documents are cut, NAME or NAME:key=value,...; auto leaves table rows whole.", default=AUTO,
        section="Input",
    )  # fmt: skip


@option_group
class GoldenReading:
    """How a golden set is read."""

    golden_format: str | None = option(
        "Format of the golden set.", default=None, section="Input", unset="recognised from the files"
    )


@option_group
class CacheFolder:
    """Where what is kept between runs is kept."""

    cache: Path | None = option(
        "Folder for what is kept between runs, such as embeddings.", default=None, section="Run",
        unset="the user's cache folder",
    )  # fmt: skip


@option_group
class RunFolder:
    """How a job deals with what its output folder already holds."""

    resume: bool = option("Continue an interrupted run; an error if there is none.", default=False, section="Run")
    force: bool = option("Write into a folder that holds something else.", default=False, section="Run")


@option_group
class DryRun:
    """An estimate instead of the work."""

    dry_run: bool = option("Print calls, tokens and cost; ask no model.", default=False, section="Run")
