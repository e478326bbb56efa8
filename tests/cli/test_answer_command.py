"""``ragbench answer`` as a user runs it, against a server that answers by rule."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ragbench.io.answer_files import read_answers

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

RESULTS = ("answers.jsonl", "manifest.json", "ledger.jsonl", "card.md")
DOCUMENTS = 60
NUMBERS = range(100, 100 + DOCUMENTS)


def reply(body: dict[str, Any]) -> str:
    """Cites the first source; does not know about every seventh question; now and then is no JSON at all."""
    question = body["messages"][1]["content"].split("Question:\n")[1].split("\n")[1]
    number = int(question.rsplit(" ", 1)[1])
    if number % 11 == 5:
        return "I would rather not say."
    return json.dumps({"answer": f"It weighs {number} kg [1].", "citations": [1], "is_unknown": number % 7 == 0})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    rows = ({"id": f"d{n}", "text": f"The stone number {n} lies by the river. It weighs {n} kg."} for n in NUMBERS)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.csv"
    path.write_text("id,question,team\n" + "".join(f"s{n},weight of stone number {n},red\n" for n in NUMBERS))
    return path


def words(corpus: Path, questions: Path, server: LLMServer, *more: object) -> list[object]:
    return ["answer", "--corpus", corpus, "--questions", questions, "--retriever", "bm25", "--llm",
            "openai_compatible:m", "--base-url", server.url, "--k", 3, *more]  # fmt: skip


def test_a_run_its_plan_and_the_same_run_again(ragbench: Any, corpus: Path, questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "run1"
    with serving(LLMServer(reply=reply)) as server:
        planned = ragbench(*words(corpus, questions, server, "--dry-run", "--json"))
        assert planned.json["plan"]["calls"] == DOCUMENTS
        assert not server.asked
        done = ragbench(*words(corpus, questions, server, "--out", out, "--json"))
        assert done.code == 0, done.err
        first = {name: (out / name).read_bytes() for name in RESULTS}
        calls = sum(server.paid.values())
        again = ragbench(*words(corpus, questions, server, "--out", out))
        assert again.code == 0, again.err
        assert sum(server.paid.values()) == calls
        other = ragbench(*words(corpus, questions, server, "--out", out, "--min-score", 1))
        assert (other.code, "holds another run (different: settings)" in other.err) == (2, True)
    assert {name: (out / name).read_bytes() for name in RESULTS} == first
    # of 100 to 159: 104, 115, ..., 159 are no JSON; 105, 112, ..., 154 are not known, but for 126, which is no JSON
    assert done.json["counts"] == {"queries": 60, "answered": 47, "abstained": 7, "failed": 6, "without_citation": 0}
    found = read_answers(out)
    item = found.items[3]
    assert (item.query_id, item.answer, item.metadata["team"]) == ("s103", "It weighs 103 kg [1].", "red")
    assert item.cited == (item.sources[0].id,) == ("d103",)
    assert item.seconds is not None
    assert item.input_tokens is not None
    assert len(item.sources) <= 3
    assert found.manifest["retriever"]["name"] == "bm25"  # type: ignore[index]
    assert "I would rather not say." in (out / "ledger.jsonl").read_text()


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    ragbench: Any, corpus: Path, questions: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "a" / "run", tmp_path / "b" / "run"
    with serving(LLMServer(reply=reply, latency=0.15)) as server:
        assert ragbench(*words(corpus, questions, server, "--out", whole)).code == 0
        calls = sum(server.paid.values())
        server.paid.clear()
        process = ragbench.start(*words(corpus, questions, server, "--out", killed, "--concurrency", 2))
        until = time.monotonic() + 60
        # Times are kept with a delay while the checker of schemas is imported, in the first second or two.
        while sum(server.paid.values()) < 40 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        time.sleep(0.2)
        done = ragbench(*words(corpus, questions, server, "--out", killed, "--resume"))
        assert done.code == 0, done.err
        # What was in flight at the kill is asked again: two calls at once, and as many that wait for the disk.
        assert calls <= sum(server.paid.values()) <= calls + 4
    for name in RESULTS:
        assert (whole / name).read_bytes() == (killed / name).read_bytes(), name
    assert sum(item.seconds is not None for item in read_answers(killed)) >= DOCUMENTS - 4


def test_a_budget_ends_the_run_and_keeps_what_was_paid(
    ragbench: Any, corpus: Path, questions: Path, tmp_path: Path
) -> None:
    with serving(LLMServer(reply=reply)) as server:
        small = ragbench(*words(corpus, questions, server, "--out", tmp_path / "run", "--max-tokens", 12000))
        assert (small.code, "the budget of 12,000 tokens is spent" in small.err) == (2, True)
        paid = sum(server.paid.values())
        assert 0 < paid < DOCUMENTS
        done = ragbench(*words(corpus, questions, server, "--out", tmp_path / "run"))
        assert done.code == 0, done.err
        assert server.paid.most_common(1)[0][1] == 1


def test_answers_made_elsewhere(ragbench: Any, tmp_path: Path) -> None:
    golden = tmp_path / "golden.jsonl"
    golden.write_text('{"id": "g1", "text": "How deep?"}\n{"id": "g2", "text": "How wide?"}\n')
    made = tmp_path / "ours.jsonl"
    made.write_text('{"user_input": "How wide?", "response": "3 m", "retrieved_contexts": ["3 m wide"]}\n')
    done = ragbench("answer", "--answers", made, "--golden", golden, "--out", tmp_path / "ours")
    assert done.code == 0, done.err
    assert read_answers(tmp_path / "ours").items[0].query_id == "g2"
    made.write_text('{"id": "x", "said": "3 m", "query": "How wide?"}\n')
    wrong = ragbench(
        "answer", "--answers", made, "--golden", golden, "--out", tmp_path / "b", "--columns", "answer=said"
    )
    assert (wrong.code, "none of its query ids is in" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "--out is not given"),
        (["--out", "x"], "there is nothing to ask"),
        (["--out", "x", "--questions", "q.txt"], "--corpus is not given"),
        (["--out", "x", "--questions", "q.txt", "--corpus", "c"], "--llm is not given"),
        (["--out", "x", "--questions", "q.txt", "--golden", "g"], "both given"),
        (["--out", "x", "--answers", "a.csv", "--llm", "openai:m"], "leave --llm out"),
        (["--out", "x", "--k", "0"], "--k is 0"),
        (["--out", "x", "--min-score", "nan"], "--min-score is nan"),
        (["--out", "x", "--columns", "a=b"], "--columns applies to --answers"),
    ],
)
def test_wrong_options_are_named(ragbench: Any, given: list[str], said: str) -> None:
    done = ragbench("answer", *given)
    assert done.code == 2
    assert said in done.err


def test_a_model_that_refuses_every_question_is_an_error_and_claims_no_folder(
    ragbench: Any, corpus: Path, tmp_path: Path
) -> None:
    # Ten refusals end the run in any case.
    questions, out = tmp_path / "three.csv", tmp_path / "out"
    questions.write_text("id,question\n" + "".join(f"s{n},weight of stone number {n}\n" for n in NUMBERS[:3]))
    with serving(LLMServer(reply=reply, fault=lambda body, times: "400")) as server:
        done = ragbench(*words(corpus, questions, server, "--out", out))
    assert done.code == 2
    assert "the model answered none of" in done.err
    assert not (out / "answers.jsonl").exists()
    with serving(LLMServer(reply=reply)) as server:
        # Another address is another run. The first one left nothing that it could lose.
        done = ragbench(*words(corpus, questions, server, "--out", out, "--resume"))
        assert (done.code, "there is no run to resume" in done.err) == (2, True)
        assert ragbench(*words(corpus, questions, server, "--out", out)).code == 0
        first = (out / "answers.jsonl").read_bytes()
    with serving(LLMServer(reply=reply)) as server:
        done = ragbench(*words(corpus, questions, server, "--out", out))
    assert (done.code, "holds another run" in done.err) == (2, True)
    assert (out / "answers.jsonl").read_bytes() == first
