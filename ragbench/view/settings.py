"""What the viewer shows, and its limits."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import InputError, SettingError

MEGABYTE = 1 << 20
MOST_MEGABYTES = 10_000
RETRIEVERS = ("bm25", "dense", "hybrid", "rerank")
"""Offered in the playground unless others are named."""


@dataclass(frozen=True)
class Limits:
    """Of uploads.

    Attributes:
        file_bytes: the largest file.
        session_bytes: all files of one browser session together.
        files: how many a session may hold.
        read_seconds: that reading a PDF may take.
    """

    file_bytes: int = 20 * MEGABYTE
    session_bytes: int = 50 * MEGABYTE
    files: int = 200
    read_seconds: float = 60.0

    @classmethod
    def of_megabytes(cls, file: float, session: float) -> "Limits":
        """The same in megabytes (1,048,576 bytes).

        Raises:
            SettingError: one is no number above 0, or absurdly large.
        """
        for option, value in (("--max-file-mb", file), ("--max-session-mb", session)):
            if not 0 < value <= MOST_MEGABYTES:
                raise SettingError(f"{option} is {value:g}; it must be above 0 and at most {MOST_MEGABYTES:,}")
        return cls(int(file * MEGABYTE), int(session * MEGABYTE))


@dataclass(frozen=True)
class Settings:
    """Of one viewer.

    Attributes:
        folder: where evaluations are looked for.
        corpus: documents: texts of the reports, and what the playground searches.
        chunker: how they are cut.
        golden: golden sets: texts of the reports; decisions on their queries are kept beside them.
        answers: answers that were scored.
        retrievers: specs that the playground offers.
        limits: of uploads.
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
