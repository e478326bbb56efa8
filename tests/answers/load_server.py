"""A RAG service on the loopback that does what the question says, and writes down when it did.

A question is words with spaces: ``wait .05``, ``stream .02 4`` (pieces every .02 s), ``status 503``, ``drop``, ``half``
(of what was announced), ``cut-stream``, ``silent``, ``garbage``, ``text``, ``array``, ``empty``, ``abstain``,
``reports``, ``long``, ``redirect URL``. Times are of the monotonic clock, which is that of the client's event loop too.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.services.listening import listening


class Served(NamedTuple):
    """A request that was answered: id, question, when it was there, when the end of its answer was sent, connection."""

    id: str
    question: str
    received: float
    replied: float
    connection: int


@dataclass
class LoadServer:
    """What happened. A stall is from when to when, in seconds after the first request, nothing is answered."""

    stall: tuple[float, float] | None = None
    url: str = ""
    served: list[Served] = field(default_factory=list)
    connections: int = 0
    received: int = 0
    under_way: int = 0
    peak: int = 0
    headers: set[str] = field(default_factory=set)
    began: float | None = None
    script: dict[str, str] = field(default_factory=dict)
    """What to do in place of what a question says."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lower = head.lower()
                length = int(lower.partition("content-length:")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                self.headers.add(lower.partition("x-api-key:")[2].partition("\r\n")[0].strip())
                self.received += 1
                self.under_way += 1
                self.peak = max(self.peak, self.under_way)
                received = time.monotonic()

                def note(body: dict[str, str] = body, received: float = received) -> None:
                    # Before the last write: after it, the thread of the client may run first.
                    self.served.append(Served(body["query_id"], body["query"], received, time.monotonic(), number))

                try:
                    await self.stalled(received)
                    goes_on = await self.reply(self.script.get(body["query"], body["query"]).split(), writer, note)
                finally:
                    self.under_way -= 1
                if not goes_on:
                    break
        writer.close()

    async def stalled(self, now: float) -> None:
        self.began = self.began if self.began is not None else now
        if self.stall and self.stall[0] <= now - self.began < self.stall[1]:
            await asyncio.sleep(self.began + self.stall[1] - now)

    async def reply(self, words: list[str], writer: asyncio.StreamWriter, note: Callable[[], None]) -> bool:
        """Send it; whether the connection stays."""
        what, *more = words
        answer = json.dumps({"answer": "12 m"})
        if what == "wait":
            await asyncio.sleep(float(more[0]))
        if what in ("stream", "cut-stream"):
            return await self.stream(float(more[0]), int(more[1]), writer, note, whole=what == "stream")
        if what == "drop":
            return False
        if what == "silent":
            await asyncio.sleep(60)
        if what == "half":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            await writer.drain()
            return False
        if what == "garbage":
            writer.write(b"what?\r\n\r\n")
            await writer.drain()
            return False
        said = {"text": "12 m", "array": "[1]", "empty": '{"note": "x"}', "abstain": '{"abstained": true}',
                "reports": '{"error": "out of cheese"}', "long": "x" * (9 << 20)}  # fmt: skip
        raw = said.get(what, answer).encode()
        status = {"status": more[0] if more else "", "redirect": "307"}.get(what, "200")
        place = f"location: {more[0]}\r\n" if what == "redirect" else ""
        note()
        writer.write(f"HTTP/1.1 {status} Word\r\n{place}content-length: {len(raw)}\r\n\r\n".encode() + raw)
        await writer.drain()
        return True

    async def stream(
        self, gap: float, count: int, writer: asyncio.StreamWriter, note: Callable[[], None], *, whole: bool
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
        )

        def send(event: str) -> None:
            raw = f"data: {event}\r\n\r\n".encode()
            writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

        send(json.dumps({"sources": [], "delta": ""}))
        for _ in range(count):
            await asyncio.sleep(gap)
            send(json.dumps({"delta": "x "}))
            await writer.drain()
        note()
        if whole:
            send("[DONE]")
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return whole


@contextmanager
def serving(stall: tuple[float, float] | None = None) -> Iterator[LoadServer]:
    """The server, in a thread and an event loop of its own."""
    server = LoadServer(stall)
    with listening(server.handle) as port:
        server.url = f"http://127.0.0.1:{port}/ask"
        yield server
