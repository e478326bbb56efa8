"""``ragbench wattbot run`` against a scripted server: a whole run, a kill and the resumption, faults, a real model."""

import csv
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.llm_server import Body, LLMServer, serving

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "datasets" / "energy_ai"
TRUTH = DATA / "train_QA.csv"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


BY_TEXT = {row["question"]: row for row in rows(TRUTH)}


def right(body: Body) -> str:
    """What the truth says, as far as the model was shown the document; blank where it says nothing."""
    said = body["messages"][-1]["content"]
    if "follows the schema: supporting_materials" in said:
        return json.dumps({"supporting_materials": "the words", "explanation": "so it follows"})
    row = next(row for text, row in BY_TEXT.items() if f"\n{text}\n" in said)
    refs = [] if row["ref_id"] == "is_blank" else json.loads(row["ref_id"].replace("'", '"'))
    blank = row["answer_value"] == "is_blank"
    return json.dumps({"answer": row["answer"], "answer_value": row["answer_value"], "ref_id": refs, "is_blank": blank})


def command(out: Path, url: str, *more: Any, documents: Path = DATA / "pdf", questions: Path = TRUTH) -> list[Any]:
    return ["wattbot", "run", "--metadata", DATA / "metadata.csv", "--documents", documents, "--questions", questions,
            "--llm", "openai_compatible:scripted", "--base-url", url, "--out", out, *more]  # fmt: skip


def ledger(out: Path, code: str) -> list[dict[str, str]]:
    lines = (out / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["code"] == code]


