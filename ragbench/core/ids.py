"""Ids that stay in an Arrow column until they are needed as text."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

LOOKED_UP = 1000
"""After so many single look-ups, all ids are decoded."""


class ArrowIds(Sequence[str]):
    """The ids of a file, as a sequence of texts over an Arrow array of strings without nulls.

    A run has many ids, and scoring needs few of them as text. Nothing is decoded before an id is asked for.

    Args:
        arrow: a ``pyarrow.StringArray``.
    """

    def __init__(self, arrow: Any) -> None:
        self.arrow = arrow
        self._texts: list[str] | None = None
        self._looked_up = 0

    def __len__(self) -> int:
        return len(self.arrow)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        self._looked_up += 1
        if self._texts is None and not isinstance(at, slice) and self._looked_up <= LOOKED_UP:
            text: str = self.arrow[int(at)].as_py()
            return text
        return self._all()[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> list[str]:
        if self._texts is None:
            self._texts = self.arrow.to_pylist()
        return self._texts
