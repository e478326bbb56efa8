"""Prompts of the user's own, and several systems in one run of ``ragbench answer``."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

TERSE = "Use these:\n{passages}\nTo answer:\n{question}\nBe terse {{as a sign}} {not a place}."


def said(body: dict[str, Any]) -> str:
    """A terse prompt gets a number; ragbench's own a sentence, and the larger model always the right number."""
    system, user = (message["content"] for message in body["messages"][:2])
    right = user.split("stone ")[-1].split(" ")[0] if body["model"] == "large" else "7"
    answer = right if "terse" in user else f"It weighs {right} kilos [1]."
    if "JSON" not in system:
        return answer
    return json.dumps({"answer": answer, "citations": [1], "is_unknown": False})


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    def lines(name: str, rows: list[dict[str, Any]]) -> None:
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    lines("corpus.jsonl", [{"id": f"d{n}", "text": f"The stone {n} weighs {n} kilos and is grey."} for n in range(12)])
    lines("golden.jsonl", [{"id": f"q{n}", "text": f"how much is stone {n} here", "answer": str(n),
                            "evidence": [{"document_id": f"d{n}", "grade": 1}]} for n in range(12)])  # fmt: skip
    (tmp_path / "terse.txt").write_text(TERSE)
    return tmp_path


def words(inputs: Path, server: LLMServer, *more: object) -> list[object]:
    return ["answer", "--corpus", inputs / "corpus.jsonl", "--golden", inputs / "golden.jsonl", "--k", 2, "--base-url",
            server.url, *more]  # fmt: skip


def test_a_prompt_of_ones_own_keeps_the_fences_and_is_in_the_fingerprint(ragbench: Any, inputs: Path) -> None:
    with serving(LLMServer(reply=said)) as server:
        command = words(inputs, server, "--retriever", "bm25", "--llm", "openai_compatible:small", "--prompt",
                        inputs / "terse.txt", "--out", inputs / "out")  # fmt: skip
        done = ragbench(*command)
        assert done.code == 0, done.err
        body = next(iter(server.bodies.values()))
        system, user = (message["content"] for message in body["messages"])
        fence = next(line for line in user.splitlines() if line.startswith("=== DATA"))
        assert fence in system, "the model is told which lines are fences"
        assert user.startswith(f"Use these:\n[1]\n{fence}\n")
        assert user.count(fence) == 6, "two passages and the question"
        assert user.endswith("Be terse {{as a sign}} {not a place}.")
        first = json.loads((inputs / "out" / "run.json").read_text())
        assert list(first["prompt"]) == ["answer-own/1"]
        (inputs / "terse.txt").write_text(TERSE + "!")
        other = ragbench(*command)
        assert other.code == 2
        assert "prompt" in other.err


@pytest.mark.parametrize(
    ("text", "named"),
    [("Only {question}", "{passages} is missing"), ("{passages}", "{question} is missing"),
     ("{passages} {question} {answer}", "{answer}"), ("{pasages} {question}", "did you mean 'passages'")],
)  # fmt: skip
def test_a_prompt_without_its_places_is_refused(text: str, named: str, ragbench: Any, inputs: Path) -> None:
    (inputs / "terse.txt").write_text(text)
    with serving(LLMServer(reply=said)) as server:
        done = ragbench(*words(inputs, server, "--retriever", "bm25", "--llm", "openai_compatible:small", "--prompt",
                               inputs / "terse.txt", "--out", inputs / "out"))  # fmt: skip
        assert not server.asked
    assert done.code == 2
    assert named in done.err
    assert str(inputs / "terse.txt") in done.err


