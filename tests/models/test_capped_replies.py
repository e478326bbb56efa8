"""A reply that is too large is ended while it arrives, through LangChain too."""

import asyncio
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from llm_server import LLMServer, serving

from ragbench.models.llm.base import LLMError, Message, Request
from ragbench.models.llm.chat_model import ChatModel

MESSAGE = {"message": {"role": "assistant", "content": "x" * 60_000_000}, "index": 0, "finish_reason": "stop"}
LARGE = json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [MESSAGE]}).encode()
EVENT = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
DELTA = {"index": 0, "delta": {"content": "x" * 1_000_000}, "finish_reason": None}
EVENTS = b"data: " + json.dumps({**EVENT, "choices": [DELTA]}).encode() + b"\n\n"


class Raw(LLMServer):
    """Sends these bytes, with these headers."""

    raw: bytes = b""
    headers: str = "content-type: application/json"
    sent: int = 0

    async def _send(self, writer: Any, body: Any, key: str, fault: str) -> bool:
        head = f"HTTP/1.1 200 OK\r\n{self.headers}\r\ncontent-length: {len(self.raw)}\r\n\r\n"
        writer.write(head.encode())
        for at in range(0, len(self.raw), 1 << 16):
            writer.write(self.raw[at : at + (1 << 16)])
            await writer.drain()
            self.sent = at + (1 << 16)
        return True


def ask(url: str, *, stream: bool = False) -> Any:
    async def main() -> Any:
        model = ChatModel("openai:m", {"base_url": url})
        request = Request("t/1", (Message("user", "question"),))
        try:
            return await (model.stream(request, lambda text: None) if stream else model.complete(request))
        finally:
            await model.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("raw", "headers", "stream"),
    [
        (LARGE, "content-type: application/json", False),
        (gzip.compress(LARGE + b" " * 40_000_000), "content-type: application/json\r\ncontent-encoding: gzip", False),
        (EVENTS * 60, "content-type: text/event-stream", True),
    ],
    ids=["whole", "compressed", "stream"],
)
def test_a_large_reply_is_ended_while_it_arrives(raw: bytes, headers: str, stream: bool) -> None:
    server = Raw()
    server.raw, server.headers = raw, headers
    with serving(server):
        tracemalloc.start()
        with pytest.raises(LLMError, match="the reply is larger than") as refused:
            ask(server.url, stream=stream)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert not refused.value.retry
    assert peak < 120_000_000
    assert server.sent < 30_000_000


def test_a_compression_that_was_not_asked_for_is_refused() -> None:
    server = Raw()
    server.raw, server.headers = b"\x28\xb5\x2f\xfd", "content-type: application/json\r\ncontent-encoding: zstd"
    with serving(server), pytest.raises(LLMError, match="compressed by 'zstd'"):
        ask(server.url)


def test_a_small_compressed_reply_is_read() -> None:
    server = Raw()
    server.raw = gzip.compress(LARGE.replace(b"x" * 60_000_000, b"good"))
    server.headers = "content-type: application/json\r\ncontent-encoding: gzip"
    with serving(server):
        assert ask(server.url).text == "good"
