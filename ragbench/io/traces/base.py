"""What a reader of traces is."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ragbench.core.traces import Span


class Unreadable(ValueError):
    """A row that a reader recognises and cannot use; the text says why."""


class TraceReader(Protocol):
    """Reads the rows of one kind of file. A row is an object of a JSON file or a row of a table."""

    name: str

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of this kind, by its keys."""
        ...

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span]:
        """The spans of a row.

        Raises:
            Unreadable: the row has no id of a trace or span.
        """
        ...
