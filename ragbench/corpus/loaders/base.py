"""The contract of a loader."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from ragbench.core.documents import Document
from ragbench.core.ledger import LedgerEntry


class Loader(ABC):
    """Reads one file or folder. A subclass is a frozen dataclass whose fields are its settings."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File name endings it is chosen for, lower case, with the dot."""

    passages: ClassVar[bool] = False
    """Whether what it reads is cut into passages already, so that ``--chunker auto`` leaves it whole."""

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether this loader is for that path; by file name ending unless overridden (folders)."""
        return path.is_file() and path.name.lower().endswith(cls.suffixes) if cls.suffixes else False

    @abstractmethod
    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Documents of a file, and a ledger entry for each part that had to be skipped.

        Args:
            path: what to read.
            name: what to call it in ids and messages: its path relative to the input, with ``/``.

        Raises:
            InputError: nothing of it can be read; the message names the file and the line or key.
        """
