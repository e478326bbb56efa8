"""Load tests and probes as calls of Python."""

import json
from pathlib import Path

import pytest

import ragbench as rb
from ragbench.workflows.probe import Probed
from tests.answers.load_server import serving
from tests.models.llm_server import LLMServer
from tests.models.llm_server import serving as llm_serving


def test_a_load_test_gives_its_levels_and_writes_the_folder(tmp_path: Path) -> None:
    golden = rb.GoldenSet((rb.GoldenItem("q1", "wait 0"), rb.GoldenItem("q2", "wait .01")))
    with serving() as server:
        result = rb.load_test(
            server.url, golden=golden, concurrency=(1, 2), requests=6, warmup=1, out=str(tmp_path / "load")
        )
    assert [level.name for level in result.levels] == ["concurrency=1", "concurrency=2"]
    frame = result.to_pandas()
    assert list(frame["requests"]) == [6, 6]
    assert list(frame["failed"]) == [0, 0]
    assert "closed loop" in result._repr_html_()
    assert [run.name for run in rb.load_run(tmp_path / "load")] == ["concurrency=1", "concurrency=2"]


def test_one_level_needs_no_list_and_errors_name_arguments() -> None:
    with pytest.raises(rb.SettingError, match="concurrency= is for closed loops and rate= for open ones"):
        rb.load_test("http://127.0.0.1:9/ask", "questions.txt", concurrency=4, rate=2)
    with pytest.raises(rb.SettingError, match="i_own_this_host="):
        rb.load_test("http://203.0.113.9/ask", "questions.txt")


def test_a_probe_gives_rates_and_floors_and_writes_the_folder(tmp_path: Path, cache: Path) -> None:
    with llm_serving(LLMServer(reply=lambda body: "I'm sorry, but I can't help with that.")) as server:
        found = rb.probe(
            llm="openai_compatible:m", base_url=server.url, categories="harmful", floors=0.5, out=tmp_path / "out",
            max_tokens=100_000, cache=cache,
        )  # fmt: skip
    assert isinstance(found, Probed)
    assert (found.outcome.verdict, found.outcome.overall.passed.count) == ("pass", 16)
    assert list(found.to_pandas()["category"]) == ["harmful", "all"]
    assert "pass: all at least .500" in found._repr_html_()
    assert json.loads((tmp_path / "out" / "probe.json").read_text())["verdict"] == "pass"
    (totals,) = found.totals.values()
    assert totals.calls == 16
