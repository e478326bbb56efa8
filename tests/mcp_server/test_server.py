"""``ragbench mcp`` by the client of the official SDK, over standard input and output."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.mcp_server.tools import Tools
from tests.docs.shown_commands import shown_in

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "reports/example::bm25"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "reports").mkdir(parents=True)
    shutil.copytree(ROOT / "datasets" / "shop", root / "shop")
    shutil.copytree(ROOT / "reports" / "example", root / "reports" / "example")
    (tmp_path / "outside.txt").write_text("secret")
    (root / "link").symlink_to(tmp_path)
    return root


@pytest.fixture
def tools(folder: Path, cache: Path) -> Tools:
    return Tools(folder, ("bm25:k1=2.5,b=0.1", "run:path=mine.run"), cache)


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "link/outside.txt", "s3://bucket/x", "a/../../x"])
def test_no_path_leads_out_of_the_folder(tools: Tools, path: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: tools.list_evaluations(path),
        lambda: tools.evaluate(path, "shop", "reports/new"),
        lambda: tools.evaluate("shop/product_catalog.csv", path, "reports/new"),
        lambda: tools.evaluate("shop/product_catalog.csv", "shop", path),
        lambda: tools.compare([f"{path}::bm25"]),
        lambda: tools.gate(path),
        lambda: tools.gate(SYSTEM, path),
        lambda: tools.gate(SYSTEM, None, [{"metric": "ndcg@10", "margin": 0.1, "anchor": path}]),
        lambda: tools.explain_query(path, "q001"),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()
    assert not (tools.root / "reports" / "new").exists()


@pytest.mark.parametrize(
    "written",
    [
        "command:command='touch x'", "http:url=http://localhost", "langchain:object=os:getcwd", "run:path=/etc/passwd",
        "dense:model='openai:x'", "x=command:command=ls", "mcp:command=ls,tool=x", "bm26",
    ],
)  # fmt: skip
def test_no_program_url_or_file_is_a_retriever(tools: Tools, written: str) -> None:
    with pytest.raises(SettingError, match="is not allowed here"):
        tools.evaluate("shop/product_catalog.csv", "shop", "reports/new", [written])


def test_what_the_user_names_and_bm25_with_settings_are_allowed(tools: Tools) -> None:
    for written in ("bm25", "bm25:k1=1.2", "rerank", "run:path=mine.run"):
        tools.check_retriever(written)


def test_explaining_a_query(tools: Tools) -> None:
    found: Any = tools.explain_query("reports/example", "q001", k=3)
    assert [one["system"] for one in found["systems"]] == ["bm25:stem=false", "bm25"]
    one = found["systems"][1]
    assert [item["rank"] for item in one["ranking"]] == [1, 2, 3]
    best = one["first_relevant_rank"]
    assert one["metrics"]["hit@5"] == float(best is not None and best <= 5)
    assert all(item["label"] > 0 for item in one["relevant"])
    assert tools.explain_query(SYSTEM, one["text"], 3)["systems"] == [one]
    with pytest.raises(InputError, match="no query"):
        tools.explain_query(SYSTEM, "q00x")
    with pytest.raises(SettingError, match="between 1 and 100"):
        tools.explain_query(SYSTEM, "q001", 1000)


def asked(folder: Path, cache: Path, talk: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    pytest.importorskip("mcp", reason="needs the extra mcp")
    from mcp import Client, StdioServerParameters

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAGBENCH_CACHE": str(cache)}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "ragbench", "mcp", str(folder)], env=environment, cwd=folder.parent
    )

    async def session() -> None:
        with (folder.parent / "stderr.txt").open("w") as errors:
            from mcp import stdio_client

            async with Client(stdio_client(server, errlog=errors)) as client:
                await talk(client)

    asyncio.run(session())


@pytest.mark.slow
def test_an_agent_evaluates_compares_gates_and_explains(folder: Path, cache: Path) -> None:
    async def talk(client: Any) -> None:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == {"list_evaluations", "evaluate", "compare", "gate", "explain_query"}
        assert set(listed["evaluate"].input_schema["required"]) == {"corpus", "golden", "out"}

        async def call(name: str, **given: Any) -> Any:
            result = await client.call_tool(name, given)
            assert not result.is_error, result.content
            return result.structured_content

        shop = {"corpus": "shop/product_catalog.csv", "golden": "shop"}
        new = await call("evaluate", **shop, out="reports/new", retrievers=["bm25", "bm25:stem=false"])
        means = {arm["name"]: arm["metrics"]["ndcg@10"]["mean"] for arm in new["arms"]}
        assert means["bm25"] == pytest.approx(0.661, abs=0.001)
        assert (folder / "reports" / "new" / "results.json").is_file()
        compared = await call("compare", systems=["reports/new"])
        assert compared["verdicts"][0]["decision"] == "worse"
        gated = await call("gate", candidate="reports/new::bm25:stem=false", baseline="reports/new::bm25")
        assert gated["outcome"] == "fail"
        rules = [{"metric": "hit@5", "min": 0.5}]
        assert (await call("gate", candidate="reports/new::bm25", rules=rules))["outcome"] == "pass"
        explained = await call("explain_query", system="reports/new::bm25", query="q002")
        assert explained["systems"][0]["query_id"] == "q002"
        assert len((await call("list_evaluations"))["systems"]) == 4
        refused = await client.call_tool("evaluate", {**shop, "out": "../new"})
        assert refused.is_error
        assert "leads out of the folder" in refused.content[0].text
        again = await client.call_tool("evaluate", {**shop, "out": "reports/new", "retrievers": ["bm25:k1=3"]})
        assert again.is_error
        assert "force" in again.content[0].text

    asked(folder, cache, talk)
    assert "Traceback" not in (folder.parent / "stderr.txt").read_text()


def test_a_wrong_folder_or_retriever_is_an_error_at_the_start(ragbench: Any, tmp_path: Path) -> None:
    assert "no such folder" in ragbench("mcp", tmp_path / "none").err
    done = ragbench("mcp", tmp_path, "--retriever", "bm52")
    assert done.code == 2
    assert "did you mean 'bm25'" in done.err


@pytest.mark.slow
def test_the_guide_runs(ragbench: Any, tmp_path: Path) -> None:
    """The commands of docs/guides/agents.md that evaluate a tool."""
    pytest.importorskip("mcp", reason="needs the extra mcp")
    page = (ROOT / "docs" / "guides" / "agents.md").read_text("utf-8")
    code = re.findall(r"^```python\n(# search_server.py\n.*?)^```$", page, re.DOTALL | re.MULTILINE)[0]
    (tmp_path / "search_server.py").write_text(code)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (line,) = [one.words for one in shown_in(ROOT / "docs" / "guides" / "agents.md") if one.language == "console"]
    done = ragbench(*(word.replace("'python ", f"'{sys.executable} ") for word in line[1:]), "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    arms = {arm["name"]: arm for arm in done.json["arms"]}
    assert arms["tool"]["status"] == "ok"
    assert 0.1 < arms["tool"]["metrics"]["ndcg@10"]["mean"] < arms["bm25"]["metrics"]["ndcg@10"]["mean"]
