"""A search and answer service over the shop's catalogue, in every form that such services have.

It ranks products by BM25 and answers with the sentence of the best product that shares most words with the question.
Users are split into two variants by their id: ``control`` ranks by the whole text, ``names`` counts a product's name
three times. The same question of the same user always gets the same answer.

    POST /ask      {"query", "user_id"}  -> streamed text/plain, headers X-Variant and X-Products
    POST /answer   {"query", "user_id"}  -> {"data": {"text"}, "hits": [{"sku", "passage"}], "usage", "experiment"}
    GET  /answer?q=...&user=...          -> the same
    POST /events   {"query", "user_id"}  -> server-sent events as OpenAI has them, the last with hits and usage
    POST /lines    {"query", "user_id"}  -> JSON lines {"token"}, the last with {"final": {...}}
    GET  /search?q=...&k=...             -> {"results": [{"id", "score", "name"}], "variant"}
    POST /search   {"query", "k", "user_id"}  -> the same

Start it with ``python -m tests.services.shop_answers --port 8321``.
"""

import argparse
import asyncio
import contextlib
import csv
import json
import math
import re
import threading
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.services.listening import listening

CATALOGUE = Path(__file__).resolve().parents[2] / "datasets" / "shop" / "product_catalog.csv"
WORD = re.compile(r"[a-z0-9]+")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
COMMON = frozenset(
    "a an and are as at be by can do does for from has have how i in is it of on or that the this to what which with you".split()  # noqa: SIM905, E501
)
VARIANTS = ("control", "names")
NOTHING = "I found no product that fits."
K1, B = 1.2, 0.75


def words_of(text: str) -> list[str]:
    """The content words, without a plural s."""
    return [word.removesuffix("s") for word in WORD.findall(text.lower()) if word not in COMMON]


@dataclass(frozen=True)
class Product:
    """A row of the catalogue."""

    id: str
    name: str
    text: str


class Shop:
    """The catalogue with its index."""

    def __init__(self, catalogue: Path = CATALOGUE) -> None:
        with catalogue.open(encoding="utf-8", newline="") as file:
            self.products = [
                Product(row["product_id"], row["name"], row["description"]) for row in csv.DictReader(file)
            ]
        self._counts = {
            variant: [
                Counter(words_of(product.name) * (3 if variant == "names" else 1) + words_of(product.text))
                for product in self.products
            ]
            for variant in VARIANTS
        }
        self._lengths = {variant: [one.total() for one in counted] for variant, counted in self._counts.items()}
        held = Counter(word for counts in self._counts["control"] for word in counts)
        total = len(self.products)
        self._idf = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in held.items()}

    def search(self, query: str, k: int, variant: str) -> list[tuple[Product, float]]:
        """The best products by BM25, with their scores."""
        asked = [word for word in words_of(query) if word in self._idf]
        counted, lengths = self._counts[variant], self._lengths[variant]
        mean = sum(lengths) / len(lengths)
        scored = []
        for product, counts, length in zip(self.products, counted, lengths, strict=True):
            norm = K1 * (1 - B + B * length / mean)
            score = sum(self._idf[word] * counts[word] * (K1 + 1) / (counts[word] + norm) for word in asked)
            if score > 0:
                scored.append((product, round(score, 4)))
        return sorted(scored, key=lambda one: (-one[1], one[0].id))[:k]

    def answer(self, query: str, found: list[tuple[Product, float]]) -> str:
        """The name of the best product, and its sentence that shares most words with the question."""
        if not found:
            return NOTHING
        product, asked = found[0][0], set(words_of(query))
        sentences = SENTENCE.split(product.text)
        best = max(range(len(sentences)), key=lambda at: (len(asked & set(words_of(sentences[at]))), -at))
        return f"{product.name}: {sentences[best]}"


def variant_of(user: str) -> str:
    """The variant that a user sees."""
    return VARIANTS[zlib.crc32(user.encode()) % len(VARIANTS)]


