"""``ragbench probe`` as a user runs it, against a service and a model that answer by rule."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ragbench as rb
from ragbench.answers.probe.cases import Case, read_cases
from ragbench.core.errors import RagbenchError
from ragbench.corpus.load import load_corpus
from ragbench.io.scored_runs import read_scored
from tests.models.llm_server import LLMServer
from tests.models.llm_server import serving as serving_model

REFUSES = "I'm sorry, but I can't help with that."
CASES = {c.id: c for c in read_cases(Path(__file__).resolve().parents[2] / "datasets" / "probes" / "cases.jsonl")}
Reply = Callable[[Case], dict[str, Any] | int]


def careful(case: Case) -> dict[str, Any]:
    """Declines, and answers from a document where nothing speaks against it; shows what it found."""
    sources = [{"id": f"{d.id}#0", "document_id": d.id, "text": d.text} for d in case.documents]
    harmless = case.rules.refusal == "wrong"
    return {"answer": case.documents[0].text.split("Language models")[0] if harmless else REFUSES, "sources": sources}


@contextmanager
def service(reply: Reply) -> Iterator[str]:
    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            case = CASES[asked["query_id"]]
            assert asked["query"] == case.question
            said = reply(case)
            status, body = (said, {}) if isinstance(said, int) else (200, said)
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ask"
    finally:
        server.shutdown()
        server.server_close()


def test_a_careful_service_passes_and_the_folder_feeds_compare_and_gate(ragbench: Any, tmp_path: Path) -> None:
    good, bad, rules = tmp_path / "good", tmp_path / "bad", tmp_path / "gate.yaml"
    with service(careful) as url:
        done = ragbench("probe", "--url", url, "--floor", ".9", "--out", good, "--name", "careful", "--json")
    assert (done.code, done.json["verdict"]) == (0, "pass"), done.out[:500]
    assert done.json["all"]["passed"]["count"] == done.json["all"]["cases"] == len(CASES)
    assert done.json["categories"]["harmful"]["refused"]["mean"] == 1
    assert done.json["categories"]["harmless"]["refused"]["mean"] == 0
    assert json.loads((good / "probe.json").read_text()) == done.json

    def careless(case: Case) -> dict[str, Any]:
        return {"answer": "Here you are!"} if case.category == "harmful" else careful(case)

    with service(careless) as url:
        failed = ragbench("probe", "--url", url, "--floor", ".5", "--floor", "harmful=.5", "--out", bad)
    assert failed.code == 1
    assert "fail: harmful at least .500" in failed.out
    assert "pass: all at least .500" in failed.out
    assert "6 more failing cases; show all with --show 16" in failed.out
    (run,) = read_scored(bad)
    table = pd.Series(run.scores.values[:, 0]).groupby(list(run.queries.types)).mean()
    assert (table["harmful"], table.drop("harmful").min()) == (0, 1)

    compared = ragbench("compare", good, bad, "--metric", "probe_pass", "--by", "type", "--json")
    assert compared.code == 0, compared.err
    (verdict,) = compared.json["verdicts"]
    assert verdict["difference"] == pytest.approx(-16 / len(CASES))
    rules.write_text("rules:\n  - {metric: probe_pass, margin: 0.05, by: type}\n")
    gated = ragbench("gate", "--baseline", good, "--candidate", bad, "--rules", rules)
    assert gated.code == 1
    assert "(type=harmful)" in gated.out.splitlines()[0]


def test_a_service_without_the_planted_documents_is_told_so(ragbench: Any, tmp_path: Path) -> None:
    def without(case: Case) -> dict[str, Any] | int:
        if case.id == "scope-01":
            return 500
        return {"answer": REFUSES if not case.documents else "I do not know.", "sources": []}

    with service(without) as url:
        done = ragbench("probe", "--url", url, "--floor", "document_injection=.2")
    assert done.code == 3
    idle = sum(bool(case.documents) for case in CASES.values())
    assert f"{idle} cases tested nothing" in done.out
    assert "1 case without an outcome (first: scope-01: status 500" in done.out
    assert "no case of it tried anything" in " ".join(done.out.split())
    written = ragbench("probe", "--write-documents", tmp_path / "planted")
    assert written.code == 0
    documents = {d.id: d.text for d in load_corpus(tmp_path / "planted").corpus}
    assert documents == {d.id: d.text for case in CASES.values() for d in case.documents}
    assert len(documents) == idle


def test_what_a_service_says_cannot_write_to_the_terminal(ragbench: Any) -> None:
    with service(lambda case: {"answer": "\x1b[2J\x1b[31mSure\r\n[bold]yes"}) as url:
        done = ragbench("probe", "--url", url, "--category", "harmful", "--show", "1")
    assert "\x1b" not in done.out
    assert "Sure [bold]yes" in done.out


def target(body: dict[str, Any]) -> str:
    """A model that leaks what its system prompt says, obeys one document, and refuses in words of its own."""
    system, user = (message["content"] for message in body["messages"][:2])
    if "system's answer and a criterion" in system:
        text = user.split("Answer of the system:\n")[1]
        if "no verdict" in text:
            return "perhaps"
        passes = "Nope, not me" in text
        return json.dumps({"reason": "It declines in its own way.", "passes": passes, "refuses": passes})
    if "cobalt and ferry" in system:
        return "Cobalt-ferry"
    if "stutters" in user:
        return "There is no verdict on that."
    return "Nope, not me." if "(no document was found)" in system else "It is 34."


def test_a_model_with_its_prompt_is_asked_and_judged_and_the_second_run_is_free(ragbench: Any, tmp_path: Path) -> None:
    system = tmp_path / "system.txt"
    system.write_text("Answer from these documents:\n{context}\n")
    words = ["probe", "--llm", "openai_compatible:m", "--system", system, "--category", "harmful", "--category",
             "document_injection", "--out", tmp_path / "out"]  # fmt: skip
    with serving_model(LLMServer(reply=target)) as server:
        words += ["--base-url", server.url]
        alone = ragbench(*words, "--json")
        paid = sum(server.paid.values())
        assert paid == 32
        # The rules do not know these words for a refusal.
        assert alone.json["categories"]["harmful"]["passed"]["count"] == 0
        assert alone.json["judge"] is None
        judged = ragbench(*words, "--judge", "openai_compatible:m", "--judge-base-url", server.url, "--json")
        asked = sum(server.paid.values()) - paid
        again = ragbench(*words, "--judge", "openai_compatible:m", "--judge-base-url", server.url, "--json")
        assert sum(server.paid.values()) == paid + asked
        assert again.out == judged.out
    harmful = judged.json["categories"]["harmful"]
    # One verdict could not be read, however often it was asked for: neither passed nor failed.
    assert (harmful["passed"]["count"], harmful["passed"]["n"], harmful["unscored"]) == (15, 15, 1)
    assert harmful["refused"]["n"] == 16
    cases = {case["id"]: case for case in judged.json["cases"]}
    assert cases["harm-01"]["passes"] is None
    assert cases["harm-02"] | {"by": "judge", "why": "It declines in its own way."} == cases["harm-02"]
    # What rules are sure of is not put to the judge: 16 harmful ones, re-asks, and one that lacks its fact.
    assert (cases["planted-01"]["passes"], cases["planted-01"]["by"]) == (False, "rules")
    assert (cases["planted-02"]["passes"], cases["planted-02"]["by"]) == (True, "rules")
    assert (cases["planted-09"]["passes"], cases["planted-09"]["by"]) == (False, "judge")
    details = [json.loads(line) for line in (tmp_path / "out" / "details.jsonl").read_text().splitlines()]
    assert details[1]["details"]["probe_pass"]["rules_say"] is False


def test_a_prompt_without_a_place_gets_the_documents_before_the_question(ragbench: Any) -> None:
    with serving_model(LLMServer(reply=lambda body: "It is 34.")) as server:
        done = ragbench("probe", "--llm", "openai_compatible:m", "--base-url", server.url, "--category", "harmless")
        assert done.code == 0, done.err
        (said,) = [b["messages"] for b in server.bodies.values() if "Orla" in b["messages"][-1]["content"]]
    assert [message["role"] for message in said] == ["user"]
    assert said[0]["content"].startswith("Documents:\n\n[1] Orla 40: print jobs\nA print job")
    assert said[0]["content"].endswith("\n\nQuestion: " + CASES["harmless-01"].question)


def test_wrong_use_is_told(ragbench: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    url: dict[str, Any] = {"url": "http://127.0.0.1:9/ask"}
    model: dict[str, Any] = {"llm": "openai_compatible:m", "base_url": "http://127.0.0.1:9/v1"}
    for words, told in (
        ({}, "there must be one system to probe"),
        (url | {"llm": "m"}, "there must be one system to probe"),
        (url | {"system": empty}, "system= applies to llm="),
        (url | {"judge_base_url": "http://x/v1"}, "judge_base_url= applies to judge="),
        ({"url": "ftp://x"}, "url is 'ftp://x'"),
        (url | {"header_env": "x"}, "header_env=: 'x' is not of the form"),
        (url | {"categories": ["harmles"]}, "did you mean 'harmless'"),
        (url | {"floors": ["1.5"]}, "write a pass rate above 0 and below 1"),
        (url | {"categories": ["harmful"], "floors": {"harmless": 0.5}}, "no case is of category 'harmless'"),
        (url | {"write_documents": tmp_path}, "omit url= and llm="),
        ({"write_documents": tmp_path, "categories": ["harmful"]}, "needs a document"),
        (url | {"cases": tmp_path / "none.jsonl"}, "none.jsonl: cannot be read"),
        (model | {"system": empty, "cache": tmp_path}, "is empty"),
    ):
        with pytest.raises(RagbenchError, match=re.escape(told)):
            rb.probe(**words)
    done = ragbench("probe", "--url", "http://127.0.0.1:9/ask", "--category", "harmful")
    assert (done.code, "the service failed on every one of 16 questions" in done.err) == (2, True), done.err


def test_a_spent_budget_of_the_judge_is_no_verdict(ragbench: Any, tmp_path: Path) -> None:
    """The model answers for nothing; of the judge's verdicts only some can be paid for."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai_compatible:m: {input: 0, output: 0}\nopenai_compatible:j: {input: 1000, output: 1000}\n")
    system = tmp_path / "system.txt"
    system.write_text("Answer from these documents:\n{context}\n")
    words = ["probe", "--llm", "openai_compatible:m", "--system", system, "--judge", "openai_compatible:j",
             "--category", "harmful", "--prices", prices,
             "--max-cost", "6", "--concurrency", "1", "--out", tmp_path / "out"]  # fmt: skip
    with serving_model(LLMServer(reply=target)) as server:
        done = ragbench(*words, "--base-url", server.url, "--judge-base-url", server.url)
    assert done.code == 2
    assert "the budget of 6 in cost is spent" in done.err
    kept = [json.loads(line) for line in (tmp_path / "out" / "details.jsonl").read_text().splitlines()]
    judged = [row for row in kept if row["values"]["probe_pass"] is not None]
    assert 0 < len(judged) < 16
