"""Parts of Parquet files and of tables in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.engines.base import Part, Table
from ragbench.io.tables import open_parquet

ROWS_PER_PART = 5_000
_ROWS_READ_AT_ONCE = 8_192


@dataclass(frozen=True)
class ParquetPart(Part):
    """Rows of some neighbouring row groups of a Parquet file.

    Attributes:
        path: the file.
        groups: the first row group, and the one after the last.
        first: the first row, counted from the beginning of the first row group.
        count: how many rows.
        columns: which columns are read; None for all.
    """

    path: Path
    groups: tuple[int, int]
    first: int
    count: int
    columns: tuple[str, ...] | None = None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.count

    def read(self) -> Table:
        """The rows. Those of a large row group are decoded from its beginning, a few at a time."""
        import pyarrow

        wanted: list[Any] = []
        at, end = 0, self.first + self.count
        try:
            with open_parquet(self.path) as file:
                batches = file.iter_batches(
                    batch_size=_ROWS_READ_AT_ONCE, row_groups=range(*self.groups), use_threads=False,
                    columns=None if self.columns is None else list(self.columns),
                )  # fmt: skip
                for batch in batches:
                    low, high = max(self.first - at, 0), min(end - at, len(batch))
                    if low < high:
                        wanted.append(batch.slice(low, high - low))
                    at += len(batch)
                    if at >= end:
                        break
                schema = wanted[0].schema if wanted else file.schema_arrow
            table = pyarrow.Table.from_batches(wanted, schema)
            table.validate(full=True)
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{self.path}: not a readable Parquet file ({error})") from error
        return table


@dataclass(frozen=True, eq=False)
class TablePart(Part):
    """A table in memory. It is sent to the worker, so it should be small."""

    table: Table

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.table)

    def read(self) -> Table:
        """The table."""
        return self.table


def parquet_parts(
    paths: Sequence[Path], *, rows: int = ROWS_PER_PART, columns: Sequence[str] | None = None
) -> list[ParquetPart]:
    """Cut Parquet files into parts of about ``rows`` rows, from their footers alone.

    Small row groups that follow each other are put together, and large ones are cut. A part never spans two files.

    Args:
        paths: the files, in order.
        rows: the most rows of a part, except where one row group has up to half as many more.
        columns: which columns are read; None for all.

    Raises:
        InputError: a file cannot be read.
    """
    import pyarrow

    found: list[ParquetPart] = []
    wanted = None if columns is None else tuple(columns)
    for path in paths:
        try:
            with open_parquet(path) as file:
                sizes = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
        start, size = 0, 0
        for group, more in enumerate(sizes):
            if size and size + more > rows:
                found += _cut(path, (start, group), size, rows, wanted)
                start, size = group, 0
            size += more
        if size:
            found += _cut(path, (start, len(sizes)), size, rows, wanted)
    return found


def _cut(
    path: Path, groups: tuple[int, int], size: int, rows: int, columns: tuple[str, ...] | None
) -> list[ParquetPart]:  # fmt: skip
    if size <= rows * 3 // 2:
        return [ParquetPart(path, groups, 0, size, columns)]
    return [ParquetPart(path, groups, low, min(rows, size - low), columns) for low in range(0, size, rows)]
