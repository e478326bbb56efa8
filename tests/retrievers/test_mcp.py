"""The tool of an MCP server as a retriever: a server of the official SDK, started as a program."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import ArmError
from ragbench.core.runs import Query
from ragbench.retrievers.mcp import Mcp

pytest.importorskip("mcp", reason="needs the extra mcp")
SERVER = Path(__file__).resolve().parents[1] / "mcp_server" / "search_server.py"
TEXTS = {"a": "red apples", "b": "blue sky", "c": "green grass"}
QUERIES = [Query("q1", "red apples"), Query("q2", "the blue sky"), Query("q3", "grass")]


def chunks() -> Chunks:
    return Chunks.of([Chunk(id_, id_, text, 0, len(text)) for id_, text in TEXTS.items()])


def searched(tool: str, queries: list[Query] = QUERIES, k: int = 3, **settings: Any) -> Any:
    retriever = Mcp((sys.executable, str(SERVER)), tool, **settings)
    assert not retriever.check()
    index = retriever.index(chunks(), Context())
    try:
        return index.search(queries, k)
    finally:
        index.close()
        index.close()


def test_a_tool_with_scores() -> None:
    run = searched("search", k=2)
    assert run.to_dict()["q1"] == {"a": 2.0, "b": 0.0}
    assert [run.ranking(at)[0][0] for at in range(3)] == ["a", "b", "c"]


def test_a_list_of_ids_with_another_name_for_k() -> None:
    run = searched("ids", k_field="limit", id_field="", score_field="")
    assert [[id_ for id_, _ in run.ranking(at)] for at in range(3)] == [["a"], ["b"], ["c"]]


@pytest.mark.slow
def test_json_in_a_text_and_what_is_none() -> None:
    run = searched("as_text", k_field="")
    assert [id_ for id_, _ in run.ranking(1)] == ["b"]
    assert set(run.failures) == {"q1", "q3"}
    assert "no JSON" in run.failures["q1"]
    assert "no list" in run.failures["q3"]


@pytest.mark.slow
def test_errors_slow_answers_and_the_end_of_the_server_fail_their_queries() -> None:
    run = searched("failing", [*QUERIES, Query("q4", "red")], timeout=4)
    assert set(run.failures) == {"q1", "q2", "q3", "q4"}
    assert "failing" in run.failures["q1"]
    assert "no answer within 4 s" in run.failures["q2"]
    assert "the shelf fell down" in run.failures["q3"]


@pytest.mark.slow
def test_a_server_that_never_answers_does_not_keep_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragbench.retrievers.mcp.START_SECONDS", 1.0)
    start = time.monotonic()
    with pytest.raises(ArmError, match="did not start within 1 s"):
        Mcp((sys.executable, str(SERVER), "--silent"), "search", timeout=1).index(chunks(), Context())
    assert time.monotonic() - start < 20


@pytest.mark.slow
def test_what_cannot_start() -> None:
    with pytest.raises(ArmError, match="has no tool 'find'; it has search, ids"):
        searched("find")
    with pytest.raises(ArmError, match="cannot open the shelf"):
        Mcp((sys.executable, str(SERVER), "--broken"), "search").index(chunks(), Context())
    with pytest.raises(ArmError) as caught:
        Mcp((sys.executable, "-c", "1"), "search").index(chunks(), Context())
    assert "TaskGroup" not in str(caught.value)
    faults = "; ".join(Mcp("no-such-program x", "", timeout=0, k_field="query").check())
    assert all(word in faults for word in ("no-such-program", "tool is empty", "timeout", "share the path"))
