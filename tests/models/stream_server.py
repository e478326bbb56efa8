"""A loopback server that streams chat completions piece by piece, with pauses, and breaks off on command."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from loopback import loopback

Step = str | float | dict[str, Any] | Literal["!drop", "!done"]
"""A piece of text, a pause in seconds, an event of its own, the end of the connection or of the stream."""
DROP, DONE = "!drop", "!done"


@dataclass
class Streaming:
    """``steps`` says what is sent for a body that came so many times before, or a status to refuse with.

    Attributes:
        refuses: a field of the body that the server answers 400 to.
        whole: a server that knows no streams.
        says: why it refuses.
        asked: the bodies, in order.
        gone: seconds between the first byte and the moment when the client was found to have left.
    """

    steps: Callable[[dict[str, Any], int], Sequence[Step] | int]
    refuses: str = ""
    whole: bool = False
    usage: bool = True
    says: str = "told to fail"
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)


def _chunk(delta: dict[str, Any], ended: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": ended}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def _usage(text: str) -> dict[str, int]:
    return {"prompt_tokens": 30, "completion_tokens": len(text), "total_tokens": 30 + len(text)}


@contextmanager
def streaming(server: Streaming) -> Iterator[Streaming]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.asked.append(body)
            steps = server.steps(body, len(server.asked) - 1)
            if body.get(server.refuses):
                self.whole(400, {"error": {"message": f"extra field {server.refuses} is not permitted"}})
            elif isinstance(steps, int):
                self.whole(steps, {"error": {"message": server.says}})
            elif server.whole or not body.get("stream"):
                text = "".join(step for step in steps if isinstance(step, str))
                message = {"role": "assistant", "content": text}
                found = _chunk({}, "stop") | {"object": "chat.completion", "usage": _usage(text)}
                self.whole(200, found | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            else:
                self.stream(body, steps)

        def whole(self, status: int, content: dict[str, Any]) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def stream(self, body: dict[str, Any], steps: Sequence[Step]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream; charset=utf-8")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            began = time.monotonic()
            try:
                self.steps(body, steps)
            except OSError:
                server.gone.append(time.monotonic() - began)

        def steps(self, body: dict[str, Any], steps: Sequence[Step]) -> None:
            text = ""
            for step in steps:
                if step == DROP:
                    return
                if step == DONE:
                    self.send(b"data: [DONE]\n\n")
                    self.wfile.write(b"0\r\n\r\n")
                    return
                if isinstance(step, float):
                    time.sleep(step)
                elif isinstance(step, dict):
                    self.event(step)
                else:
                    text += step
                    self.event(_chunk({"content": step}))
            self.event(_chunk({}, "stop"))
            if server.usage and (body.get("stream_options") or {}).get("include_usage"):
                self.event(_chunk({}) | {"choices": [], "usage": _usage(text)})
            self.send(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")

        def event(self, content: dict[str, Any]) -> None:
            raw = f"data: {json.dumps(content, ensure_ascii=False)}\r\n\r\n".encode()
            # Cut where no line and no character ends.
            for part in (raw[: len(raw) // 3], raw[len(raw) // 3 : -1], raw[-1:]):
                self.send(part)

        def send(self, raw: bytes) -> None:
            self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
            self.wfile.flush()

        def log_message(self, *args: object) -> None:
            return

    with loopback(Handler) as root:
        server.url = f"{root}/v1"
        yield server
