"""Requests from templates, and replies in parts of any size, each held against another library or hand arithmetic."""

import itertools
import json
from urllib.parse import parse_qsl, urlsplit

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.reply import ReplyReader, Unusable
from ragbench.answers.endpoint.request import NotSent, request_of
from ragbench.answers.endpoint.settings import Endpoint, Reply
from ragbench.answers.endpoint.template import filled
from ragbench.core.json_paths import at_path, plain_path
from ragbench.core.turns import Turn

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXTS, TEXTS)
def test_any_question_arrives_whole(question: str, user: str) -> None:
    endpoint = Endpoint(
        "http://localhost/ask?v=1",
        query={"q": "{question}", "n": 3},
        body={"query": "{question}", "note": "for {user}: {{user}}", "k": "{k}", "f": [{"by": "{user}"}, 1.5, None]},
    )
    sent = request_of(endpoint, Question("q1", question, {"user": user, "k": 5}))
    assert sent.content is not None
    assert json.loads(sent.content) == {
        "query": question, "note": f"for {user}: {{user}}", "k": 5, "f": [{"by": user}, 1.5, None],
    }  # fmt: skip
    assert parse_qsl(urlsplit(sent.url).query, keep_blank_values=True) == [("v", "1"), ("q", question), ("n", "3")]


def test_users_come_from_the_question_the_file_or_the_caller() -> None:
    body = {"query": "{question}", "user": "{user}"}
    asked = {
        "column": request_of(Endpoint("http://x", body=body), Question("q", "?", {"user": "column"}), "sender"),
        "id": request_of(Endpoint("http://x", body=body), Question("q", "?", {"user_id": "id"}), "sender"),
        "file": request_of(Endpoint("http://x", body=body, defaults={"user": "file"}), Question("q", "?"), "sender"),
        "sender": request_of(Endpoint("http://x", body=body), Question("q", "?"), "sender"),
        "ragbench": request_of(Endpoint("http://x", body=body), Question("q", "?")),
    }
    assert {user: json.loads(sent.content or b"")["user"] for user, sent in asked.items()} == {
        name: name for name in asked
    }


def test_a_conversation_becomes_messages() -> None:
    endpoint = Endpoint("http://x", body={"messages": ["{history}", {"role": "user", "content": "{question}"}]})
    turns = (Turn("user", "a tent?"), Turn("assistant", "The Tarnfell 2."))
    asked = request_of(endpoint, Question("q", "how heavy?", history=turns))
    alone = request_of(endpoint, Question("q", "how heavy?"))
    own = {"role": "user", "content": "how heavy?"}
    before = [{"role": "user", "content": "a tent?"}, {"role": "assistant", "content": "The Tarnfell 2."}]
    assert json.loads(asked.content or b"") == {"messages": [*before, own]}
    assert json.loads(alone.content or b"") == {"messages": [own]}


def test_a_header_cannot_be_forged() -> None:
    endpoint = Endpoint("http://x", headers={"X-Session": "{session}"})
    assert request_of(endpoint, Question("q", "?", {"session": "s 1"})).headers["x-session"] == "s 1"
    for session in ("s\r\nX-Admin: 1", "é"):
        with pytest.raises(NotSent, match="header 'X-Session'"):
            request_of(endpoint, Question("q", "?", {"session": session}))


def test_a_question_is_no_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-secret")
    assert filled("{question}", {"question": "{user} ${A_KEY}", "user": "u"}) == "{user} ${A_KEY}"
    endpoint = Endpoint("http://x", headers={"X-Who": "{user}"})
    assert request_of(endpoint, Question("q", "?", {"user": "${A_KEY}"})).headers["x-who"] == "${A_KEY}"


DOCUMENT = {
    "data": {"text": "12 m", "n": None},
    "hits": [{"id": 7, "part": {"t": "a"}}, {"id": 9}, {"part": {"t": "c"}}],
    "pages": [{"hits": [{"id": 1}, {"id": 2}]}, {"hits": [{"id": 3}]}],
    "none": [],
}


@pytest.mark.parametrize(
    "path",
    ["data.text", "hits[0].id", "hits[1].part.t", "hits[*].id", "hits[*].part.t", "pages[*].hits[*].id", "none[*].id",
     "hits[5].id", "data.text.x", "nothing"],
)  # fmt: skip
def test_paths_lead_where_those_of_jmespath_lead(path: str) -> None:
    found, there = at_path(DOCUMENT, plain_path(path))
    assert found == jmespath.search(path, DOCUMENT)
    assert there == (jmespath.search(path, DOCUMENT) is not None)
    assert at_path(DOCUMENT, plain_path(f"$.{path}")) == (found, there)


