"""Aggregate events to units: one row per unit with its variant, totals and counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.comparison.ab.events import EventsFile
from ragbench.comparison.ab.settings import ROWS
from ragbench.core.errors import InputError

TICKS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Ticks of a second by unit of a timestamp."""

MERGE_ROWS = 4_000_000


@dataclass
class ColumnFacts:
    """Facts about all cells of one column.

    Attributes:
        low, high: smallest and largest value.
        empty: number of cells without a value.
        binary: whether all values are 0 or 1.
        whole: whether all values are whole numbers.
        low_row: data row of the smallest value, from 1.
    """

    low: float = np.inf
    high: float = -np.inf
    empty: int = 0
    binary: bool = True
    whole: bool = True
    low_row: int = 0


@dataclass(frozen=True, eq=False)
class Units:
    """Units of an experiment as columns of length n.

    Attributes:
        names: names of the variants, sorted.
        variant: (n,) index into ``names``.
        events: (n,) number of rows of each unit.
        sums: (n,) total by column; empty cells add nothing.
        counts: (n,) number of cells with a value, by column.
        first: (n,) seconds since 1970 at which a unit was first seen; None without a time column.
        facts: facts by column.
        rows: number of rows that were read.
        nameless: number of rows without a unit or a variant, which are skipped.
        mixed: number of units in several variants, which are skipped.
        mixed_first: some of their ids.
    """

    names: tuple[str, ...]
    variant: npt.NDArray[np.int64]
    events: npt.NDArray[np.float64]
    sums: dict[str, npt.NDArray[np.float64]]
    counts: dict[str, npt.NDArray[np.float64]]
    first: npt.NDArray[np.float64] | None
    facts: dict[str, ColumnFacts]
    rows: int
    nameless: int
    mixed: int
    mixed_first: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Part:
    """The units of some rows, each once.

    Attributes:
        ids: Arrow array of their ids; None if every row is a unit.
        variant: (n,) code of the variant.
        mixed: (n,) whether the unit has several variants.
        totals: (n,) columns to sum: ``events``, ``s:NAME``, ``n:NAME``.
        first: (n,) seconds; None without a time column.
    """

    ids: Any
    variant: npt.NDArray[np.int64]
    mixed: npt.NDArray[np.bool_]
    totals: dict[str, npt.NDArray[np.float64]]
    first: npt.NDArray[np.float64] | None


@dataclass
class _Reading:
    """State of one pass over the file."""

    file: EventsFile
    codes: dict[str, int] = field(default_factory=dict)
    facts: dict[str, ColumnFacts] = field(default_factory=dict)
    rows: int = 0
    nameless: int = 0
    parts: list[_Part] = field(default_factory=list)
    waiting: int = 0


def read_units(file: EventsFile, unit: str, variant: str, numbers: Sequence[str], time: str) -> Units:
    """Read a file in one pass. Memory grows with the units, not with the rows.

    Args:
        file: the file.
        unit: column of the unit, or ``row``.
        variant: column of the variant.
        numbers: columns to sum.
        time: column of the time, or empty.

    Raises:
        InputError: a value is not a finite number, or there are no rows.
    """
    reading = _Reading(file, facts={name: ColumnFacts() for name in numbers})
    keys = [variant] if unit == ROWS else [unit, variant]
    for block in file.blocks(keys, list(numbers), [time] if time else []):
        if len(block):
            part = _plain(reading, block, unit, variant, time)
            reading.parts.append(part if unit == ROWS else _folded(part))
            reading.rows += len(block)
            reading.waiting += len(reading.parts[-1].variant)
            if reading.waiting > MERGE_ROWS and unit != ROWS:
                reading.parts, reading.waiting = [_folded(_joined(reading.parts))], 0
    if not reading.rows:
        raise InputError(f"{file.path}: there is a head but no row")
    whole = _joined(reading.parts)
    return _units(reading, whole if unit == ROWS else _folded(whole), list(numbers))


def _plain(reading: _Reading, block: Any, unit: str, variant: str, time: str) -> _Part:
    """Convert a block to arrays, without the rows that lack a unit or a variant."""
    import pyarrow as pa

    for key in (variant,) if unit == ROWS else (unit, variant):
        if pa.types.is_nested(block[key].type):
            raise InputError(f"{reading.file.path}: column {key!r} holds lists or objects; it needs texts or numbers")
    for name, facts in reading.facts.items():
        _check(reading, block[name], name, facts)
    codes = _codes(block[variant].combine_chunks(), reading.codes)
    named = codes >= 0
    ids = None
    if unit != ROWS:
        ids = _ids(block[unit]).combine_chunks()
        if ids.null_count:
            named &= ids.is_valid().to_numpy(zero_copy_only=False)
    everyone = bool(named.all())
    totals = {"events": np.ones(len(codes))}
    for name in reading.facts:
        column = block[name]
        totals[f"s:{name}"] = column.fill_null(0.0).to_numpy()
        known = column.is_valid().to_numpy() if column.null_count else None
        totals[f"n:{name}"] = totals["events"] if known is None else known.astype(np.float64)
    first = _seconds(block[time]) if time else None
    if not everyone:
        reading.nameless += int(len(named) - named.sum())
        ids = None if ids is None else ids.filter(named)
        codes, first = codes[named], None if first is None else first[named]
        totals = {name: values[named] for name, values in totals.items()}
    return _Part(ids, codes, np.zeros(len(codes), dtype=np.bool_), totals, first)