@dataclass
class ShopService:
    """The service, and what it was asked.

    Attributes:
        pause: seconds before each piece of a streamed answer, and before a whole one.
        room: how many requests it works on at once; it answers 429 to others. 0 for any number.
        bodies: what was sent: bodies, or parameters.
        headers: the headers of the requests.
        peak: the most requests under way at once.
    """

    pause: float = 0.0
    room: int = 0
    shop: Shop = field(default_factory=Shop)
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: int = 0
    under_way: int = 0
    peak: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = first.split()
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                self.under_way += 1
                try:
                    if self.room and self.under_way > self.room:
                        self.refused += 1
                        _send(writer, 429, {"error": "too many requests"})
                    else:
                        self.peak = max(self.peak, self.under_way)
                        asked = dict(parse_qsl(urlsplit(target).query)) if method == "GET" else json.loads(raw)
                        self.bodies.append(asked)
                        self.headers.append(headers)
                        await self.reply(urlsplit(target).path, asked, writer)
                    await writer.drain()
                finally:
                    self.under_way -= 1
        writer.close()

    async def reply(self, path: str, asked: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        query = str(asked.get("query", asked.get("q", "")))
        variant = variant_of(str(asked.get("user_id", asked.get("user", ""))))
        found = self.shop.search(query, int(asked.get("k", 5)), variant)
        named = {"x-variant": variant, "x-products": ";".join(product.id for product, _ in found)}
        hits = [{"sku": product.id, "passage": product.text} for product, _ in found]
        answer = self.shop.answer(query, found)
        usage = {"prompt_tokens": len(words_of(query)), "completion_tokens": len(answer.split())}
        if path == "/search":
            results = [{"id": product.id, "score": score, "name": product.name} for product, score in found]
            _send(writer, 200, {"results": results, "variant": variant}, named)
        elif path == "/answer":
            await asyncio.sleep(self.pause)
            _send(writer, 200, {"data": {"text": answer}, "hits": hits, "usage": usage, "experiment": variant}, named)
        elif path in ("/ask", "/events", "/lines"):
            kind = {"/ask": "text/plain", "/events": "text/event-stream", "/lines": "application/x-ndjson"}[path]
            _begin(writer, f"{kind}; charset=utf-8", named)
            async for piece in self._pieces(answer):
                _chunk(writer, _piece(path, piece))
                await writer.drain()
            last = {"hits": hits, "usage": usage, "experiment": variant}
            for part in {"/ask": [], "/events": [_event(last), "data: [DONE]\n\n"],
                         "/lines": [json.dumps({"final": last}) + "\n"]}[path]:  # fmt: skip
                _chunk(writer, part)
            writer.write(b"0\r\n\r\n")
        else:
            _send(writer, 404, {"error": f"no route {path}"})

    async def _pieces(self, answer: str) -> AsyncIterator[str]:
        for at, word in enumerate(answer.split(" ")):
            await asyncio.sleep(self.pause)
            yield word if not at else f" {word}"


def _piece(path: str, piece: str) -> str:
    if path == "/events":
        return _event({"choices": [{"delta": {"content": piece}}]})
    return piece if path == "/ask" else json.dumps({"token": piece}) + "\n"


def _event(value: object) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _begin(writer: asyncio.StreamWriter, kind: str, more: Mapping[str, str]) -> None:
    lines = [
        f"content-type: {kind}",
        "transfer-encoding: chunked",
        *(f"{name}: {value}" for name, value in more.items()),
    ]
    writer.write(("HTTP/1.1 200 OK\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())


def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    raw = text.encode()
    writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")


def _send(writer: asyncio.StreamWriter, status: int, value: object, more: Mapping[str, str] | None = None) -> None:
    raw = json.dumps(value).encode()
    lines = ["content-type: application/json", f"content-length: {len(raw)}",
             *(f"{name}: {text}" for name, text in (more or {}).items())]  # fmt: skip
    writer.write((f"HTTP/1.1 {status} Status\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + raw)


@contextmanager
def serving(port: int = 0, **settings: Any) -> Iterator[ShopService]:
    """The service on this machine, in a thread and an event loop of its own.

    Args:
        port: where it listens; 0 takes a free port.
        settings: see `ShopService`.
    """
    service = ShopService(**settings)
    with listening(service.handle, port) as bound:
        service.url = f"http://127.0.0.1:{bound}"
        yield service


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="Answers over the shop's catalogue.")
    parser.add_argument("--port", type=int, default=8321)
    parser.add_argument("--pause", type=float, default=0.005, help="seconds before each piece of an answer")
    parser.add_argument("--room", type=int, default=0, help="requests at once; others get status 429")
    asked = parser.parse_args()
    with serving(asked.port, pause=asked.pause, room=asked.room) as service:
        print(f"serving at {service.url}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
