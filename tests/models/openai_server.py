"""A small loopback server that speaks OpenAI's chat and embeddings endpoints, for tests of adapters."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import loopback


@dataclass
class Server:
    """What it answers, and what it was asked.

    ``chat`` gets the last message and returns the reply; either may return a
    whole number to answer with that status instead.
    """

    chat: Callable[[str], str | int] = lambda prompt: "{}"
    embed: Callable[[list[str]], list[list[float]] | int] = lambda texts: [vector(text) for text in texts]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def vector(text: str) -> list[float]:
    """Eight numbers that depend on the text."""
    return [byte / 64 - 2 for byte in hashlib.blake2b(text.encode(), digest_size=8).digest()]


def _reply(server: Server, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if path.endswith("/embeddings"):
        vectors = server.embed(body["input"])
        if isinstance(vectors, int):
            return vectors, {"error": {"message": "told to fail"}}
        data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(vectors)]
        return 200, {"object": "list", "model": body["model"], "data": data, "usage": usage}
    content = server.chat(body["messages"][-1]["content"])
    if isinstance(content, int):
        return content, {"error": {"message": "told to fail"}}
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return 200, {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": choices, "usage": usage}


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                server.asked.append({"path": self.path, "key": self.headers.get("authorization"), **body})
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            status, answer = _reply(server, self.path, body)
            with server.lock:
                server.at_once -= 1
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            return

    with loopback(Handler) as root:
        server.url = f"{root}/v1"
        yield server
