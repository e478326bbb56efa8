"""Queries with a conversation before them: golden sets, retrievers, services, answers and scores by turn."""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest

import ragbench as rb
from ragbench.answers.answering import Question
from ragbench.answers.endpoint.request import request_of
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.runs import Query
from ragbench.core.turns import Turn, history_of
from ragbench.io.question_files import read_questions
from ragbench.plugins import RETRIEVERS, build

sys.path += [str(Path(__file__).resolve().parent.parent / "models")]
from llm_server import LLMServer, serving
from loopback import loopback

ROOT = Path(__file__).resolve().parent.parent.parent
SET, CATALOG = ROOT / "datasets" / "shop_conversations", ROOT / "datasets" / "shop" / "product_catalog.csv"
BEFORE = (Turn("user", "red tents?"), Turn("assistant", "We have two."), Turn("user", "how heavy?"))


def test_a_conversation_becomes_a_query_for_each_turn(tmp_path: Path) -> None:
    golden = rb.load_golden(str(SET))
    assert len(golden) == 26
    first, second, third = golden.items[:3]
    assert [item.id for item in (first, second, third)] == ["tents#1", "tents#2", "tents#3"]
    assert (first.history, [item.turn for item in (first, second, third)]) == ((), [1, 2, 3])
    assert [turn.role for turn in third.history] == ["user", "assistant"] * 2
    assert third.history[0].content == first.text
    assert {item.unit for item in (first, second, third)} == {"conversation:tents"}
    for form in ("native", "hf", "simple"):
        rb.save_golden(golden, tmp_path / form, form)
        assert rb.load_golden(str(tmp_path / form)).items == golden.items, form
    lost = rb.save_golden(golden, tmp_path / "beir", "beir")
    assert len([entry for entry in lost.entries if "history" in entry.reason]) == 16


def test_a_set_without_history_keeps_its_fingerprint() -> None:
    item = rb.GoldenItem("q1", "apples", evidence=(rb.Evidence("a"),))
    # Recorded before there were histories.
    assert rb.GoldenSet((item,)).fingerprint == "1deea0acb2901bc97a14b8c7ec267c80"
    with_history = rb.GoldenItem("q1", "apples", evidence=(rb.Evidence("a"),), history=BEFORE)
    assert rb.GoldenSet((with_history,)).fingerprint != rb.GoldenSet((item,)).fingerprint


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"id": "c", "turns": []}, "no turn"),
        ({"id": "c", "turns": [{"text": "a"}], "answer": "x"}, "'answer'"),
        ({"id": "c", "turns": [{"text": "a"}, {"txt": "b"}]}, "turn 2"),
        ({"id": "c", "text": "a", "history": "x"}, "history"),
        ({"id": "c", "text": "a", "history": [{"role": "robot", "content": "x"}]}, "robot"),
        ({"id": "c", "text": "a", "history": [{"role": "user"}]}, "turn 1"),
    ],
)
def test_a_conversation_that_is_none_is_refused_by_line(row: dict[str, Any], named: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=named) as refused:
        rb.load_golden(str(path))
    assert f"{path}:1" in str(refused.value)


def test_the_forms_of_a_history() -> None:
    assert history_of(["a", "b"], "") == (Turn("user", "a"), Turn("assistant", "b"))
    assert history_of([{"role": "AI", "content": "a"}], "") == (Turn("assistant", "a"),)
    assert history_of(None, "") == history_of([], "") == ()


def test_questions_have_a_history(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": "and in red?", "history": ["tents?", "We have two."]}))
    (tmp_path / "q.csv").write_text('question,chat_history\nand in red?,"[""tents?"", ""We have two.""]"\nalone,\n')
    for name in ("q.jsonl", "q.csv"):
        item = read_questions(tmp_path / name).items[0]
        assert item.history == (Turn("user", "tents?"), Turn("assistant", "We have two."))
        assert "history" not in item.metadata
    assert read_questions(tmp_path / "q.csv").items[1].history == ()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("last_turns:of=bm25", "red tents?\nhow heavy?\nand in blue?"),
        ("last_turns:of=bm25,turns=1", "how heavy?\nand in blue?"),
        ("last_turns:of=bm25,turns=0", "and in blue?"),
        ("last_turns:of=bm25,answers=true", "red tents?\nWe have two.\nhow heavy?\nand in blue?"),
    ],
)
def test_last_turns_join_the_messages(spec: str, text: str) -> None:
    retriever = build(RETRIEVERS, spec)
    assert retriever.check() == []
    assert retriever.text(Query("q", "and in blue?", history=BEFORE)) == text
    assert retriever.text(Query("q", "alone")) == "alone"


def condensed(body: dict[str, Any]) -> str:
    """A perfect rewriter of the sample: it has the names of the products that later turns mean."""
    user = body["messages"][-1]["content"]
    known = {
        "three": "Tarnfell 3 trekking tent",
        "snow": "Tarnfell 2 Winter tent",
        "animal": "Oriel synthetic sleeping bag",
    }
    last = user.split("The last message:")[-1]
    return json.dumps({"texts": [next((name for word, name in known.items() if word in last), "something else")]})


