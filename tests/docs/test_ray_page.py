"""The page docs/guides/ray.md runs, block by block, on a cluster of three nodes."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("chromadb", reason="the extra chroma is not installed")

import pyarrow.parquet as pq

from ragbench.engines.session import QUIET, START_TRIES
from tests.docs.shown_commands import ROOT
from tests.models.llm_server import Body, LLMServer, serving

PAGE = ROOT / "docs" / "guides" / "ray.md"
FILES = {"plain": "manual.txt", "json": "golden.jsonl"}
ANSWERS = {"battery": "Nine hours.", "lock": "Press the red button twice.", "soap": "No."}
"""A word of the question -> what the model says."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of three nodes with one core each."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    cluster = three_nodes()
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def three_nodes() -> Any:
    """Started again if it does not come up: Ray waits half a minute for a node, which a busy machine may exceed."""
    from ray.cluster_utils import Cluster

    for left in reversed(range(START_TRIES)):
        cluster = Cluster()
        try:
            for _ in range(3):
                cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20, include_dashboard=False)
        except Exception as error:
            cluster.shutdown()
            if not (left and "timed out" in str(error)):
                raise
        else:
            return cluster
    raise AssertionError("not reached")


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def reply(body: Body) -> str:
    asked = body["messages"][-1]["content"].lower()
    question = next(one for one in ("how long", "how do i", "may i") if one in asked)
    said = ANSWERS[{"how long": "battery", "how do i": "lock", "may i": "soap"}[question]]
    return json.dumps({"answer": f"{said} [1]", "citations": [1], "is_unknown": False})


@pytest.mark.slow
def test_the_page_runs(ragbench: Any, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RAY_ADDRESS": address, "RAGBENCH_CACHE": str(tmp_path / "cache"), **QUIET}.items():
        monkeypatch.setitem(ragbench.environment, name, value)
    monkeypatch.chdir(tmp_path)
    for kind, text in blocks():
        if kind in FILES:
            (tmp_path / FILES[kind]).write_text(text, encoding="utf-8")
    names: dict[str, Any] = {}
    commands: list[str] = []
    with serving(LLMServer(reply=reply)) as server:
        for kind, text in blocks():
            if kind == "python":
                exec(text, names)
            for line in text.replace("\\\n", " ").splitlines() if kind == "console" else ():
                words = shlex.split(line.removeprefix("$ ").replace("http://localhost:8000/v1", server.url))
                done = ragbench(*words[1:], cwd=tmp_path)
                assert done.code == 0, done.err
                commands.append(words[1])
    assert commands == ["embed", "answer", "embed", "eval", "score"]
    assert sum(server.paid.values()) == 3

    assert pq.read_table("vectors").num_rows == 3
    assert pq.read_table("prompt-vectors")["prompt"].to_pylist() == names["questions"]
    written = pq.read_table("answers.parquet").to_pydict()
    assert written == {"prompt": names["questions"], "answer": [f"{one} [1]" for one in ANSWERS.values()]}
    first = [json.loads(line)["sources"][0]["id"] for line in Path("answers/answers.jsonl").read_text().splitlines()]
    assert first == ["line-2", "line-3", "line-4"]

    arms = {one["name"]: one for one in json.loads(Path("scores/results.json").read_text())["arms"]}
    assert {name: arm["status"] for name, arm in arms.items()} == {"bm25": "ok", "dense": "ok", "manual": "ok"}
    assert arms["manual"]["metrics"]["ndcg@10"]["mean"] == arms["dense"]["metrics"]["ndcg@10"]["mean"] == 1.0

    # The ids of this collection are random: without text_field, none of them is in the corpus.
    unmatched = "chroma:path=db,collection=manual,existing=true"
    done = ragbench("eval", "--corpus", "chunks.parquet", "--golden", "golden.jsonl", "--retriever", unmatched,
                    "--out", "unmatched", cwd=tmp_path)  # fmt: skip
    assert done.code != 0
    assert "text_field" in done.out + done.err
