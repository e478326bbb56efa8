"""Options that several jobs share, each declared once. Those of the language models are `CallOptions`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.core.naming import split_name
from ragbench.core.options import named, option, option_group, pairs
from ragbench.corpus.chunk import AUTO
from ragbench.corpus.clean import Clean
from ragbench.corpus.file_limits import FILE_MEMORY, FILE_TIMEOUT, FileLimits
from ragbench.engines.base import EngineName, EngineSettings
from ragbench.io.tables import columns_by_role
from ragbench.learning.log_labels import LabelRules, event_weights
from ragbench.learning.propensities import Method


@option_group
class LogColumns:
    """How the columns of a log are called."""

    columns: Mapping[str, str] | None = option(
        "Columns of the log, query=NAME,session=NAME,time=NAME,id=NAME,...", default=None, section="Input",
        unset="recognised by name", metavar="ROLE=NAME,...", parse=columns_by_role,
    )  # fmt: skip


def parse_weights(text: str) -> dict[str, float]:
    """Parse ``clicks=1,carts=2,purchases=4``.

    Raises:
        SettingError: a part has another form, or a weight is no number.
    """
    try:
        return {name: float(value) for name, value in pairs(named("weights"), text, "EVENT=WEIGHT").items()}
    except ValueError as error:
        raise SettingError(f"is {text!r:.60}; a weight is a number", option="weights") from error


def parse_shares(text: str) -> tuple[float, ...]:
    """Parse ``.25,.6``.

    Raises:
        SettingError: a part is no number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingError(f"is {text!r:.60}; write shares, as in .25,.6", option="grades") from error


@option_group
class LogLabelling(LogColumns):
    """How labels are made from what users of a log clicked and bought."""

    propensity: Method = option(
        "How position bias is estimated: randomised uses pages in random order, em is regression expectation "
        "maximisation, auto takes the first if there are enough such pages, none corrects nothing.", default="auto",
        section="Labels",
    )  # fmt: skip
    weights: Mapping[str, float] | None = option(
        "Weight of each event; the strongest of an impression counts.", default=None, section="Labels",
        metavar="EVENT=WEIGHT,...", unset="clicks=1,carts=2,purchases=4", parse=parse_weights,
    )  # fmt: skip
    grades: Sequence[float] = option(
        "Shares of the best value of a query at which grades 1, 2, ... begin.", default=LabelRules.grades,
        section="Labels", metavar="SHARE,...", parse=parse_shares,
    )  # fmt: skip
    min_sessions: int = option(
        "Fewest sessions with an event on a relevant document.", default=LabelRules.min_sessions, section="Labels"
    )
    min_looks: float = option(
        "Fewest looks (the sum of propensities) at a document that gets a label.", default=LabelRules.min_looks,
        section="Labels",
    )  # fmt: skip

    @property
    def label_rules(self) -> LabelRules:
        """How counts become grades.

        Raises:
            SettingError: a value is out of its range.
        """
        for name, least in (("min_sessions", 1), ("min_looks", 0)):
            if not least <= getattr(self, name) < float("inf"):
                raise SettingError(f"is {getattr(self, name)}; it must be {least} or more", option=name)
        return LabelRules(event_weights(self.weights), tuple(self.grades), self.min_sessions, self.min_looks)


@option_group
class FileReading:
    """The limits of time and memory for reading a file that nobody has checked."""

    file_timeout: float = option(
        "Longest time without progress in reading a document, in seconds; a file that takes longer is skipped. 0: no "
        "limit.", default=FILE_TIMEOUT, section="Limits",
    )  # fmt: skip
    file_memory: float = option(
        "Most memory for reading a document, in GB (Linux); a file that takes more is skipped. 0: no limit.",
        default=FILE_MEMORY, section="Limits",
    )  # fmt: skip

    @property
    def file_limits(self) -> FileLimits:
        """The limits for each file.

        Raises:
            SettingError: a limit is negative or not finite.
        """
        return FileLimits(self.file_timeout, self.file_memory)


@option_group
class CorpusLoading(FileReading):
    """How documents are read."""

    loader: str | None = option(
        "Loader of the documents, NAME or NAME:key=value,...", default=None, section="Input",
        unset="chosen by file ending",
    )  # fmt: skip
    clean: Clean | None = option(
        "Clean the documents: html turns HTML in titles, texts and metadata into plain text.", default=None,
        section="Input", unset="documents stay as they are",
    )  # fmt: skip


@option_group
class CorpusReading(CorpusLoading):
    """How documents are read and cut."""

    chunker: str = option(
        "How documents are cut, NAME or NAME:key=value,...; auto leaves table rows whole.", default=AUTO,
        section="Input",
    )  # fmt: skip