def _folded(part: _Part) -> _Part:
    """Sum the rows of each unit. Units keep the order of first appearance, so that sums are reproducible."""
    coded = part.ids.dictionary_encode()
    rows = coded.indices.to_numpy(zero_copy_only=False)
    n = len(coded.dictionary)
    variant = np.zeros(n, dtype=np.int64)
    variant[rows] = part.variant
    mixed = np.zeros(n, dtype=np.bool_)
    mixed[rows[part.mixed | (part.variant != variant[rows])]] = True
    first = None
    if part.first is not None:
        first = np.full(n, np.nan)
        np.fmin.at(first, rows, part.first)
    # Counts without an empty cell equal the events: one array with several names, summed once.
    different = {id(values): values for values in part.totals.values()}
    added = {key: np.bincount(rows, weights=values, minlength=n) for key, values in different.items()}
    totals = {name: added[id(values)].astype(np.float64, copy=False) for name, values in part.totals.items()}
    return _Part(coded.dictionary, variant, mixed, totals, first)


def _joined(parts: list[_Part]) -> _Part:
    """Concatenate the parts, and empty the list."""
    import pyarrow as pa

    if len(parts) == 1:
        return parts.pop()
    ids = None if parts[0].ids is None else pa.concat_arrays([part.ids for part in parts])
    first = None if parts[0].first is None else np.concatenate([part.first for part in parts if part.first is not None])
    variant = np.concatenate([part.variant for part in parts])
    mixed = np.concatenate([part.mixed for part in parts])
    joined: dict[tuple[int, ...], npt.NDArray[np.float64]] = {}
    totals = {}
    for name in parts[0].totals:
        pieces = [part.totals[name] for part in parts]
        key = tuple(map(id, pieces))
        if key not in joined:
            joined[key] = np.concatenate(pieces)
        totals[name] = joined[key]
    parts.clear()
    return _Part(ids, variant, mixed, totals, first)


def _check(reading: _Reading, column: Any, name: str, facts: ColumnFacts) -> None:
    """Refuse values that are not finite, and record the range."""
    values = column.to_numpy()
    empty = column.null_count
    facts.empty += empty
    if empty:
        known = ~column.is_null().to_numpy()
        rows, values = np.flatnonzero(known), values[known]
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        row = reading.rows + int(rows[at] if empty else at) + 1
        raise InputError(
            f"{reading.file.path}, data row {row}, column {name!r}: {values[at]} is no finite number; "
            "correct it, or leave the cell empty if there is no value"
        )
    if low < facts.low:
        at = int(values.argmin())
        facts.low, facts.low_row = low, reading.rows + int(rows[at] if empty else at) + 1
    facts.high = max(facts.high, high)
    if facts.whole:
        facts.whole = bool((values == np.floor(values)).all())
    facts.binary = facts.whole and facts.low >= 0 and facts.high <= 1


def _codes(column: Any, known: dict[str, int]) -> npt.NDArray[np.int64]:
    """Return the code of each row's variant; -1 without a variant."""
    import pyarrow as pa

    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    numbers = []
    for value in coded.dictionary.to_pylist():
        whole = isinstance(value, float) and value.is_integer()
        name = "" if value is None or value != value else str(int(value) if whole else value).strip()
        numbers.append(known.setdefault(name, len(known)) if name else -1)
    table = np.array([*numbers, -1], dtype=np.int64)
    indices = coded.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
    codes: npt.NDArray[np.int64] = table[indices]
    return codes


def _ids(column: Any) -> Any:
    """Convert the ids of units to a type that can be grouped. NaN and empty text are not ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.if_else(pc.equal(column, ""), None, column)
    return column


def _seconds(column: Any) -> npt.NDArray[np.float64]:
    """Return seconds since 1970; NaN without a time."""
    import pyarrow as pa

    if pa.types.is_temporal(column.type):
        if not pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
        ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy()
        seconds: npt.NDArray[np.float64] = ticks / TICKS[column.type.unit]
        return seconds
    values = column.cast(pa.float64(), safe=False).to_numpy()
    # Seconds reach 1e11 in the year 5138, so larger numbers are milliseconds.
    scaled: npt.NDArray[np.float64] = np.where(np.abs(values) > 1e11, values / 1e3, values)
    return scaled


def _units(reading: _Reading, whole: _Part, numbers: list[str]) -> Units:
    """Make the result, without the units that were seen in several variants."""
    mixed = np.flatnonzero(whole.mixed)
    kept = ~whole.mixed if len(mixed) else slice(None)
    names = sorted(reading.codes)
    place = np.zeros(max(len(names), 1), dtype=np.int64)
    for at, name in enumerate(names):
        place[reading.codes[name]] = at
    return Units(
        tuple(names),
        place[whole.variant[kept]],
        whole.totals["events"][kept],
        {name: whole.totals[f"s:{name}"][kept] for name in numbers},
        {name: whole.totals[f"n:{name}"][kept] for name in numbers},
        None if whole.first is None else whole.first[kept],
        reading.facts,
        reading.rows,
        reading.nameless,
        len(mixed),
        tuple(str(whole.ids[int(at)].as_py()) for at in mixed[:5]),
    )
