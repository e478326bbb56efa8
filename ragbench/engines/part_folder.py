"""A folder of numbered parts: whether it may be written, what an earlier run left, and its vectors as one array."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ragbench.core.errors import InputError
from ragbench.engines.base import Written
from ragbench.engines.worker import KEY
from ragbench.io.files import replacing
from ragbench.io.tables import open_parquet

NAME = re.compile(r"part-(\d{5,})\.parquet")


def check_folder(folder: Path) -> None:
    """Check that no part of somebody else would be replaced.

    Raises:
        InputError: the folder has numbered Parquet files that no engine wrote.
    """
    foreign = [path.name for _, path in _parts(folder) if _is_ours(path) is False]
    if foreign:
        raise InputError(f"{folder}: {foreign[0]} was not written by ragbench; name another folder, or remove it")


def remove_after(folder: Path, count: int) -> int:
    """Remove the parts that an earlier, longer run left.

    Args:
        folder: of the parts.
        count: how many parts the folder has now.

    Returns:
        How many were removed.
    """
    left = [path for number, path in _parts(folder) if number >= count and _is_ours(path)]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def null_vectors(parts: Sequence[Written], column: str) -> dict[str, int]:
    """How many vectors are null, by the name of the part, for parts that have any."""
    found = {}
    for part in parts:
        with open_parquet(part.path) as file:
            group = file.metadata.row_group(0)
            leaves = [group.column(at) for at in range(group.num_columns)]
            [leaf] = [leaf for leaf in leaves if leaf.path_in_schema.startswith(f"{column}.list.")]
            if leaf.statistics.null_count:
                found[part.path.name] = int(leaf.statistics.null_count)
    return found


def dimensions(part: Written, column: str) -> int:
    """How many numbers its vectors have."""
    with open_parquet(part.path) as file:
        return int(file.schema_arrow.field(column).type.list_size)


def write_array(parts: Sequence[Written], column: str, path: Path) -> None:
    """Write the vectors of all parts, in order, as `numpy.save` would write them; null becomes zeros.

    Args:
        parts: files with a column of float32 vectors.
        column: its name.
        path: the file.

    Raises:
        InputError: the vectors of two parts have different widths.
    """
    width = dimensions(parts[0], column)
    head = {"descr": "<f4", "fortran_order": False, "shape": (sum(part.rows for part in parts), width)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        for part in parts:
            for chunk in _chunks(part.path, column):
                if chunk.type.list_size != width:
                    raise InputError(f"{part.path}: vectors have {chunk.type.list_size} numbers, others have {width}")
                rows = np.zeros((len(chunk), width), "<f4")
                rows[chunk.is_valid().to_numpy(zero_copy_only=False)] = chunk.flatten().to_numpy().reshape(-1, width)
                file.write(rows.data)


def _chunks(path: Path, column: str) -> Iterator[Any]:
    with open_parquet(path) as file:
        for batch in file.iter_batches(columns=[column], use_threads=False):
            yield batch.column(0)


def _parts(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    found = [(NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match)


def _is_ours(path: Path) -> bool | None:
    """Whether an engine wrote it; None for a file that is damaged."""
    import pyarrow

    with suppress(OSError, pyarrow.ArrowException), open_parquet(path) as file:
        return KEY in (file.schema_arrow.metadata or {})
    return None
