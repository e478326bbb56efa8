"""A server that answers every chat completion in the same way after a fixed time, and does as little else as it can.

It runs on the other core of a machine with two and must not be what limits a
throughput: it looks for the end of a request and reads nothing of it.

    python -m benchmarks.latency_server 1.0   # prints its address
    python -m benchmarks.latency_server 1.0 '{"queries": ["red kettle"]}'
"""

import asyncio
import json
import sys

CONTENT = json.dumps({"answer": "yes", "n": 1})
LENGTH = b"content-length:"


def reply_of(content: str) -> bytes:
    """The whole response with this content."""
    reply = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 300, "completion_tokens": 12, "total_tokens": 312},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(reply)}\r\n\r\n"
    return head.encode() + reply


class Connection(asyncio.Protocol):
    """One connection; a client sends its next request after the answer."""

    def __init__(self, latency: float, reply: bytes) -> None:
        self._latency, self._reply = latency, reply
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer later, once a request is whole."""
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._seen[:end].lower()
        told = head[head.index(LENGTH) + len(LENGTH) :].split(b"\r\n", 1)[0]
        if len(self._seen) >= end + 4 + int(told):
            self._seen = b""
            asyncio.get_running_loop().call_later(self._latency, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._reply)


async def _serve(latency: float, reply: bytes) -> None:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(latency, reply), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), reply_of(sys.argv[2] if len(sys.argv) > 2 else CONTENT)))
