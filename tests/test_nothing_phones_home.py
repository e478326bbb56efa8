"""No command connects to anything, or looks up a name, beyond what it was asked for: strace watches, with empty caches.

It sees system calls, so it also sees what libraries in C do in their own threads. An audit hook of Python does not.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ragbench.core.telemetry import OFF

ROOT = Path(__file__).resolve().parent.parent
STRACE = shutil.which("strace")
CALL = re.compile(r"(?:connect|sendto|sendmsg|sendmmsg)\(.*?sa_family=(AF_INET6?), .*?htons\((\d+)\).*?\"([^\"]+)\"")
SHOP = ["--corpus", "datasets/shop/product_catalog.csv", "--golden", "datasets/shop/golden.jsonl"]
EXAMPLE = "reports/example"
COMMANDS = {
    "help": ["--help"],
    "plugins": ["plugins"],
    "data list": ["data", "list"],
    "chunk": ["chunk", "--corpus", "datasets/energy_ai/sources", "--out", "{out}/chunks.jsonl"],
    "generate": ["generate", "--corpus", "datasets/shop/product_catalog.csv", "--llm", "none", "--out", "{out}/golden"],
    "eval": ["eval", *SHOP, "--retriever", "bm25", "--retriever", "dense", "--retriever", "rerank"],
    "audit": ["golden", "audit", *SHOP],
    "compare": ["compare", EXAMPLE],
    "plan": ["plan", EXAMPLE],
    "report": ["report", EXAMPLE, "--out", "{out}/report.html"],
    "export": ["export", *SHOP, "--to", "beir", "--out", "{out}/beir"],
    "ab": ["ab", "datasets/experiment/events.csv"],
    "demo": ["demo"],
}  # fmt: skip


def reached(words: list[str], folder: Path, **environment: str) -> tuple[set[str], str]:
    """The addresses that a command connects or sends to, as address:port, and what it printed."""
    if STRACE is None:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    log = folder / "strace"
    for name in ("home", "out"):
        (folder / name).mkdir(exist_ok=True)
    home = str(folder / "home")
    kept = {name: value for name, value in os.environ.items() if name not in OFF}
    done = subprocess.run(
        [STRACE, "-f", "-q", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(log),
         sys.executable, *words],
        env={**kept, "HOME": home, "XDG_CACHE_HOME": home, "RAGBENCH_CACHE": f"{home}/cache", **environment},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if "PTRACE" in done.stderr or not log.is_file():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[:200]}")
    return {
        f"{address}:{port}" for _, port, address in CALL.findall(log.read_text(errors="replace"))
    }, done.stdout + done.stderr


def command(words: list[str]) -> list[str]:
    return ["-c", "from ragbench.cli import main; main()", *words]


def test_strace_sees_a_look_up_and_a_connection(tmp_path: Path) -> None:
    program = "import socket\ns = socket.socket()\ntry: s.connect(('127.0.0.1', 9))\nexcept OSError: pass"
    assert reached(["-c", program], tmp_path)[0] == {"127.0.0.1:9"}


def test_a_cold_dense_search_reaches_nobody(tmp_path: Path) -> None:
    texts = {
        f"d{number}": f"Document {number} is about {word}." for number, word in enumerate(("heat", "rain", "snow"))
    }
    rows = [json.dumps({"id": id_, "text": text}) for id_, text in texts.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(rows))
    asked = [json.dumps({"id": f"q{id_}", "query": text, "document_id": id_}) for id_, text in texts.items()]
    (tmp_path / "golden.jsonl").write_text("\n".join(asked))
    given = ["--corpus", str(tmp_path / "corpus.jsonl"), "--golden", str(tmp_path / "golden.jsonl")]
    found, printed = reached(command(["eval", *given, "--retriever", "dense"]), tmp_path)
    assert "ndcg@10" in printed
    assert found == set()
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["cache"]


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_reaches_nobody(words: list[str], tmp_path: Path) -> None:
    found, printed = reached(command([word.format(out=tmp_path / "out") for word in words]), tmp_path)
    assert "Usage: " not in printed or words == ["--help"], printed
    assert "error: " not in printed
    assert found == set()


def test_the_library_switches_telemetry_off_before_its_first_import() -> None:
    names = {**dict.fromkeys(OFF, "yes"), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    program = f"import sys, os, ragbench; print([os.environ[n] for n in {[*OFF]}], 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=names, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{[*OFF.values()]} False"


def test_calls_of_a_model_are_not_traced(tmp_path: Path) -> None:
    from models.llm_server import LLMServer, serving

    program = """
import asyncio, sys
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
async def main():
    client = connect("openai:m", params={"base_url": sys.argv[1]})
    print((await client.ask(Request("t/1", (Message("user", "?"),)))).value)
    print((await client.ask(Request("t/1", (Message("user", "??"),)), print)).value)
    await client.aclose()
asyncio.run(main())
"""
    with serving(LLMServer()) as server:
        tracing = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "x", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
                   "OPENAI_API_KEY": "x"}  # fmt: skip
        found, printed = reached(["-c", program, server.url], tmp_path, **tracing)
        assert "answer" in printed
        assert found == {f"127.0.0.1:{server.port}"}
