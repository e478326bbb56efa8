"""What a reader of traces is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ragbench.core.traces import Span


class Unreadable(ValueError):
    """A span, or a row of a known kind, that cannot be used; the text says why."""


def tried(make: Callable[..., Span], *given: Any) -> Span | Unreadable:
    """Make a span. One that is unreadable is returned as the error, so that those after it are still read."""
    try:
        return make(*given)
    except Unreadable as error:
        return error


class TraceReader(Protocol):
    """Reads the rows of one kind of file. A row is an object of a JSON file or a row of a table."""

    name: str

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of this kind, by its keys."""
        ...

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
        """The spans of a row; an error stands for a span without an id.

        Raises:
            Unreadable: the row itself cannot be used.
        """
        ...