def test_retrievers_of_conversations_are_scored_by_turn(ragbench: Any, tmp_path: Path) -> None:
    with serving(LLMServer(reply=condensed)) as server:
        model = f"llm=openai_compatible:m,base_url={server.url}"
        command = ["eval", "--corpus", CATALOG, "--golden", SET, "--retriever", "bm25", "--retriever",
                   "last_turns:of=bm25", "--retriever", f"condense:of=bm25,{model}", "--resamples", 200, "--cache",
                   tmp_path / "cache", "--out", tmp_path / "out", "--json"]  # fmt: skip
        done = ragbench(*command)
        assert done.code == 0, done.err
        # Only the 16 later turns are rewritten.
        assert sum(server.paid.values()) == 16
        texts = " ".join(body["messages"][-1]["content"] for body in server.bodies.values())
        assert "assistant: The Tarnfell 2 trekking tent" in texts
        assert "user: I need a light trekking tent" in texts
    assert done.json["manifest"]["golden"]["queries"] == 26
    compared = rb.compare(str(tmp_path / "out"), by="turn", metrics="hit@10")
    assert {one.verdict.slice for one in compared.slices} == {"turn=1", "turn=2", "turn=3"}
    plain, joined, rewritten = rb.load_run(str(tmp_path / "out"))
    first = [at for at, turn in enumerate(plain.queries.columns["turn"]) if turn == 1]
    for other in (joined, rewritten):
        same = other.scores.column("ndcg@10")[first] == plain.scores.column("ndcg@10")[first]
        assert same.all(), "first turns are searched as they are"
    by_id = dict(zip(rewritten.queries.ids, rewritten.scores.column("hit@5"), strict=True))
    assert by_id["tents#2"] == by_id["tents#3"] == by_id["bags#2"] == 1
    assert by_id["cat#2"] == 0, "the rewriter said something else"


class Asked(BaseHTTPRequestHandler):
    bodies: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        type(self).bodies.append(body)
        raw = json.dumps({"results": [{"id": "a", "score": 1.0}], "answer": "It is red."}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


def test_services_get_the_history() -> None:
    Asked.bodies.clear()
    with loopback(Asked) as url:
        index = build(RETRIEVERS, f"http:url={url}").index(
            rb.chunk(rb.Corpus((rb.Document("a", "red tent"),))), Context()
        )
        run = index.search([Query("q1", "and in blue?", history=BEFORE), Query("q2", "alone")], 5)
        index.close()
    assert run.query_ids == ["q1", "q2"]
    by_id = {body["query_id"]: body for body in Asked.bodies}
    assert by_id["q1"]["history"][0] == {"role": "user", "content": "red tents?"}
    assert "history" not in by_id["q2"]
    asked = json.loads(
        request_of(Endpoint("http://localhost/ask"), Question("q1", "and in blue?", {}, BEFORE)).content or b""
    )
    assert [turn["role"] for turn in asked["history"]] == ["user", "assistant", "user"]
    own = Endpoint("http://localhost/ask", body={"q": "{question}", "turns": "{history}"})
    assert json.loads(request_of(own, Question("q2", "alone")).content or b"") == {"q": "alone", "turns": []}


def test_the_model_and_the_judge_see_the_conversation(ragbench: Any, tmp_path: Path) -> None:
    def said(body: dict[str, Any]) -> str:
        if "grade one answer" in body["messages"][0]["content"]:
            return json.dumps({"reasons": "x", "score": 5})
        return json.dumps({"answer": "It is red [1].", "citations": [1], "is_unknown": False})

    (tmp_path / "own.txt").write_text("{history}\n---\n{passages}\n{question}")
    with serving(LLMServer(reply=said)) as server:
        model = ["--llm", "openai_compatible:m", "--base-url", server.url]
        command = [
            "answer",
            "--corpus",
            CATALOG,
            "--golden",
            SET,
            "--retriever",
            "last_turns:of=bm25",
            "--k",
            1,
            *model,
        ]
        done = ragbench(*command, "--out", tmp_path / "a")
        assert done.code == 0, done.err
        asked = [body["messages"][1]["content"] for body in server.bodies.values()]
        later = next(text for text in asked if "is there one with room for three?" in text)
        assert re.search(r"conversation before the question:\n(=== DATA \w+ ===)\nuser: I need a light", later)
        assert sum("The conversation before" in text for text in asked) == 16
        server.bodies.clear()
        assert ragbench(*command, "--prompt", tmp_path / "own.txt", "--out", tmp_path / "b").code == 0
        own = [body["messages"][1]["content"] for body in server.bodies.values()]
        assert sum("\n(none)\n" in text for text in own) == 10
        assert not any("The conversation before" in text for text in own)
        server.bodies.clear()
        scored = ragbench("score", tmp_path / "a", "--golden", SET, "--rubric", "helpfulness", "--judge",
                          "openai_compatible:j", "--base-url", server.url, "--out", tmp_path / "s")  # fmt: skip
        assert scored.code == 0, scored.err
        judged = [body["messages"][1]["content"] for body in server.bodies.values()]
        assert any("user: is there one with room for three?" in text and "assistant: The Tarnfell 2" in text
                   for text in judged)  # fmt: skip
