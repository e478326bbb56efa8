"""The contract of a loader, and what several loaders share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import ClassVar, Literal
from zipfile import BadZipFile, ZipFile

from ragbench.core.document import Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import LedgerEntry
from ragbench.io.encoding import TEXT_BYTES, read_bounded


class NotDocuments(InputError):
    """The file is sound but holds no documents (a table without a text column).

    An error where the file was named; in a folder of other documents it is
    skipped with an entry in the issue log.
    """


class Loader(ABC):
    """Reads one file or folder. A subclass is a frozen dataclass whose fields are its settings."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File name endings it is chosen for, lower case, with the dot."""

    passages: ClassVar[bool] = False
    """Whether what it reads is cut into passages already, so that ``--chunker auto`` leaves it whole."""

    folders: ClassVar[bool] = False
    """Whether it reads a folder as one thing, and not single files."""

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether this loader is for that path; by file name ending unless overridden (folders)."""
        return bool(cls.suffixes) and path.name.lower().endswith(cls.suffixes) and path.is_file()

    @abstractmethod
    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Documents of a file, and an issue for each part that had to be skipped.

        Args:
            path: what to read.
            name: what to call it in ids and messages: its path relative to the input, with ``/``.

        Raises:
            InputError: nothing of it can be read; the message names the file and the line or key.
        """


@dataclass(frozen=True)
class FileLoader(Loader):
    """A loader that makes one document of one file.

    Attributes:
        id_from: the document's id: the relative ``path`` (``manuals/pump.pdf``),
            or the ``stem`` of the file's name (``pump``).
        max_bytes: larger files are refused.
    """

    id_from: Literal["path", "stem"] = "path"
    max_bytes: int = TEXT_BYTES

    def __post_init__(self) -> None:
        if self.max_bytes <= 0:
            raise SettingError(f"max_bytes must be above 0, not {self.max_bytes}")

    def document_id(self, name: str) -> str:
        """The id of the document in a file called ``name``."""
        return name if self.id_from == "path" else name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def parts_metadata(word: str, spans: list[tuple[int, int]]) -> dict[str, object]:
    """Where the pages or slides of a document lie in its text.

    ``{"pages": [[0, 1200], [1202, 1202]], "empty_pages": [2]}``: offsets of
    each page, and the numbers (from 1) of those without text.
    """
    empty = [number for number, (start, end) in enumerate(spans, 1) if start == end]
    found: dict[str, object] = {f"{word}s": [list(span) for span in spans]}
    return {**found, f"empty_{word}s": empty} if empty else found


def join_parts(texts: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """Pages or slides joined by a blank line, and the span of each; an empty one adds nothing."""
    joined: list[str] = []
    spans: list[tuple[int, int]] = []
    at = 0
    for text in texts:
        if text and joined:
            joined.append("\n\n")
            at += 2
        spans.append((at, at + len(text)))
        if text:
            joined.append(text)
            at += len(text)
    return "".join(joined), spans


UNPACKED_BYTES = 1 << 30
"""Most that an office file may unpack to."""

_XML_BYTES = 256 << 20
_RATIO = 500
_RATIO_FROM = 32 << 20


def open_archive(path: Path, name: str, max_bytes: int) -> BytesIO:
    """The bytes of an office file whose unpacked size is sane.

    The sizes that an archive declares can be trusted here: Python's zipfile
    stops reading a member at its declared size.

    Raises:
        InputError: no zip archive, or one made to fill the memory (a zip bomb).
    """
    content = BytesIO(read_bounded(path, name=name, max_bytes=max_bytes))
    try:
        with ZipFile(content) as archive:
            members = archive.infolist()
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"{name}: not a readable office file ({error})") from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    largest = max((m.file_size for m in members if m.filename.lower().endswith((".xml", ".rels"))), default=0)
    if unpacked > UNPACKED_BYTES or largest > _XML_BYTES or (unpacked > _RATIO_FROM and unpacked > _RATIO * packed):
        raise InputError(f"{name}: {packed:,} bytes would unpack to {unpacked:,}; refused as a zip bomb")
    content.seek(0)
    return content