@pytest.mark.slow
def test_a_whole_run_is_resumed_and_scores(ragbench: Any, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stage = ["wattbot", "run", "--metadata", DATA / "metadata.csv", "--documents", DATA / "pdf", "--out", out]
    assert ragbench(*stage, "--until", "chunks").code == 0
    chunks = [json.loads(line) for line in (out / "chunks.jsonl").read_text(encoding="utf-8").splitlines()]
    assert max(len(chunk["text"]) for chunk in chunks) <= 1200
    assert not (out / "embeddings.npy").exists()
    assert ragbench(*stage, "--until", "embeddings").code == 0
    vectors = np.load(out / "embeddings.npy")
    assert vectors.shape == (len(chunks), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    with serving(LLMServer(reply=right, latency=0.3)) as server:
        words = command(out, server.url, "--concurrency", 2)
        dry = ragbench(*words, "--dry-run", "--json")
        assert dry.code == 0, dry.err
        assert sum(server.asked.values()) == 0
        assert (
            f"{len(BY_TEXT)} questions, before repairs at most {len(BY_TEXT) - 1} calls"
            in ragbench(*words, "--dry-run").out
        )
        process = ragbench.start(*words)
        while sum(server.paid.values()) < 8:
            time.sleep(0.05)
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (out / "wattbot_solutions.csv").exists()
        done = ragbench(*words, "--json")
        assert done.code == 0, done.err
        twice = sum(times - 1 for times in server.paid.values())
        assert twice <= 4, "more was paid for again than could be in flight"
        paid = sum(server.paid.values())
        first = (out / "wattbot_solutions.csv").read_bytes()
        again = ragbench(*words, "--json")
        assert sum(server.paid.values()) == paid, "the same command asked again"
        left = ragbench(*words, "--dry-run", "--json").json["phases"]
        assert (out / "wattbot_solutions.csv").read_bytes() == first
    asked = len(BY_TEXT) - len(ledger(out, "low-score"))
    assert [phase["calls"] for phase in dry.json["phases"].values()] == [asked, asked]
    # What is answered already is known: of the second phase only the questions that were not left blank.
    assert {name: (phase["calls"], phase["cached"]) for name, phase in left.items()} == {
        "answer": (0, asked), "explain": (0, len(BY_TEXT) - done.json["blank"]),
    }  # fmt: skip
    used = json.loads((out / "spent.json").read_text(encoding="utf-8"))["folder"]["openai_compatible:scripted"]
    assert used["answers"] <= dry.json["estimate"]["calls"]
    assert used["output_tokens"] <= dry.json["estimate"]["output_tokens"]
    assert again.json["blank"] == done.json["blank"]
    scored = ragbench("wattbot", "score", "--truth", TRUTH, "--pred", out / "wattbot_solutions.csv", "--json")
    told = scored.json["submissions"][0]
    # All is right but what was not asked or not shown.
    assert told["means"]["wattbot"]["mean"] > 0.9
    assert not told["counts"]
    urls = {row["id"]: row["url"] for row in rows(DATA / "metadata.csv")}
    for row in rows(out / "wattbot_solutions.csv"):
        assert (row["ref_id"] == "is_blank") == (row["ref_url"] == "is_blank")
        if row["ref_id"] != "is_blank":
            ids, links = (json.loads(row[name].replace("'", '"')) for name in ("ref_id", "ref_url"))
            assert links == [urls[id_] for id_ in ids]


def test_faults_of_documents_and_replies_are_in_the_ledger(ragbench: Any, tmp_path: Path) -> None:
    folder, out = tmp_path / "documents", tmp_path / "run"
    folder.mkdir()
    shutil.copy(DATA / "pdf" / "marrow2023.pdf", folder)
    (folder / "okonjo2024.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "tessaly2024_chunks.json").write_text('[{"type": "text", "content": "The basin held 5 kW.", "page": 3}]')
    (folder / "quill2023_chunks.json").write_text('[{"content": 5}]')
    (folder / "stranger.pdf").write_bytes(b"")
    (folder / "zamora2024.pdf").symlink_to(DATA / "pdf" / "zamora2024.pdf")
    questions = tmp_path / "questions.csv"
    texts = {"a": "How much electricity did the metered inference cluster take from the grid in 2022?",
             "b": "What was the annual PUE of the metered inference cluster?",
             "c": "What is the best way to bake a sourdough rye bread with raisins?"}  # fmt: skip
    questions.write_text("id,question\n" + "".join(f"{id_},{text}\n" for id_, text in texts.items()), encoding="utf-8")

    def reply(body: Body) -> str:
        said = " ".join(message["content"] for message in body["messages"])
        if texts["a"] in said:
            return "I had rather not say."
        made_up = {"answer": "x", "answer_value": "1.26", "ref_id": ["nobody1999", "Marrow2023"], "is_blank": False}
        return json.dumps(made_up)

    with serving(LLMServer(reply=reply)) as server:
        done = ragbench(*command(out, server.url, documents=folder, questions=questions))
    assert done.code == 0, done.err
    assert [entry["item"] for entry in ledger(out, "missing-document")] == [
        "brandvik2025", "halvorsen2022", "norrbro2025", "zamora2024",
    ]  # fmt: skip
    assert [entry["item"] for entry in ledger(out, "unreadable")] == ["okonjo2024", "quill2023"]
    assert [entry["item"] for entry in ledger(out, "link")] == ["zamora2024.pdf"]
    assert [entry["item"] for entry in ledger(out, "not-in-metadata")] == ["stranger.pdf"]
    assert [entry["item"] for entry in ledger(out, "low-score")] == ["c"]
    assert "nobody1999" in ledger(out, "unknown-document")[0]["reason"]
    # The first phase of one question and the second of another got no usable reply.
    assert [(e["stage"], e["item"]) for e in ledger(out, "unusable-answer")] == [("answer", "a"), ("explain", "b")]
    found = {row["id"]: row for row in rows(out / "wattbot_solutions.csv")}
    assert (found["b"]["answer_value"], found["b"]["ref_id"]) == ("1.26", "['marrow2023']")
    assert {found[id_]["answer_value"] for id_ in "ac"} == {"is_blank"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--llm", "none"], "answers need a language model"),
        (["--questions", DATA / "metadata.csv"], "has no column 'question'"),
        (["--questions", DATA / "nowhere.csv"], "cannot be read"),
        (["--documents", DATA / "sources"], "holds none of the documents"),
        (["--metadata", TRUTH], "has no column 'url'"),
        (["--until", "answer"], "'answers'"),
    ],
)
def test_wrong_use_is_an_error_in_words(ragbench: Any, tmp_path: Path, changed: list[Any], said: str) -> None:
    done = ragbench(*command(tmp_path / "run", "http://127.0.0.1:9/v1"), *changed)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "run" / "wattbot_solutions.csv").exists()
