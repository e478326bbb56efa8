"""Settings of the viewer: what it shows, and its limits."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import InputError, SettingError

MEGABYTE = 1 << 20
MOST_MEGABYTES = 10_000
RETRIEVERS = ("bm25", "dense", "hybrid", "rerank")
"""The retrievers of the playground, unless others are named."""


@dataclass(frozen=True)
class Limits:
    """Limits of uploads.

    Attributes:
        file_bytes: the largest file.
        session_bytes: all files of one browser session together.
        files: the most files of a session.
        read_seconds: the most seconds to read a file.
        read_gigabytes: the most memory to read a file, in GB (Linux).
    """

    file_bytes: int = 20 * MEGABYTE
    session_bytes: int = 50 * MEGABYTE
    files: int = 200
    read_seconds: float = 60.0
    read_gigabytes: float = 1.0

    @classmethod
    def of_megabytes(cls, file: float, session: float) -> "Limits":
        """Make limits in megabytes (1,048,576 bytes).

        Raises:
            SettingError: a limit is not above 0, or too large.
        """
        for option, value in (("max_file_mb", file), ("max_session_mb", session)):
            if not 0 < value <= MOST_MEGABYTES:
                message = f"is {value:g}; it must be above 0 and at most {MOST_MEGABYTES:,}"
                raise SettingError(message, option=option)
        return cls(int(file * MEGABYTE), int(session * MEGABYTE))


@dataclass(frozen=True)
class Settings:
    """Settings of a viewer.

    Attributes:
        folder: folder that is searched for evaluations.
        corpus: documents, for the texts of reports and for the playground.
        chunker: how the documents are cut.
        golden: golden sets, for the texts of reports; decisions on their queries are kept beside them.
        answers: answers that were scored.
        retrievers: specs of the retrievers in the playground.
        limits: limits of uploads.
    """

    folder: Path
    corpus: tuple[Path, ...] = ()
    chunker: str = "auto"
    golden: tuple[Path, ...] = ()
    answers: tuple[Path, ...] = ()
    retrievers: tuple[str, ...] = RETRIEVERS
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder; name one that holds folders of 'ragbench eval --out'")
        missing = [str(path) for path in (*self.corpus, *self.golden, *self.answers) if not path.exists()]
        if missing:
            raise InputError(f"{', '.join(missing)}: no such file or folder")
