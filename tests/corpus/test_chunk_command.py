import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ragbench.cli import app
from ragbench.corpus.chunk import USUAL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x" * 2500)
    (tmp_path / "in" / "b.bin").write_bytes(b"\0")
    return tmp_path / "in"


def test_prints_counts_lengths_and_what_was_skipped(folder: Path) -> None:
    result = CliRunner().invoke(app, ["chunk", "--corpus", str(folder), "--chunker", "fixed:size=1000,overlap=0"])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "documents            1",
        "chunks               3   chunker fixed:size=1000,overlap=0",
        "characters  mean 833.3  p0 500  p25 500  p50 1,000  p75 1,000  p95 1,000  p100 1,000",
        "skipped              1   unknown-ending: b.bin (no loader for .bin)",
    ]


def test_the_file_it_writes_is_a_corpus(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "chunks.parquet"
    first = CliRunner().invoke(app, ["chunk", "--corpus", str(folder), "--out", str(out), "--json"])
    again = CliRunner().invoke(app, ["chunk", "--corpus", str(out), "--json"])
    one, two = json.loads(first.stdout), json.loads(again.stdout)
    assert (one["chunker"], two["chunker"]) == (USUAL, "ready")
    assert one["fingerprint"] == two["fingerprint"]
    assert [entry["item"] for entry in one["ledger"]] == ["b.bin"]
    assert one["out"] == str(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corpus", "missing"], "error: missing: no such file or folder"),
        (["--corpus", ".", "--chunker", "fixd"], "error: no chunker 'fixd'; did you mean 'fixed'?"),
        (["--corpus", ".", "--out", "a.csv"], "error: --out a.csv: ends in .csv, but it is written as Parquet"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    command = [sys.executable, "-c", "from ragbench.cli import main; main()", "chunk", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr
