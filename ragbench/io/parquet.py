"""Read a Parquet file without leaving a thread behind.

``pyarrow.parquet.read_table`` and ``pandas.read_parquet`` start a thread for input and output even when asked to use
none. When the process ends while it still clears up, the C++ runtime aborts it
(https://github.com/apache/arrow/issues/34314), and an exit code of ragbench is a verdict.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def read_parquet(path: Path) -> Any:
    """The table (`pyarrow.Table`) of a Parquet file.

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    with open_parquet(path) as file:
        return file.read(use_threads=False)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """The open `pyarrow.parquet.ParquetFile`; read from it with ``use_threads=False``.

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield file
