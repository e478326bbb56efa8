"""The committed example is what its command writes today."""

import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.docs.shown_commands import ROOT, shown_in

EXAMPLE = ROOT / "reports" / "example"
MEASURED = {
    "latency_ms",
    "latency_ms_intervals",
    "qps",
    "index_seconds",
    "search_seconds",
    "peak_memory_mib",
    "from_store",
}


def test_the_example_is_what_its_command_writes(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    (line,) = (shown.line for shown in shown_in(ROOT / "reports" / "README.md") if " eval " in shown.line)
    assert ragbench(*shlex.split(line)[1:]).code == 0
    made = tmp_path / "reports" / "example"
    names = sorted(path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    for name in ("qrels.trec", "ledger.jsonl", *(path.relative_to(EXAMPLE) for path in EXAMPLE.glob("runs/*"))):
        assert (made / name).read_bytes() == (EXAMPLE / name).read_bytes(), name
    for name in ("queries.parquet", "scores.parquet"):
        assert pq.read_table(made / name).equals(pq.read_table(EXAMPLE / name)), name
    ours, theirs = (json.loads((folder / "results.json").read_text("utf-8")) for folder in (EXAMPLE, made))
    for kept in ("comparisons", "ledger"):
        assert ours[kept] == theirs[kept]
    for kept in ("golden", "chunks", "judgements", "settings"):
        assert ours["manifest"][kept] == theirs["manifest"][kept]
    for one, other in zip(ours["arms"], theirs["arms"], strict=True):
        assert {key: one[key] for key in one.keys() - MEASURED} == {key: other[key] for key in other.keys() - MEASURED}
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*")) < 1_000_000
