"""A server that is asked directly: what is sent, beside what LangChain sends, and how replies are read."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from llm_server import LLMServer, serving

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import LLMError, Message, Request, Response, Usage
from ragbench.models.llm.chat_model import ChatModel
from ragbench.models.llm.openai_compatible import OpenAICompatible
from ragbench.models.llm.openai_wire import body, response

STRICT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
LOOSE = {"type": "object", "properties": {"answer": {"type": "string"}}}
KEY = "sk-test-0123456789abcdef"
Replies = Callable[[str], tuple[int, dict[str, str], bytes]]


def question(schema: Any = STRICT) -> Request:
    said = (Message("system", "Answer."), Message("user", "Wie heißt das?"), Message("assistant", "Was?"))
    return Request("t/1", said, schema, max_tokens=77, temperature=0.5, seed=3, sample=2)


def complete(url: str, request: Request, **params: Any) -> Response:
    async def main() -> Response:
        model = OpenAICompatible("openai_compatible:m", {"base_url": url, **params}, timeout=5)
        try:
            return await model.complete(request)
        finally:
            await model.aclose()

    return asyncio.run(main())


@contextmanager
def replying(reply: Replies) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server with any status, headers and bytes; yields its address and the headers of what it was asked."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append({"path": self.path} | {key.lower(): value for key, value in self.headers.items()})
            status, headers, raw = reply(self.path)
            self.send_response(status)
            for name, value in {"content-length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1", seen
    finally:
        http.shutdown()
        http.server_close()


def failure(status: int, told: object, headers: dict[str, str] | None = None) -> LLMError:
    with replying(lambda path: (status, headers or {}, json.dumps(told).encode())) as (url, _):
        with pytest.raises(LLMError) as caught:
            complete(url, question())
        return caught.value


@pytest.mark.parametrize("schema", [STRICT, LOOSE, None])
@pytest.mark.parametrize("structured", ["auto", "none"])
def test_the_body_is_what_langchain_and_openai_send(schema: Any, structured: Any) -> None:
    with serving(LLMServer()) as server:
        params = {"base_url": server.url, "top_p": 0.9, "temperature": None, "extra_body": {"top_k": 5}}

        async def main() -> None:
            for kind, name in ((ChatModel, "openai:m"), (OpenAICompatible, "openai_compatible:m")):
                model = kind(name, params, structured=structured)
                await model.complete(question(schema))
                await model.aclose()

        asyncio.run(main())
        theirs, ours = server.bodies.values()
    # The library writes the newer name of the limit whatever the server; and says that it does not stream.
    theirs["max_tokens"] = theirs.pop("max_completion_tokens")
    theirs.pop("stream", None)
    assert ours == theirs
    assert ours["seed"] == 5
    assert "temperature" not in ours


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("gpt-5-mini", "max_completion_tokens"),
        ("o3", "max_completion_tokens"),
        ("ft:gpt-4o-mini:me", "max_completion_tokens"),
        ("gpt-oss-20b", "max_tokens"),
        ("openhermes", "max_tokens"),
        ("meta-llama/Llama-3.1-8B-Instruct", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_model_knows(model: str, limit: str) -> None:
    made = body(question(), model, {}, structured=True)
    assert [made[name] for name in made if name.startswith("max_")] == [77]
    assert limit in made


def test_a_reply_is_read() -> None:
    told: dict[str, Any] = {
        "choices": [
            {"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "finish_reason": "length"}
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
    assert response(told) == Response("ab", Usage(5, 2), "length")
    refused = {"choices": [{"message": {"content": None, "refusal": "I will not."}}], "usage": None}
    assert response(refused) == Response("I will not.", Usage(), "refusal")
    for broken in ({}, {"choices": []}, {"choices": [{"message": None}]}, {"choices": [{"message": {"content": [1]}}]}):
        with pytest.raises(LLMError, match="not a chat completion") as caught:
            response(broken)
        assert caught.value.retry
        assert caught.value.in_doubt


def test_a_wrong_address_and_an_unknown_model_end_the_run_and_name_the_address() -> None:
    missing = failure(404, {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}})
    assert missing.fatal
    assert "/v1/chat/completions: The model `m` does not exist" in str(missing)
    moved = failure(307, {}, {"location": "https://elsewhere/v1"})
    assert moved.fatal
    assert "https://elsewhere/v1: correct base_url" in str(moved)


def test_waits_and_refusals_are_told_apart() -> None:
    limited = failure(429, {"error": {"message": "slow"}}, {"Retry-After-Ms": "1500", "Retry-After": "9"})
    assert (limited.retry, limited.limited, limited.retry_after) == (True, True, 1.5)
    dated = failure(503, "busy", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert (dated.retry, dated.retry_after, dated.fatal) == (True, 0.0, False)
    spent = failure(429, {"error": {"message": "no money", "type": "insufficient_quota", "code": None}})
    assert (spent.retry, spent.fatal) == (False, True)
    refused = failure(400, {"detail": "messages too long"})
    assert (refused.retry, refused.fatal, str(refused)) == (False, False, "HTTP 400: messages too long")
    hidden = failure(200, {"error": {"message": "upstream is down"}})
    assert (hidden.retry, hidden.in_doubt) == (True, True)
    assert failure(403, {}).fatal


def test_the_key_is_sent_if_there_is_one_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with replying(lambda path: (401, {}, f"bad key {KEY}".encode())) as (url, seen):
        with pytest.raises(LLMError) as caught:
            complete(url, question())
        assert seen[0]["authorization"] == f"Bearer {KEY}"
        assert KEY not in str(caught.value)
        monkeypatch.delenv("OPENAI_API_KEY")
        with pytest.raises(LLMError):
            complete(url, question())
        assert "authorization" not in seen[1]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two\nlines")
    with pytest.raises(SettingError, match="OPENAI_API_KEY holds characters"):
        OpenAICompatible("openai_compatible:m", {"base_url": url})


def test_the_identity_holds_address_and_parameters_but_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def identity(**params: Any) -> str:
        return OpenAICompatible("openai_compatible:m", {"base_url": "http://host/v1", **params}).fingerprint()

    bare = identity()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert identity() == bare
    assert identity(top_p=0.5) != bare
    assert identity(base_url="http://other/v1") != bare


def test_an_address_may_end_as_the_documentation_of_servers_writes_it() -> None:
    with serving(LLMServer()) as server:
        for url in (server.url, server.url + "/", server.url + "/chat/completions"):
            assert complete(url, question()).usage.output_tokens > 0


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"choices": [{"message": {"content": "through the proxy"}}]}
    with replying(lambda path: (200, {}, json.dumps(told).encode())) as (url, seen):
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert complete("http://model.invalid/v1", question()).text == "through the proxy"
        assert seen[0]["path"] == "http://model.invalid/v1/chat/completions"


def test_where_nobody_listens_nothing_was_asked() -> None:
    with pytest.raises(LLMError) as caught:
        complete("http://127.0.0.1:9/v1", question())
    assert (caught.value.retry, caught.value.in_doubt) == (True, False)


def test_one_model_in_two_event_loops() -> None:
    with serving(LLMServer()) as server:
        model = OpenAICompatible("openai_compatible:m", {"base_url": server.url})

        async def main() -> str:
            try:
                return (await model.complete(question())).text
            finally:
                await model.aclose()

        assert asyncio.run(main()) == asyncio.run(main())
