"""Reading Parquet starts no thread: one that still runs when the process ends can abort it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ragbench.io.tables import column_values, read_parquet

THREADS = """
import os, sys
from pathlib import Path
import pandas, pyarrow.parquet
from ragbench.io.tables import read_parquet
before = len(os.listdir("/proc/self/task"))
{read}
print(len(os.listdir("/proc/self/task")) - before)
"""


def started(read: str, path: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(read=read), path], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads in /proc, which only Linux has")
def test_no_thread_is_started(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "value": [1.0, 2.0]}), path)
    assert started("read_parquet(Path(sys.argv[1])).to_pandas(use_threads=False)", path) == 0
    # What the reader is there to avoid; when this no longer holds, it can go.
    assert started("pyarrow.parquet.read_table(sys.argv[1], use_threads=False, pre_buffer=False)", path) > 0


def test_the_table_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"b": [1, 2, 3], "a": ["x", None, "z"]})
    pq.write_table(table, path, row_group_size=2)
    assert read_parquet(path).equals(table)


def test_the_package_reads_parquet_in_no_other_way() -> None:
    package = Path(__file__).resolve().parents[2] / "ragbench"
    other = re.compile(r"\bread_table\(|\w\.read_parquet\(")
    files = sorted(package.rglob("*.py"))
    assert [path.name for path in files if other.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("rows", [[], [1.5, None, -0.0, None, 2.5, 1e300] * 5, [float("nan"), 1.0]])
def test_column_values_are_those_of_pyarrow(tmp_path: Path, rows: list[float | None]) -> None:
    pq.write_table(pa.table({"x": pa.array(rows, pa.float64())}), tmp_path / "x.parquet", row_group_size=7)
    column = read_parquet(tmp_path / "x.parquet")["x"]
    for part in (column, column.slice(3, 12), column.slice(9)):
        assert column_values(part).tobytes() == part.to_numpy().astype(np.float64).tobytes()


def test_columns_of_other_types_are_lists(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, None, 3], "t": ["a", None, "c"], "l": [[1], [], None]}), tmp_path / "x.parquet")
    table = read_parquet(tmp_path / "x.parquet")
    assert [column_values(column) for column in table.columns] == [[1, None, 3], ["a", None, "c"], [[1], [], None]]