SOURCES = {"hits": [{"id": "d1", "passage": "The pond is 12 m deep. é"}], "flow": "b"}
MAPPED = Reply(
    piece="choices.0.delta.content",
    paths={"sources": "hits.*.passage", "document_ids": "hits.*.id", "variant": "header:X-Variant"},
)
PIECES = ["12", " ", "m\n", "é"]
EVENTS = [{"choices": [{"delta": {"role": "a"}}]}, *({"choices": [{"delta": {"content": one}}]} for one in PIECES)]
WHOLE = {"answer": "".join(PIECES), "sources": ["The pond is 12 m deep. é"], "document_ids": ["d1"], "variant": "b",
         "flow": "b"}  # fmt: skip
STREAMS = {
    "text/event-stream": "".join(
        f"event: x\r\ndata: {json.dumps(one, ensure_ascii=False)}\r\n\r\n" for one in [*EVENTS, SOURCES]
    )
    + ": ping\n\ndata: "
    + json.dumps(SOURCES, indent=1).replace("\n", "\ndata: ")
    + "\n\ndata: [DONE]\n\nrest",
    "application/x-ndjson": "\n".join(json.dumps(one, ensure_ascii=False) for one in [*EVENTS, SOURCES]),
}


@pytest.mark.parametrize("kind", STREAMS)
@given(cuts=st.lists(st.integers(0, 900), max_size=30))
def test_streams_read_the_same_however_they_are_cut(kind: str, cuts: list[int]) -> None:
    raw = STREAMS[kind].encode()
    reader = ReplyReader(MAPPED, {"content-type": f"{kind}; charset=utf-8", "x-variant": "b"})
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    said = raw.index(b'"12"') + len(b'"12"}}]}')
    for start, end in itertools.pairwise(edges):
        reader.feed(raw[start:end])
        # An event has arrived when its line has ended.
        assert reader.spoke == (b"\n" in raw[said:end])
    assert reader.close() == WHOLE
    assert reader.streams


@given(st.lists(st.integers(0, 40), max_size=10))
def test_text_is_decoded_however_it_is_cut(cuts: list[int]) -> None:
    text = "Zelt für zwei: 😀 bis −5 °C"
    for charset in ("utf-8", "utf-16"):
        raw = text.encode(charset)
        reader = ReplyReader(Reply(), {"content-type": f'Text/Plain; charset="{charset}"'})
        edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
        for start, end in itertools.pairwise(edges):
            reader.feed(raw[start:end])
        assert reader.close() == {"answer": text}


def test_text_of_events() -> None:
    reader = ReplyReader(Reply(piece=""), {"content-type": "text/event-stream"})
    # The space after the colon belongs to the protocol, and a further line of an event to its text.
    reader.feed(b"data: A tent\n\ndata:  for two.\n\ndata: \ndata: Light.\n\ndata: [DONE]\n\n")
    assert reader.close() == {"answer": "A tent for two.\nLight."}


def test_json_is_read_though_it_calls_itself_text() -> None:
    for headers in ({"content-type": "text/plain"}, {"content-type": "text/plain", "content-length": "9"}):
        reader = ReplyReader(Reply(), headers)
        reader.feed(b'{"answer": "12 m", "model": "x"}')
        assert reader.close() == {"answer": "12 m", "model": "x"}
        assert reader.streams == ("content-length" not in headers)


def test_an_answer_in_parts_is_joined() -> None:
    parts = {"content": [{"type": "text", "text": "12 "}, {"type": "image"}, {"type": "text", "text": "m"}]}
    reader = ReplyReader(Reply(paths={"answer": "content.*.text"}))
    reader.feed(json.dumps(parts).encode())
    assert reader.close() == {"answer": "12 m"}
    stream = ReplyReader(Reply(piece="content.*.text"), {"content-type": "application/x-ndjson"})
    stream.feed(json.dumps(parts).encode() + b"\n" + json.dumps({"content": []}).encode())
    assert stream.close()["answer"] == "12 m"


def test_what_is_no_stream_of_objects_is_refused() -> None:
    for kind in STREAMS:
        reader = ReplyReader(MAPPED, {"content-type": kind})
        with pytest.raises(Unusable, match="no JSON object"):
            reader.feed(b"data: 12 m\n")
    reader = ReplyReader(MAPPED, {"content-type": "text/event-stream"})
    with pytest.raises(Unusable, match="no JSON object"):
        reader.feed(b'data: {"half": \n\n')
