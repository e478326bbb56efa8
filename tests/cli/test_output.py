"""Where output goes: full disks, closed pipes, locales without Unicode."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MAIN = [sys.executable, "-c", "from ragbench.cli import main; main()"]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["plugins"], ["eval", "--retriever", "bm25", "--json"]])
def test_a_full_disk_is_one_clear_error(ragbench: Any, sample_data: Path, words: list[str]) -> None:
    shop = ["--corpus", str(sample_data / "shop" / "product_catalog.csv"), "--golden", str(sample_data / "shop")]
    with FULL.open("w") as full:
        done = subprocess.run(
            [*MAIN, *words, *(shop if "eval" in words else [])],
            stdout=full, stderr=subprocess.PIPE, text=True, env=ragbench.environment, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "No space left" in line]
    assert line.startswith("error: No space left on device; what was finished before is kept")
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("json_", [True, False])
def test_ids_that_the_locale_cannot_show_are_written_as_utf_8(ragbench: Any, tmp_path: Path, json_: bool) -> None:
    corpus, golden = tmp_path / "corpus.jsonl", tmp_path / "golden.jsonl"
    corpus.write_text(json.dumps({"id": "d\u00e9", "text": "a kettle"}) + "\n", encoding="utf-8")
    ids = ["q\u2603", "q\U0001fad6"]
    rows = [
        {"id": id_, "text": text, "evidence": [{"document_id": "d\u00e9"}]}
        for id_, text in zip(ids, ["kettle", "zzz"], strict=True)
    ]
    golden.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", *(["--json"] if json_ else [])]
    done = subprocess.run(
        [*MAIN, *map(str, words)],
        capture_output=True, env={**ragbench.environment, "PYTHONIOENCODING": "ascii"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode("utf-8")
    assert ids[1] in said  # it found nothing, which is told
    if json_:
        assert json.loads(said)["ledger"]["entries"][0]["item"].endswith(ids[1])


def test_a_reader_that_stops_is_no_error(ragbench: Any) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*MAIN, "plugins"], stdout=write, stderr=subprocess.PIPE, text=True, env=ragbench.environment, check=False
    )
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_lines_in_a_pipe_end_without_spaces(ragbench: Any, tmp_path: Path) -> None:
    service = tmp_path / "service.yaml"
    service.write_text("url: http://127.0.0.1:9/ask\nbody: {query: '{question}'}\n", encoding="utf-8")
    for words in (["endpoint", "check", str(service), "--dry-run"], ["plugins"]):
        lines = ragbench(*words).out.splitlines()
        assert len(lines) > 3
        assert [line for line in lines if line != line.rstrip()] == []
