"""The fields of documents: their metadata with one kind of value for each name."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.filters import Cell, Clause, Filter, Kind, clauses, number_of
from ragbench.core.fingerprint import fingerprint

DOCUMENT, TITLE = "document_id", "title"
OWN = (DOCUMENT, TITLE)
"""Fields that every document has. Metadata of these names cannot be filtered by."""


@brief
class Column(NamedTuple):
    """A field of all documents.

    Attributes:
        kind: the kind of its values.
        cells: value of each document, None where it has none.
    """

    kind: Kind
    cells: Sequence[Cell | None]


def column_of(values: Iterable[object]) -> Column:
    """The values of one name as a field of one kind.

    Texts, numbers and booleans count; lists, objects and blank texts do not. If all values are booleans, the
    field is boolean. If every value is a number, or a text that is one, it is a number, because the cells of a table
    are texts. Otherwise all values are texts.

    Examples:
        >>> column_of(["9.50", "12", None])
        Column(kind='number', cells=[9.5, 12.0, None])
        >>> column_of([True, "yes"])
        Column(kind='text', cells=['true', 'yes'])
    """
    plain = [_plain(value) for value in values]
    known = [value for value in plain if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return Column("boolean", plain)
    numbers = [None if value is None else _number(value) for value in plain]
    if sum(number is not None for number in numbers) == len(known):
        return Column("number", numbers)
    return Column("text", [None if value is None else _text(value) for value in plain])


def _plain(value: object) -> Cell | int | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, str) and value.strip():
        return value.strip()
    return None


def _number(value: Cell | int) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return number_of(value) if isinstance(value, str) else float(value)
    except OverflowError:
        return None


def _text(value: Cell | int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(value)


class Fields:
    """What documents can be filtered by.

    Args:
        ids: ids of the documents.
        titles: their titles, empty where there is none.
        metadata: their metadata; empty if they are unknown.

    Examples:
        >>> fields = Fields(["a", "b"], ["", ""], [{"price": 5}, {"price": "20"}])
        >>> fields.mask(Filter.parse("price < 10")).tolist()
        [True, False]
    """

    def __init__(self, ids: Sequence[str], titles: Sequence[str], metadata: Sequence[Mapping[str, object]]) -> None:
        self._ids, self._titles, self._metadata = ids, titles, metadata
        self._columns: dict[str, Column] = {}
        self.mask = lru_cache(maxsize=256)(self._mask)

    @property
    def names(self) -> list[str]:
        """The names of the metadata that have a value in some document, without the fields of every document."""
        seen = dict.fromkeys(name for one in self._metadata for name in one)
        return [name for name in seen if name not in OWN and any(c is not None for c in self.column(name).cells)]

    def column(self, name: str) -> Column:
        """The field of that name. A name that no document has gives a field without values."""
        if name not in self._columns:
            if name in OWN:
                texts = self._ids if name == DOCUMENT else self._titles
                found = Column("text", [text.strip() or None for text in texts] if name == TITLE else list(texts))
            elif self._metadata:
                found = column_of(one.get(name) for one in self._metadata)
            else:
                found = Column("text", [None] * len(self._ids))
            self._columns[name] = found
        return self._columns[name]

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kind by name."""
        return {name: self.column(name).kind for name in (*self.names, *OWN)}

    def clauses(self, filter_: Filter) -> tuple[Clause, ...]:
        """The conditions of a filter by the kinds of these fields.

        Raises:
            SettingError: there is no such field, or a value is of another kind.
        """
        asked = [condition.field for condition in filter_.conditions]
        # The kinds of all fields are only needed for the message.
        here = {name: self.column(name) for name in asked}
        if all(any(cell is not None for cell in column.cells) for column in here.values()):
            return clauses(filter_, {name: column.kind for name, column in here.items()})
        return clauses(filter_, self.kinds)

    def _mask(self, filter_: Filter) -> npt.NDArray[np.bool_]:
        """(d,) Which documents a filter lets through. The array is kept; do not write to it.

        Raises:
            SettingError: see `clauses`.
        """
        found = np.ones(len(self._ids), dtype=bool)
        for clause in self.clauses(filter_):
            cells = self.column(clause.field).cells
            found &= np.fromiter(map(clause, cells), bool, len(cells))
        return found

    def fingerprint(self, names: Iterable[str]) -> str:
        """Fingerprint of some fields."""
        return fingerprint([[name, *self.column(name)] for name in names])
