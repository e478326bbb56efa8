"""A RAG service on the loopback, whole and streamed, with every fault it may have."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ragbench.core.answers import Source
from ragbench.io.answer_files import read_answers

SOURCES = [{"id": "d1#0", "document_id": "d1", "text": "The pond is 12 m deep."}]
PAUSE = 0.15
NAMES = ["whole", "streamed", "unknown", "error", "no-json", "empty", "slow", "late-json"]


class Service(BaseHTTPRequestHandler):
    asked: ClassVar[Counter[str]] = Counter()
    keys: ClassVar[set[str]] = set()
    well = False

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = body["query_id"]
        self.asked[name] += 1
        self.keys.add(self.headers.get("x-api-key", ""))
        if name == "streamed":
            self.stream()
        elif self.well or name == "whole":
            self.send(200, {"answer": f"12 m: {body['query']}", "sources": SOURCES, "cited": ["d1#0"], "model": "x"})
        elif name == "unknown":
            self.send(200, {"abstained": True})
        elif name == "slow":
            time.sleep(3)
            self.send(200, {"answer": "too late"})
        else:
            self.send(500 if name == "error" else 200, {"no-json": "12 m", "late-json": [1]}.get(name, {"note": "x"}))

    def send(self, status: int, body: object) -> None:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.end_headers()
        for event in ({"sources": SOURCES}, {"delta": ""}, {"delta": "12 "}, {"delta": "m", "cited": ["d1#0"]}):
            time.sleep(PAUSE)
            self.wfile.write(f": a comment\n\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Service.asked, Service.keys, Service.well = Counter(), set(), False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ask"
    server.shutdown()


def test_answers_faults_times_and_going_on(
    ragbench: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ragbench.environment, "SERVICE_KEY", "k-123456")
    questions, out = tmp_path / "q.jsonl", tmp_path / "run"
    questions.write_text("".join(json.dumps({"id": name, "query": f"how deep, {name}"}) + "\n" for name in NAMES))
    command = ["answer", "--endpoint", url, "--questions", questions, "--out", out, "--timeout", "2", "--header-env",
               "x-api-key=SERVICE_KEY"]  # fmt: skip
    done = ragbench(*command, "--json")
    assert done.code == 0, done.err
    assert done.json["counts"] == {"queries": 8, "answered": 2, "abstained": 1, "failed": 5, "without_citation": 0}
    by_id = {item.query_id: item for item in read_answers(out)}
    assert list(by_id) == NAMES
    whole, streamed = by_id["whole"], by_id["streamed"]
    assert (whole.answer, whole.cited, whole.metadata) == ("12 m: how deep, whole", ("d1#0",), {"model": "x"})
    assert whole.sources == (Source("d1#0", "d1", "The pond is 12 m deep."),) == streamed.sources
    assert whole.first_token_seconds is None
    assert streamed.answer == "12 m"
    # The first piece that is not empty is the third event, the last is the fourth.
    assert streamed.first_token_seconds is not None
    assert streamed.seconds is not None
    assert 3 * PAUSE <= streamed.first_token_seconds <= streamed.seconds - 0.5 * PAUSE
    said = {name: item.failure for name, item in by_id.items() if item.failure}
    assert said.keys() == {"error", "no-json", "empty", "slow", "late-json"}
    assert said["error"].startswith("status 500")
    assert said["slow"] == "no answer within 2 s"
    assert "no JSON object" in said["no-json"]
    assert "is empty" in said["empty"]
    assert Service.keys == {"k-123456"}
    assert not any(b"k-123456" in path.read_bytes() for path in out.iterdir())

    Service.well = True
    again = ragbench(*command, "--json")
    assert again.json["counts"]["failed"] == 0
    # What was answered is not asked again.
    assert [Service.asked[name] for name in ("whole", "streamed", "unknown", "error")] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--endpoint", "ftp://x/ask"], "must be like https://host/path"),
        (["--endpoint", "http://127.0.0.1:9/ask"], "failed on every one of 1 questions"),
        (["--endpoint", "http://127.0.0.1:9/ask", "--llm", "openai:m"], "leave --llm out"),
        (["--endpoint", "http://127.0.0.1:9/ask", "--header-env", "a=NOT_SET_HERE"], "NOT_SET_HERE, which is not set"),
    ],
)
def test_wrong_services_are_named(ragbench: Any, tmp_path: Path, more: list[str], said: str) -> None:
    (tmp_path / "q.txt").write_text("How deep?\n")
    done = ragbench("answer", "--questions", tmp_path / "q.txt", "--out", tmp_path / "run", *more)
    assert done.code == 2
    assert said in done.err