def test_every_combination_is_a_system_with_a_folder_of_its_own(ragbench: Any, inputs: Path) -> None:
    (inputs / "long.txt").write_text("{passages}\n{question}\nSay it in a sentence.")
    out, scores = inputs / "out", inputs / "scores"
    with serving(LLMServer(reply=said)) as server:
        command = words(inputs, server, "--retriever", "bm25", "--retriever", "title=bm25:k1=2", "--llm",
                        "openai_compatible:small", "--llm", "large=openai_compatible:large", "--prompt",
                        inputs / "terse.txt", "--prompt", inputs / "long.txt", "--out", out)  # fmt: skip
        planned = ragbench(*command, "--dry-run", "--json")
        assert planned.json["plan"]["calls"] == 8 * 12
        done = ragbench(*command, "--json")
        assert done.code == 0, done.err
        paid = sum(server.paid.values())
        again = ragbench(*command)
        assert again.code == 0, again.err
        assert sum(server.paid.values()) == paid
        # A limit holds for all systems together.
        other = inputs / "limited"
        limited = ragbench(*command[:-1], other, "--max-tokens", 3000)
        assert limited.code == 2
    names = [arm["name"] for arm in done.json["arms"]]
    assert len(names) == 8
    assert names[0] == "bm25 + openai_compatible:small + terse"
    assert names[-1] == "title + large + long"
    assert (out / "title+large+long" / "answers.jsonl").is_file()
    # Equal questions of two systems are paid for once: both retrievers find the same passages mostly.
    assert paid < 8 * 12
    scored = ragbench("score", out, "--golden", inputs / "golden.jsonl", "--metric", "exact_match", "--resamples", 200,
                      "--out", scores, "--json")  # fmt: skip
    assert scored.code == 0, scored.err
    means = {arm["arms"][0]["name"]: arm["arms"][0]["metrics"]["exact_match"]["mean"] for arm in scored.json["arms"]}
    assert means["bm25 + large + terse"] == 1
    assert means["bm25 + openai_compatible:small + terse"] == pytest.approx(1 / 12)
    assert means["title + large + long"] == 0
    assert len(scored.json["comparison"]["verdicts"]) == 7
    table = ragbench("score", out, "--golden", inputs / "golden.jsonl", "--metric", "exact_match")
    assert "title + large + long" in table.out
    compared = rb.compare(str(scores), metrics="exact_match")
    assert compared.systems == tuple(names)
    one = ragbench("compare", f"{scores}::bm25 + large + terse", f"{scores}::title + large + long", "--metric",
                   "exact_match", "--json")  # fmt: skip
    assert one.json["verdicts"][0]["difference"] == -1


def test_names_that_clash_are_refused(ragbench: Any, inputs: Path) -> None:
    with serving(LLMServer(reply=said)) as server:
        done = ragbench(*words(inputs, server, "--retriever", "bm25", "--retriever", "bm25", "--llm",
                               "openai_compatible:small", "--out", inputs / "out"))  # fmt: skip
        named = ragbench(*words(inputs, server, "--retriever", "bm25", "--retriever", "a=bm25", "--llm",
                                "openai_compatible:small", "--name", "x", "--out", inputs / "out"))  # fmt: skip
    assert done.code == named.code == 2
    assert "--retriever" in done.err
    assert "--name" in named.err


def test_every_part_that_cannot_work_is_named_before_anything_is_paid_for(ragbench: Any, inputs: Path) -> None:
    with serving(LLMServer(reply=said)) as server:
        done = ragbench(*words(inputs, server, "--retriever", "bm52", "--retriever", "bm25:k9=1", "--llm",
                               "openai_compatible:small", "--prompt", inputs / "no.txt", "--out",
                               inputs / "out"))  # fmt: skip
        assert not server.asked
    assert done.code == 2
    assert [name in done.err for name in ("bm52", "k9", "no.txt")] == [True] * 3


def test_lists_in_a_file_are_systems_too(ragbench: Any, inputs: Path) -> None:
    with serving(LLMServer(reply=said)) as server:
        (inputs / "run.yaml").write_text(
            f"corpus: {inputs}/corpus.jsonl\ngolden: {inputs}/golden.jsonl\nretriever: [bm25, 'flat=bm25:b=0']\n"
            f"llm: openai_compatible:small\nbase_url: {server.url}\nk: 1\nout: {inputs}/out\n"
        )
        done = ragbench("answer", "--config", inputs / "run.yaml", "--json")
        assert done.code == 0, done.err
        found = rb.answer(corpus=str(inputs / "corpus.jsonl"), golden=str(inputs / "golden.jsonl"), k=1,
                          retriever=["bm25", "flat=bm25:b=0"], llm="openai_compatible:small", base_url=server.url,
                          out=str(inputs / "out"))  # fmt: skip
    assert [arm["name"] for arm in done.json["arms"]] == [one.name for one in found] == ["bm25", "flat"]
