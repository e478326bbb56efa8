"""A loopback server that speaks OpenAI's chat completions and goes wrong on command.

What it does depends on the request's body and on how often that body came before, never on the
order of requests, so that a run under faults can be repeated. It counts per body how often it was
asked and how often it began to send a whole answer: that is what a provider would bill. It counts
before it sends, so that no client knows of an answer that is not counted yet.

    python tests/models/llm_server.py --latency 1   # prints its address; GET /counts
"""

import argparse
import asyncio
import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

FAULTS = ("429", "429-after", "500", "503", "hang", "drop", "drop-midway", "cut-json", "broken-json", "wrong-schema",
          "no-json", "empty", "not-http-json")  # fmt: skip
FREE = {"429", "429-after", "500", "503", "hang", "drop", "drop-midway", "not-http-json", "400", "401", "quota"}
"""Faults after which nothing whole was sent."""
Body = dict[str, Any]


def echo(body: Body) -> str:
    """An answer that depends on the first question only, so that an answer to a re-ask is the same."""
    question = next(message["content"] for message in body["messages"] if message["role"] == "user")
    return json.dumps({"answer": hashlib.blake2b(question.encode(), digest_size=8).hexdigest(), "n": len(question)})


def never(body: Body, times: int) -> str:
    return ""


def randomly(rate: float, faults: Sequence[str] = FAULTS, seed: int = 0, most: int = 6) -> Callable[[Body, int], str]:
    """A fault with this probability, at most so many times in a row for one body."""

    def choose(body: Body, times: int) -> str:
        draw = random.Random(f"{seed} {digest(body)} {times}")
        return draw.choice(list(faults)) if times < most and draw.random() < rate else ""

    return choose


def digest(body: Body) -> str:
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).hexdigest()


@dataclass
class LLMServer:
    """Settings, and what was seen.

    ``reply`` makes the text; ``fault`` names what goes wrong, or nothing, for a body that came
    ``times`` before. A hang lasts ``hang`` seconds.
    """

    reply: Callable[[Body], str] = echo
    fault: Callable[[Body, int], str] = never
    latency: float = 0.0
    hang: float = 30.0
    retry_after: str = "0.05"
    refusal: str = "told to fail"
    usage: bool = True
    finish_reason: str = "stop"
    keep_bodies: bool = True
    port: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, Body] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    idempotency: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    times: list[float] = field(default_factory=list)
    connected: int = 0
    hanging: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client went away, or the server is being closed.
            return
        finally:
            self.connected -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        if head[0].startswith("GET"):
            counts = {"asked": sum(self.asked.values()), "paid": sum(self.paid.values()), "most": self.most_at_once}
            writer.write(_http(200, counts))
            await writer.drain()
            return True
        body = json.loads(raw)
        key = digest(body)
        if self.keep_bodies:
            self.bodies[key] = body
        self.keys.add(headers.get("authorization", ""))
        self.idempotency.append(headers.get("idempotency-key", ""))
        fault = self.fault(body, self.asked[key])
        self.asked[key] += 1
        self.faults[fault] += bool(fault)
        self.times.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.hanging += fault == "hang"
        try:
            await asyncio.sleep(self.hang if fault == "hang" else self.latency)
        finally:
            self.at_once -= 1
            self.hanging -= fault == "hang"
        return await self._send(writer, body, key, fault)

    async def _send(self, writer: asyncio.StreamWriter, body: Body, key: str, fault: str) -> bool:
        if fault in {"drop", "hang"}:
            return False
        if fault in {"400", "401", "429", "429-after", "500", "503", "quota"}:
            writer.write(self._refusal(fault))
            await writer.drain()
            return True
        content, ended = self._content(body, fault)
        raw = _http(200, self._completion(content, ended, body))
        if fault == "not-http-json":
            raw = _framed(200, b'{"id": "x", "choices": [{"index"')
        if fault == "drop-midway":
            writer.write(raw[: len(raw) * 2 // 3])
            await writer.drain()
            return False
        if fault not in FREE:
            self.paid[key] += 1
        writer.write(raw)
        await writer.drain()
        return True

    def wait_for_the_dead(self) -> None:
        """Wait until all that killed clients have sent is answered and counted, but for requests that hang."""
        # Connections are accepted in order: once this one is answered, all earlier ones are known.
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        asking.request("GET", "/counts")
        asking.getresponse().read()
        asking.close()
        until = time.monotonic() + 60
        while self.connected > self.hanging:
            assert time.monotonic() < until, "clients are still connected"
            time.sleep(0.002)

    def _refusal(self, fault: str) -> bytes:
        if fault == "429-after":
            return _http(429, {"error": {"message": "slow down"}}, {"retry-after": self.retry_after})
        if fault == "quota":
            error = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
            return _http(429, {"error": error})
        error = {"message": f"{self.refusal} ({fault}); the key was {sorted(self.keys)[0].removeprefix('Bearer ')}"}
        return _http(int(fault), {"error": error})

    def _content(self, body: Body, fault: str) -> tuple[str, str]:
        right = self.reply(body)
        broken = {
            "cut-json": right[: len(right) * 2 // 3],
            "broken-json": f"Certainly! Here it is:\n```json\n{right[:-1]},}}\n```\n",
            "wrong-schema": json.dumps({"answer": 7, "extra": True}),
            "no-json": "I am afraid that I cannot.",
            "empty": "",
        }
        return broken.get(fault, right), self.finish_reason

    def _completion(self, content: str, ended: str, body: Body) -> Body:
        message = {"role": "assistant", "content": content}
        found: Body = {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": ended}],
        }  # fmt: skip
        if self.usage:
            said = sum(len(message["content"]) for message in body["messages"]) // 4 + 8
            wrote = max(1, len(content) // 4)
            found["usage"] = {"prompt_tokens": said, "completion_tokens": wrote, "total_tokens": said + wrote}
        return found


def _http(status: int, body: Body, headers: dict[str, str] | None = None) -> bytes:
    return _framed(status, json.dumps(body).encode(), headers)


def _framed(status: int, raw: bytes, headers: dict[str, str] | None = None) -> bytes:
    told = {"content-type": "application/json", "content-length": str(len(raw)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} X", *(f"{key}: {value}" for key, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + raw


@contextmanager
def serving(server: LLMServer) -> Iterator[LLMServer]:
    """The server in a thread of its own."""
    ready = threading.Event()
    stop: list[Callable[[], None]] = []

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        listening = await asyncio.start_server(server.handle, "127.0.0.1", server.port, backlog=1024)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        listening.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        stop[0]()
        thread.join(10)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=0.0, help="share of requests that go wrong")
    given = parser.parse_args()
    fault = randomly(given.rate) if given.rate else never
    server = LLMServer(latency=given.latency, fault=fault, keep_bodies=False)

    async def run() -> None:
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, backlog=4096)
        print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
        await listening.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    _main()
