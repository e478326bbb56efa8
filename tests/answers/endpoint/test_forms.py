"""One description for each form of service: what is sent, what is read, and what a check says about it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

import ragbench as rb
from ragbench.io.answer_files import read_answers
from tests.answers import load_server
from tests.services.shop_answers import ShopService, serving, variant_of

PAUSE = 0.02
BODY = {"query": "{question}", "user_id": "{user}"}
TEXT = {"url": "/ask", "body": BODY, "reply": {"variant": "header:X-Variant", "document_ids": "header:x-products"}}
JSON = {
    "url": "/answer",
    "method": "GET",
    "query": {"q": "{question}", "user": "{user}"},
    "reply": {
        "answer": "data.text", "contexts": "hits.*.passage", "ids": "hits.*.sku", "document_ids": "hits.*.sku",
        "input_tokens": "usage.prompt_tokens", "output_tokens": "$.usage.completion_tokens", "variant": "experiment",
    },
}  # fmt: skip
EVENTS = {
    "url": "/events",
    "body": BODY,
    "reply": {
        "piece": "choices[0].delta.content", "contexts": "hits[*].passage", "document_ids": "hits[*].sku",
        "input_tokens": "usage.prompt_tokens", "variant": "experiment",
    },
}  # fmt: skip
LINES = {
    "url": "/lines",
    "body": BODY,
    "reply": {
        "piece": "token", "contexts": "final.hits.*.passage", "document_ids": "final.hits.*.sku",
        "variant": "final.experiment",
    },
}  # fmt: skip
FORMS = {"text": TEXT, "json": JSON, "sse": EVENTS, "jsonl": LINES}


@pytest.fixture
def shop() -> Iterator[ShopService]:
    with serving(pause=PAUSE) as service:
        yield service


def described(folder: Path, shop: ShopService, form: dict[str, Any], **more: Any) -> Path:
    path = folder / "service.yaml"
    path.write_text(yaml.safe_dump({**form, "url": shop.url + form["url"], **more}))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_sent_and_read(ragbench: Any, shop: ShopService, tmp_path: Path, form: str) -> None:
    questions = tmp_path / "questions.jsonl"
    asked = {f"u{n}": f'a tent for winter, "{n}" {{user}} \\' for n in range(4)}
    lines = [json.dumps({"id": user, "question": text, "user": user}) for user, text in asked.items()]
    questions.write_text("\n".join(lines))
    file = described(tmp_path, shop, FORMS[form])
    done = ragbench("answer", "--endpoint", file, "--questions", questions, "--out", tmp_path / "run", "--json")
    assert done.code == 0, done.err
    # The service got each question whole, whatever signs it has, from its user.
    got = {body.get("user_id", body.get("user")): body.get("query", body.get("q")) for body in shop.bodies}
    assert got == asked
    for item in read_answers(tmp_path / "run"):
        user = item.query_id
        found = shop.shop.search(item.query, 5, variant_of(user))
        assert item.answer == shop.shop.answer(item.query, found)
        assert item.metadata["variant"] == variant_of(user)
        assert [source.document_id for source in item.sources] == [product.id for product, _ in found]
        pieces = len(item.answer.split(" "))
        assert item.seconds is not None
        if form == "json":
            assert [source.text for source in item.sources] == [product.text for product, _ in found]
            assert (item.first_token_seconds, item.output_tokens) == (None, pieces)
        else:
            assert item.first_token_seconds is not None
            assert PAUSE <= item.first_token_seconds <= item.seconds - (pieces - 2) * PAUSE


@pytest.mark.parametrize("form", FORMS)
def test_a_check_reads_as_an_answer_is_read(ragbench: Any, shop: ShopService, tmp_path: Path, form: str) -> None:
    file = described(tmp_path, shop, FORMS[form])
    done = ragbench("endpoint", "check", file, "--question", "a tent", "--values", "user=u7", "--json")
    assert done.code == 0, done.err
    found = rb.endpoint.check(file, "a tent", values={"user": "u7"})
    assert found.answered is not None
    read = {part["role"]: part["value"] for part in done.json["read"]}
    assert read["answer"] == found.answered.answer
    assert read["variant"] == variant_of("u7")
    reply = done.json["reply"]
    assert (reply["format"], reply["first_token_seconds"] is None) == (form, form == "json")
    assert [body.get("user_id", body.get("user")) for body in shop.bodies] == ["u7", "u7"]


def test_a_check_names_what_is_missing_and_what_there_is(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    wrong = {**JSON, "reply": {"answer": "data.txt", "contexts": "hits.*.body"}}
    done = ragbench("endpoint", "check", described(tmp_path, shop, wrong), "--question", "a tent", "--json")
    assert done.code == 1
    assert done.json["outcome"] == "wrong"
    assert {part["role"] for part in done.json["read"] if part["state"] == "missing"} == {"answer", "sources"}
    assert {"data.text", "hits.*.sku", "hits.*.passage", "usage.prompt_tokens"} <= set(done.json["reply"]["paths"])
    # Without passages, the answer is still there; the description promises more.
    partly = {**JSON, "reply": {"answer": "data.text", "contexts": "hits.*.body", "failure": "oops", "cited": "c"}}
    done = ragbench("endpoint", "check", described(tmp_path, shop, partly), "--question", "a tent", "--json")
    assert (done.code, done.json["outcome"]) == (1, "wrong")
    assert [part["role"] for part in done.json["read"] if part["state"] == "missing"] == ["sources"]


def test_a_service_that_does_not_answer_is_no_wrong_mapping(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    nowhere = described(tmp_path, shop, {**TEXT, "url": "/nothing"})
    done = ragbench("endpoint", "check", nowhere, "--json")
    assert (done.code, done.json["outcome"]) == (2, "failed")
    assert done.json["reply"]["status"].startswith("404")
    assert "no route" in done.json["reply"]["beginning"]
    done = ragbench("endpoint", "check", "http://127.0.0.1:9/ask", "--json")
    assert (done.code, done.json["reply"]) == (2, None)


def test_keys_are_sent_and_not_shown(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    ragbench.environment["SHOP_KEY"] = "sk-1234567"
    headers = {"Authorization": "Bearer ${SHOP_KEY}", "X-User": "{user}"}
    file = described(tmp_path, shop, TEXT, headers=headers, header_env={"X-Key": "SHOP_KEY"}, defaults={"user": "u3"})
    for words in ([], ["--json"], ["--dry-run"]):
        done = ragbench("endpoint", "check", file, *words)
        assert done.code == 0, done.err
        assert "sk-1234567" not in done.out + done.err
    assert len(shop.headers) == 2
    sent = shop.headers[0]
    assert (sent["authorization"], sent["x-key"], sent["x-user"]) == ("Bearer sk-1234567", "sk-1234567", "u3")


def test_a_value_without_a_placeholder_is_refused(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    file = described(tmp_path, shop, {**TEXT, "body": {"query": "{question}", "who": "{user}"}})
    done = ragbench("endpoint", "check", file, "--values", "usr=u7")
    assert done.code == 2
    assert "did you mean 'user'" in done.err
    assert shop.bodies == []
    for name in ("user", "user_id"):
        assert ragbench("endpoint", "check", file, "--values", f"{name}=u7").code == 0
    assert [body["who"] for body in shop.bodies] == ["u7", "u7"]


def test_nothing_is_sent_without_a_value(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    file = described(tmp_path, shop, {**TEXT, "body": {"query": "{question}", "shop": "{shop}"}})
    done = ragbench("endpoint", "check", file)
    assert done.code == 2
    assert "{shop}" in done.err
    (tmp_path / "q.txt").write_text("a tent\n")
    done = ragbench("answer", "--endpoint", file, "--questions", tmp_path / "q.txt", "--out", tmp_path / "run")
    assert done.code == 2
    assert "{shop}" in done.err
    assert shop.bodies == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": "ftp://x"}, "must be like https://host/path"),
        ({"url": "http://x", "metod": "GET"}, "did you mean 'method'"),
        ({"url": "http://x", "timeout": 5}, "timeout is an option of the command"),
        ({"url": "http://x", "reply": {"anwser": "x"}}, "did you mean 'answer'"),
        ({"url": "http://x", "answer": "data.text"}, "write it as reply.answer"),
        ({"url": "http://x", "method": "GET"}, "the question is not sent"),
        ({"url": "http://x", "body": {"q": "x"}}, "the question is not sent"),
        ({"url": "http://x", "headers": {"Authorization": "Bearer abc"}}, "seems to hold a key"),
        ({"url": "http://x", "headers": {"Authorization": "Bearer ${NOT_SET_X}"}}, "NOT_SET_X, which is not set"),
        ({"url": "http://x", "header_env": {"A": "NOT_SET_X"}}, "NOT_SET_X, which is not set"),
        ({"url": "http://x?api_key=1"}, "seems to hold a key"),
        ({"url": "http://x", "query": {"api_key": "1"}}, "seems to hold a key"),
        ({"url": "http://x", "reply": {"contexts": "a", "sources": "b"}}, "are the same"),
        ({"url": "http://x", "reply": {"metadata": {"answer": "b"}}}, "write it below reply"),
        ({"url": "http://x", "reply": {"format": "xml"}}, "json, text, sse or jsonl"),
        ({"url": "http://x", "body": "query={question}"}, "body is a text"),
        ({}, "url is missing"),
    ],
)
def test_a_wrong_description_is_named(ragbench: Any, tmp_path: Path, form: dict[str, Any], said: str) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(yaml.safe_dump(form))
    done = ragbench("endpoint", "check", file, "--dry-run")
    assert done.code == 2
    assert str(file) in done.err
    assert said in done.err


def test_load_and_probe_take_the_same_file(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    shop.pause = 0.0
    file = described(tmp_path, shop, TEXT)
    (tmp_path / "q.txt").write_text("a tent\na lamp\n")
    done = ragbench("load", "--endpoint", file, "--questions", tmp_path / "q.txt", "--requests", "20", "--json")
    assert done.code == 0, done.err
    (level,) = done.json["arms"]
    assert (level["requests"], level["failed_queries"], level["first_token_ms"]["n"]) == (20, 0, 20)
    done = ragbench("probe", "--endpoint", file, "--category", "out_of_scope", "--json")
    assert done.code == 0, done.err
    assert len(done.json["cases"]) == sum("query" in body for body in shop.bodies) - 23
    outside = tmp_path / "outside.yaml"
    outside.write_text(yaml.safe_dump({**TEXT, "url": "http://service.example.org/ask"}))
    done = ragbench("load", "--endpoint", outside, "--questions", tmp_path / "q.txt")
    assert done.code == 2
    assert "service.example.org is not this machine" in done.err


def asked(folder: Path, count: int) -> Path:
    path = folder / "q.txt"
    path.write_text("".join(f"tent number {number}\n" for number in range(count)))
    return path


def test_a_busy_service_gets_refused_requests_again(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    shop.room = 5
    words = ["answer", "--endpoint", described(tmp_path, shop, JSON), "--questions", asked(tmp_path, 40), "--out",
             tmp_path / "run", "--concurrency", "12", "--json"]  # fmt: skip
    done = ragbench(*words)
    assert done.code == 0, done.err
    assert done.json["counts"]["answered"] == 40
    assert shop.refused > 0
    # Times are those of the request that was answered, without the waits before it.
    assert all(item.seconds is not None and item.seconds < 0.5 for item in read_answers(tmp_path / "run"))


def test_concurrency_rises_to_what_the_service_takes(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    shop.pause = 0.1
    words = ["answer", "--endpoint", described(tmp_path, shop, JSON), "--questions", asked(tmp_path, 120), "--out",
             tmp_path / "run", "--json"]  # fmt: skip
    done = ragbench(*words, "--concurrency", "auto")
    assert done.code == 0, done.err
    assert done.json["counts"]["answered"] == 120
    assert 8 < shop.peak <= 64


def test_scores_by_variant(ragbench: Any, shop: ShopService, tmp_path: Path) -> None:
    shop.pause = 0.0
    golden = tmp_path / "golden.jsonl"
    rows = [{"id": f"q{n}", "text": f"tent number {n}", "answer": "a tent", "evidence": []} for n in range(20)]
    golden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = described(tmp_path, shop, {**JSON, "query": {"q": "{question}", "user": "{query_id}"}})
    done = ragbench("answer", "--endpoint", file, "--golden", golden, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    score = ["score", tmp_path / "run", "--golden", golden, "--metric", "token_f1", "--json"]
    done = ragbench(*score, "--by", "variant", "--out", tmp_path / "scores")
    assert done.code == 0, done.err
    slices = {one["label"]: one for one in done.json["slices"]}
    expected: dict[str, list[str]] = {}
    for row in rows:
        expected.setdefault(variant_of(str(row["id"])), []).append(str(row["id"]))
    assert {label: one["queries"] for label, one in slices.items()} == {k: len(v) for k, v in expected.items()}
    scores = pq.read_table(tmp_path / "scores" / "scores.parquet").to_pylist()
    by_id = {row["query_id"]: row["token_f1"] for row in scores}
    for label, ids in expected.items():
        assert slices[label]["metrics"]["token_f1"]["mean"] == pytest.approx(sum(by_id[i] for i in ids) / len(ids))
    done = ragbench(*score, "--by", "varaint")
    assert done.code == 2
    assert "variant" in done.err


def test_a_check_of_a_service_with_faults() -> None:
    with load_server.serving() as elsewhere, load_server.serving() as server:
        redirected = rb.endpoint.check(server.url, f"redirect {elsewhere.url}")
        assert (redirected.outcome, elsewhere.received) == ("failed", 0)
        assert "not followed" in redirected.problem
        for question, said in (
            ("silent", "within 0.5 s"),
            ("drop", "the request failed"),
            ("half", "the request failed"),
        ):
            found = rb.endpoint.check(server.url, question, timeout=0.5)
            assert (found.outcome, said in found.problem) == ("failed", True), found.problem
        for question, said in (("text", "no JSON object"), ("empty", "is empty"), ("reports", "out of cheese"),
                               ("long", "longer than")):  # fmt: skip
            found = rb.endpoint.check(server.url, question)
            assert (found.outcome, said in found.problem) == ("wrong", True), found.problem
        assert rb.endpoint.check(server.url, "abstain").outcome == "ok"
        streamed = rb.endpoint.check(server.url, "stream .02 4")
        assert streamed.outcome == "ok"
        assert streamed.came is not None
        assert streamed.came.first is not None
        assert 0.02 <= streamed.came.first <= streamed.came.seconds - 0.05
