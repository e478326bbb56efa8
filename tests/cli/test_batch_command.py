"""``ragbench batch`` as a user runs it: real processes, real HTTP, kills, and the bytes that generate writes."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS / "golden"), str(TESTS / "models")]
from batch_server import BatchServer, serving_batches  # noqa: E402
from generate_writer import answer, write_corpus  # noqa: E402
from llm_server import digest  # noqa: E402

STAGES = ["--stage", "schema", "--stage", "length", "--stage", "located", "--stage", "judge", "--stage", "reconsider"]
RESULTS = ("golden.jsonl", "rejected.jsonl", "manifest.json", "card.md")


def words(corpus: Path, server: BatchServer, out: Path, *more: object) -> list[object]:
    return ["--corpus", corpus, "--llm", "openai:writer", "--judge", "openai:judge", "--reconsider", "openai:second",
            "--base-url", server.url, "--out", out, *STAGES, *more]  # fmt: skip


def to_the_end(ragbench: Any, given: list[object], out: Path, *more: object, most: int = 12) -> int:
    """Rounds of submit and fetch until the set is written; their number."""
    for number in range(1, most):
        done = ragbench("batch", "submit", *given, *more)
        assert done.code == 0, done.err
        if (out / "golden.jsonl").exists():
            return number
        done = ragbench("batch", "fetch", out, "--wait", "--every", 0.05)
        assert done.code == 0, done.err
    raise AssertionError("no end")


def same_as_generate(ragbench: Any, server: BatchServer, corpus: Path, batched: Path, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet" / batched.name
    done = ragbench("generate", *words(corpus, server, quiet))
    assert done.code == 0, done.err
    for name in RESULTS:
        assert (batched / name).read_bytes() == (quiet / name).read_bytes(), name


def some(body: dict[str, Any], share: float, salt: str) -> bool:
    """By what is said to whom: other fields of the body differ between a batch and a single call."""
    return random.Random(salt + digest({"model": body["model"], "said": body["messages"]})).random() < share


def test_the_set_is_the_one_of_generate_and_each_command_goes_on_with_the_answers_of_the_other(
    ragbench: Any, tmp_path: Path
) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 4), tmp_path / "batched" / "set"
    with serving_batches(BatchServer(reply=answer)) as server:
        given = words(corpus, server, out)
        planned = ragbench("batch", "submit", *given, "--dry-run")
        assert planned.code == 0, planned.err
        assert "calls" in planned.out
        assert not out.exists()
        sent = ragbench("batch", "submit", *given, "--json", "--most-lines", 3)
        assert sent.code == 0, sent.err
        assert sent.json["finished"] is False
        assert sent.json["sent"] == len(server.batches) >= 2
        # A second submit sends nothing again, and generate would pay twice.
        assert ragbench("batch", "submit", *given, "--json").json["sent"] == 0
        refused = ragbench("generate", *given)
        assert refused.code == 2
        assert "paid for twice" in refused.err
        status = ragbench("batch", "status", out)
        assert status.code == 0
        assert "in_progress" in status.out
        assert all(len(line) <= 80 for line in status.out.splitlines())
        fetched = ragbench("batch", "fetch", out, "--wait", "--every", 0.05, "--json")
        assert {row["state"] for row in fetched.json["fetched"]} == {"completed"}
        drafts = sum(server.paid.values())
        # generate goes on from the answers of the batches, and a batch has nothing left to ask.
        done = ragbench("generate", *given, "--json")
        assert done.code == 0, done.err
        assert (
            done.json["models"]["openai:writer"] | {"calls": 0, "from_cache": drafts}
            == done.json["models"]["openai:writer"]
        )
        before = len(server.batches)
        assert ragbench("batch", "submit", *given).code == 0
        assert len(server.batches) == before
        same_as_generate(ragbench, server, corpus, out, tmp_path)


@pytest.mark.slow
def test_personas_and_skipped_queries_take_rounds_of_their_own(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 8), tmp_path / "batched" / "set"
    quiet = tmp_path / "quiet" / "set"

    def skips(body: dict[str, Any]) -> str:
        said = json.loads(answer(body))
        for query in said.get("queries", ()):
            if query["type"] == "comparative":
                query |= {"query": "", "quotes": []}
        return json.dumps(said)

    more = ("--personas", "propose", "--per-chunk", 3)
    with serving_batches(BatchServer(reply=skips)) as server:
        rounds = to_the_end(ragbench, words(corpus, server, out, *more), out)
        done = ragbench("generate", *words(corpus, server, quiet, *more), "--json")
        assert done.code == 0, done.err
    assert rounds >= 5, "personas, queries, queries again, judge, and the set"
    assert done.json["asked_again"] > 0
    for name in (*RESULTS, "personas.yaml"):
        assert (out / name).read_bytes() == (quiet / name).read_bytes(), name


@pytest.mark.slow
def test_failed_lines_expired_batches_reasks_and_broken_exchanges_change_no_byte(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 6), tmp_path / "wild" / "set"

    def line(body: dict[str, Any], times: int) -> str:
        if len(body["messages"]) == 2 and some(body, 0.3, "words"):
            return "no-json"
        return "500" if times == 0 and some(body, 0.3, "fails") else "well"

    def fault(kind: str, times: int) -> str:
        told = {
            "POST files": {0: "500", 1: "drop-after"},
            "POST batches": {0: "500-after", 2: "drop-after", 3: "drop"},
            "GET content": {0: "cut", 2: "500"},
            "GET batches one": {1: "drop"},
            "GET batches": {0: "500"},
        }
        return told.get(kind, {}).get(times, "")

    server = BatchServer(reply=answer, line=line, fault=fault,
                         ending=lambda number: {2: "expired", 4: "failed"}.get(number, "completed"))  # fmt: skip
    with serving_batches(server):
        assert to_the_end(ragbench, words(corpus, server, out), out, "--most-lines", 20) >= 5
        inputs = [batch["input_file_id"] for batch in server.batches.values()]
        assert len(set(inputs)) == len(inputs), "an input file went into two batches"
        assert set(server.paid.values()) == {1}
        states = {row["state"] for row in ragbench("batch", "status", out, "--json").json["batches"]}
        assert states == {"completed", "expired", "failed"}
        same_as_generate(ragbench, server, corpus, out, tmp_path)


@pytest.mark.slow
def test_killed_at_every_step_nothing_is_begun_twice_and_nothing_is_lost(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 4), tmp_path / "killed" / "set"
    running: list[subprocess.Popen[str]] = []
    # The process dies while the server has the exchange; "" lets it have its effect, "drop" does not.
    plan = [("POST files", ""), ("POST files", "drop"), ("POST batches", ""), ("POST batches", "drop"),
            ("GET batches", ""), ("GET batches one", ""), ("GET content", "cut"), ("GET content", "")]  # fmt: skip
    kills: list[str] = []

    def fault(kind: str, times: int) -> str:
        if not plan or plan[0][0] != kind or not running or running[0].poll() is not None:
            return ""
        running[0].kill()
        running[0].wait()
        kills.append(kind)
        return plan.pop(0)[1]

    def step(*given: object) -> int:
        running[:] = [ragbench.start(*given)]
        _, err = running[0].communicate(timeout=120)
        assert "Traceback" not in err, err
        return running[0].returncode

    with serving_batches(BatchServer(reply=answer, fault=fault)) as server:
        given = words(corpus, server, out, "--most-lines", 5)
        for _ in range(40):
            code = step("batch", "submit", *given)
            assert code in (0, -9)
            if (out / "golden.jsonl").exists():
                break
            if code == 0:
                assert step("batch", "fetch", out, "--wait", "--every", 0.05) in (0, -9)
        assert len(kills) == 8
        inputs = [batch["input_file_id"] for batch in server.batches.values()]
        assert len(set(inputs)) == len(inputs)
        assert set(server.paid.values()) == {1}
        assert len(server.paid) == sum(
            row["answered"] for row in ragbench("batch", "status", out, "--json").json["batches"]
        )
        same_as_generate(ragbench, server, corpus, out, tmp_path)


@pytest.mark.slow
def test_a_line_that_always_fails_is_given_up_with_its_reason(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 3), tmp_path / "set"
    bad: Callable[[dict[str, Any], int], str] = lambda body, times: (
        "422" if "d0000" in str(body) or "do0 " in str(body["messages"][1]) else "well"
    )
    with serving_batches(BatchServer(reply=answer, line=bad)) as server:
        given = [*words(corpus, server, out)[:-10], "--stage", "schema"]
        to_the_end(ragbench, given, out, "--tries", 2)
    reasons = [json.loads(row)["reason"] for row in (out / "rejected.jsonl").read_text().splitlines()]
    assert any(reason.startswith("given up after 2 batches: status 422: told to fail") for reason in reasons)
    assert max(server.asked.values()) == 2


def test_the_budget_holds_back_what_does_not_fit(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 4), tmp_path / "set"
    with serving_batches(BatchServer(reply=answer)) as server:
        given = words(corpus, server, out)
        most = json.loads(ragbench("batch", "submit", *given, "--json", "--max-tokens", 12_000).out)
        assert "do not fit into the budget" in most["held_back"][0]
        rows = ragbench("batch", "status", out, "--json").json["batches"]
        lines = server.files["file-1"][1].splitlines()
        assert 0 < rows[0]["requests"] == len(lines) < 4 * 2
        poor = ragbench("batch", "submit", *words(corpus, server, tmp_path / "poor"), "--max-tokens", 10)
        assert poor.code == 2
        assert "the budget is spent" in poor.err
        unknown = ragbench("batch", "submit", *given, "--max-cost", 1)
        assert unknown.code == 2
        assert "--prices" in unknown.err
        assert len(server.batches) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["submit", "--corpus", "CORPUS", "--out", "OUT"], "batches need a language model"),
        (["submit", "--corpus", "CORPUS", "--out", "OUT", "--llm", "openai:m", "--base-url", "http://127.0.0.1:9/v1",
          "--tries", "0"], "--tries is 0; it must be 1 or more"),
        (["fetch", "OUT"], "no batch was sent from here"),
        (["status", "OUT"], "no batch was sent from here"),
    ],
)  # fmt: skip
def test_wrong_words_are_told(ragbench: Any, tmp_path: Path, given: list[str], told: str) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", 2)
    places = {"CORPUS": str(corpus), "OUT": str(tmp_path / "out")}
    done = ragbench("batch", *(places.get(word, word) for word in given))
    assert done.code == 2
    assert told in done.err


@pytest.mark.slow
def test_a_provider_that_refuses_is_told_and_leaves_the_requests_free(ragbench: Any, tmp_path: Path) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 2), tmp_path / "set"
    server = BatchServer(reply=answer, fault=lambda kind, times: "400" if (kind, times) == ("POST batches", 0) else "")
    with serving_batches(server):
        given = words(corpus, server, out)
        refused = ragbench("batch", "submit", *given)
        assert refused.code == 2
        assert "told to fail (400)" in refused.err
        server.batches.clear()
        assert ragbench("batch", "submit", *given, "--json").json["sent"] == 1