@option_group
class Chunkings(CorpusReading):
    """How documents are read, and one or several ways to cut them."""

    chunker: Sequence[str] | Mapping[str, str] = option(  # type: ignore[assignment] # several instead of one
        "How documents are cut, SPEC or NAME=SPEC, as in recursive:size=800; auto leaves table rows whole. With "
        "several, every system runs on each.", default=(AUTO,), section="Input",
    )  # fmt: skip

    @property
    def chunkers(self) -> dict[str, str]:
        """The chunkers by name.

        Raises:
            SettingError: there is none, or a name is given twice.
        """
        if not self.chunker:
            raise SettingError("names no chunker", option="chunker")
        if isinstance(self.chunker, Mapping):
            return dict(self.chunker)
        written = [self.chunker] if isinstance(self.chunker, str) else self.chunker
        split = [(name or spec, spec) for name, spec in map(split_name, written)]
        found = dict(split)
        if len(found) < len(split):
            raise SettingError("has a name twice; give each chunker a name of its own", option="chunker")
        return found


@option_group
class GoldenReading:
    """How a golden set is read."""

    golden_format: str | None = option(
        "Format of the golden set.", default=None, section="Input", unset="recognised from the files"
    )
    golden_columns: Mapping[str, str] | None = option(
        "Columns of a CSV or simple set, query=NAME,document=NAME,...", default=None, section="Input",
        metavar="ROLE=NAME,...", unset="recognised by name",
        parse=lambda text: pairs(named("golden_columns"), text, "ROLE=NAME"),
    )  # fmt: skip


@option_group
class LabelledChunks:
    """How the chunk labels of a golden set are read."""

    label_chunker: str | None = option(
        "Chunker whose chunks source_chunk_id counts, NAME:key=value,...", default=None, section="Input",
        unset="the one on the card of the golden set, else recursive:size=1000,overlap=200",
    )  # fmt: skip


@option_group
class CacheFolder:
    """The folder for data that later runs use again."""

    cache: Path | None = option(
        "Folder for embeddings and other data that later runs use again.", default=None, section="Run",
        unset="the user's cache folder", changes=True,
    )  # fmt: skip


@option_group
class WorkerChoice:
    """Where the work of a job runs."""

    engine: EngineName = option(
        "Where the work runs: local is this process, ray the workers of a Ray cluster.", default="local",
        section="Engine",
    )  # fmt: skip
    ray_address: str | None = option(
        "Address of the Ray cluster.", default=None, section="Engine", metavar="HOST:PORT",
        unset="RAY_ADDRESS, else a session on this machine",
    )  # fmt: skip
    workers: int | None = option(
        "Workers of Ray. Each loads the model once.", default=None, section="Engine",
        unset="one for each core or GPU of the cluster",
    )  # fmt: skip
    gpus_per_worker: float | None = option(
        "GPUs for each worker of Ray; workers share one if it is below 1.", default=None, section="Engine",
        unset="none",
    )  # fmt: skip

    @property
    def engine_settings(self) -> EngineSettings:
        """The settings of the engine.

        Raises:
            SettingError: a number is too small, or an option of Ray is given for the local engine.
        """
        batch_size: int | None = getattr(self, "batch_size", None)
        for name, value in (("workers", self.workers), ("batch_size", batch_size)):
            if value is not None and value < 1:
                raise SettingError(f"is {value}; it must be at least 1", option=name)
        gpus = self.gpus_per_worker
        if gpus is not None and not (0 < gpus < float("inf")):
            raise SettingError(f"is {gpus:g}; it must be above 0, as in 1 or 0.5", option="gpus_per_worker")
        if self.engine == "local":
            for name in ("ray_address", "workers", "gpus_per_worker"):
                if getattr(self, name) is not None:
                    raise SettingError(f"applies to {named('engine')} ray only", option=name)
        return EngineSettings(self.engine, self.ray_address, self.workers, gpus or 0.0, batch_size)


@option_group
class EngineChoice(WorkerChoice):
    """Where the work of a job on many rows runs."""

    batch_size: int | None = option(
        "Most rows that a worker takes at once.", default=None, section="Engine", unset="1024"
    )


@option_group
class RunFolder:
    """How a job deals with what its output folder already holds."""

    resume: bool = option("Continue an interrupted run; an error if there is none.", default=False, section="Run")
    force: bool = option("Write into a folder that holds something else.", default=False, section="Run")


@option_group
class DryRun:
    """Whether to estimate the work instead of doing it."""

    dry_run: bool = option("Print calls, tokens and cost; ask no model.", default=False, section="Run")


def parse_headers(text: str) -> dict[str, str]:
    """Parse ``HEADER=VARIABLE,HEADER=VARIABLE``.

    Raises:
        SettingError: a part has another form, or a header is given twice.
    """
    return pairs(named("header_env"), text, "HEADER=VARIABLE")


@option_group
class ServiceHeaders:
    """Headers of the requests to a RAG service."""

    header_env: Mapping[str, str] | None = option(
        "Headers whose values are in environment variables, for keys.", default=None, section="Input",
        metavar="HEADER=VARIABLE,...", parse=parse_headers,
    )  # fmt: skip
