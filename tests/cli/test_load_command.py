"""``ragbench load`` on a real server, and the gate on what it wrote."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rule_files import parse_rules, read_rules
from ragbench.core.errors import InputError, SettingError
from ragbench.io.baselines import read_baseline, read_one
from ragbench.io.scored_runs import read_scored
from ragbench.io.tables import read_parquet
from tests.answers.load_server import serving


def questions(folder: Path, *texts: str, repeat: int = 1) -> Path:
    path = folder / f"questions-{len(texts)}.jsonl"
    rows = [{"id": f"q{number:04d}", "query": text} for number, text in enumerate(texts * repeat)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


RULES = """
rules:
  - latency: p50
    max_ratio: 2
    noise: 0.3
  - latency: p95
    max_ms: 3000
    noise: 0.3
  - failures: rate
    max: 0.05
"""
TEN = [*["wait .05"] * 9, "stream .02 3"]


@pytest.mark.slow
def test_a_load_its_files_and_the_gate_on_them(ragbench: Any, tmp_path: Path) -> None:
    store, rules = tmp_path / "store", tmp_path / "gate.yaml"
    rules.write_text(RULES)
    fifty = questions(tmp_path, *TEN, repeat=5)
    with serving() as server:

        def load(name: str, levels: str = "4", asked: Path = fifty, requests: int = 40) -> Any:
            more = ("--requests", requests, "--timeout", "5", "--out", tmp_path / name, "--json")
            done = ragbench("load", "--url", server.url, "--questions", asked, "--concurrency", levels, *more)
            assert done.code == 0, done.err
            return done.json

        _check_base(load("base", "1,4", requests=100), tmp_path / "base")
        # The server makes something else of the same questions.
        server.script = {"wait .05": "wait .3"}
        load("slow")
        server.script = {"stream .02 3": "status 500"}
        load("broken")
        server.script = {}
        load("other", asked=questions(tmp_path, "wait 0"))

    kept = ragbench("baseline", "set", "main", f"{tmp_path}/base::concurrency=4", "--store", store)
    assert kept.code == 0, kept.err
    command = ["gate", "--baseline", "main", "--store", store, "--rules", rules, "--json", "--candidate"]
    same = ragbench(*command, f"{tmp_path}/base::concurrency=4")
    assert (same.code, same.json["outcome"]) == (0, "pass")
    assert [rule["value"] for rule in same.json["rules"]][::2] == [1, 0]
    slow = ragbench(*command, tmp_path / "slow")
    assert slow.code == 1
    assert [rule["outcome"] for rule in slow.json["rules"]] == ["fail", "pass", "pass"]

    baseline = read_baseline("main", store)
    broken = decide_gate(baseline, read_one(tmp_path / "broken"), read_rules(rules))
    # One in ten fails: the p95 is a failed one, and counts with the timeout.
    outcomes = [(one.outcome, one.candidate) for one in broken.decided[1:]]
    assert outcomes == [("fail", 5000), ("fail", pytest.approx(0.1))]
    # A ceiling above the timeout is no way out: what a failed request would have taken is not known.
    (lax,) = decide_gate(
        None, read_one(tmp_path / "broken"), parse_rules("rules: [{latency: p95, max_ms: 60000}]", "")
    ).decided
    assert lax.outcome == "inconclusive"
    assert "only the timeout is known" in lax.reason
    for candidate, said in (
        ("base::concurrency=1", r"the loads differ \(baseline against candidate\): concurrency 4 against 1"),
        ("other", "the golden sets differ"),
    ):
        with pytest.raises(InputError, match=said):
            decide_gate(baseline, read_one(f"{tmp_path}/{candidate}"), read_rules(rules))
    with pytest.raises(SettingError, match="has no metric 'ndcg@10'"):
        decide_gate(baseline, read_one(tmp_path / "slow"))


def _check_base(found: Any, folder: Path) -> None:
    assert [arm["name"] for arm in found["arms"]] == ["concurrency=1", "concurrency=4"]
    written = json.loads((folder / "results.json").read_text())
    del written["checksum"], written["manifest"]["files"]
    assert found == written
    one, four = found["arms"]
    assert (one["requests"], one["failed_queries"], one["latency_ms"]["n"]) == (100, 0, 100)
    assert 50 <= one["latency_ms"]["p50"] <= one["latency_ms"]["p95"] <= one["latency_ms"]["p99"]
    assert one["latency_ms_intervals"]["p99"][1] is None
    # Of ten answers, nothing lies beyond p95.
    assert four["first_token_ms"]["n"] == 10
    assert set(four["first_token_ms"]) == {"p50", "n"}
    assert four["qps"] > 2 * one["qps"]
    # Wilson's upper end of 0 of 100, with t in place of z: t^2 / (100 + t^2).
    assert one["failure_rate"]["low"] == 0
    assert one["failure_rate"]["high"] == pytest.approx(1.984**2 / (100 + 1.984**2), abs=1e-4)
    rows = read_parquet(folder / "requests.parquet").to_pylist()
    assert [row["arm"] for row in rows] == ["concurrency=1"] * 100 + ["concurrency=4"] * 100
    scored = read_scored(folder)
    assert [(run.name, len(run.queries), run.failed) for run in scored] == [
        ("concurrency=1", 100, 0),
        ("concurrency=4", 100, 0),
    ]
    assert set(scored[0].queries.ids).isdisjoint(scored[1].queries.ids)
    assert scored[1].parts_ms["ttft"] == {"p50": four["first_token_ms"]["p50"]}
    assert scored[0].parts_ms["total"] == scored[0].latency_ms
    rules = parse_rules("rules: [{ttft: p50, max_ms: 60000}, {total: p50, max_ms: 60000}]", "gate.yaml")
    assert decide_gate(None, scored[1], rules).outcome == "pass"


def test_an_open_loop_says_what_a_reader_must_know(ragbench: Any, tmp_path: Path) -> None:
    with serving() as server:
        asked = questions(tmp_path, "wait .1", "wait .12")
        done = ragbench("load", "--url", server.url, "--questions", asked, "--rate", "40", "--arrivals", "fixed",
                        "--requests", "60", "--in-flight", "2", "--out", "out", cwd=tmp_path)  # fmt: skip
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    said = " ".join(done.out.split())
    assert "open loop, fixed arrivals" in said
    # 40 a second arrive, and two places at .11 s each take 18: the queue grows.
    assert "the latency grew" in said
    assert "requests were sent late" in said
    assert "60 requests are too few for p99; it takes 100, and 368 for its interval" in said
    assert "60 requests give no upper end for p95; it takes 72" in said
    assert "asked 32 times in all" in said
    assert "Latency from when the request was due" in said
    page = (tmp_path / "out" / "summary.md").read_text()
    assert "| rate=40 | 60 | " in page
    assert "# Load" in page


def test_a_key_comes_from_the_environment_and_goes_nowhere_else(
    ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ragbench.environment, "SERVICE_KEY", "k-123456")
    # A proxy of the environment is not asked.
    monkeypatch.setitem(ragbench.environment, "http_proxy", "http://127.0.0.1:9")
    with serving() as server:
        done = ragbench("load", "--url", f"{server.url}?key=in-the-url", "--questions", questions(tmp_path, "wait 0"),
                        "--requests", "3", "--header-env", "x-api-key=SERVICE_KEY", "--out",
                        tmp_path / "out")  # fmt: skip
    assert done.code == 0, done.err
    assert server.headers == {"k-123456"}
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"k-123456" not in written
    assert b"in-the-url" not in written
    assert b"in-the-url" not in done.out.encode()


def test_interrupted_keeps_whole_levels_and_is_no_result(ragbench: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving() as server:
        asked = questions(tmp_path, "wait .05")
        process = ragbench.start("load", "--url", server.url, "--questions", asked, "--concurrency", "2,1",
                                 "--requests", "40", "--warmup", "0", "--out", out)  # fmt: skip
        until = time.monotonic() + 60
        while not (out / "results.json").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert "Traceback" not in err
    kept = json.loads((out / "results.json").read_text())
    assert [arm["name"] for arm in kept["arms"]] == ["concurrency=2"]
    assert kept["manifest"]["complete"] is False
    refused = ragbench("baseline", "set", "x", out, "--store", tmp_path / "store")
    assert refused.code == 2
    assert "was interrupted" in refused.err


def test_a_level_that_fails_altogether_is_an_error_and_the_others_stay(ragbench: Any, tmp_path: Path) -> None:
    with serving() as server:
        asked = questions(tmp_path, *["wait 0"] * 5, *["drop"] * 5)
        done = ragbench("load", "--url", server.url, "--questions", asked, "--concurrency", "1,2", "--requests", "5",
                        "--warmup", "0", "--out", tmp_path / "out")  # fmt: skip
        assert done.code == 2
        assert "concurrency=2: every one of 5 requests failed; the first: the connection broke" in " ".join(
            done.out.split()
        )
        good, bad = read_scored(tmp_path / "out")
        assert (len(good.queries), good.error) == (5, None)
        assert "every one of 5" in str(bad.error)

        before = server.received
        (tmp_path / "down").mkdir()
        down = ragbench("load", "--url", server.url, "--questions", questions(tmp_path / "down", "status 503"))
        assert down.code == 2
        assert "answered none of 3 requests to warm up, so no load is put on it; the first: status 503" in down.err
        assert server.received == before + 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--url", "http://203.0.113.9/ask"], "203.0.113.9 is not this machine"),
        (["--url", "localhost/ask"], "localhost/ask: no such file"),
        (["--url", "ftp://localhost/ask"], "--url is 'ftp://localhost/ask'"),
        (["--concurrency", "1", "--rate", "2"], "--concurrency is for closed loops and --rate"),
        (["--concurrency", "0"], "--concurrency is 0; it must be 1 to 1,000"),
        (["--header-env", "key"], "--header-env: 'key' is not of the form HEADER=VARIABLE"),
        (["--header-env", "a=NOT_SET_HERE"], "NOT_SET_HERE, which is not set"),
        (["--golden", "x"], "--questions, or a golden set with --golden"),
        (["--out", "README.md"], "--out README.md"),
    ],
)
def test_wrong_use_is_named_before_anything_is_asked(ragbench: Any, tmp_path: Path, more: list[str], said: str) -> None:
    base = [] if "--url" in more else ["--url", "http://127.0.0.1:9/ask"]
    done = ragbench("load", *base, "--questions", questions(tmp_path, "wait 0"), *more)
    assert done.code == 2
    assert said in done.err
    assert not done.out


def test_a_folder_with_something_else_is_left_alone(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"manifest": {"complete": True}, "arms": []}))
    done = ragbench("load", "--url", "http://127.0.0.1:9/ask", "--questions", questions(tmp_path, "wait 0"), "--out",
                    tmp_path)  # fmt: skip
    assert done.code == 2
    assert "holds something else" in done.err
    assert json.loads((tmp_path / "results.json").read_text())["arms"] == []
