"""A loopback server that speaks the wire format of Bedrock's Converse, for what langchain-aws sends."""

import json
import struct
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import loopback


@dataclass
class Bedrock:
    """``reply`` gets the whole body and gives the tool's input (an object), a text, or (status, error code).

    Where a stream is asked for it may give a list: pieces of text, pauses in seconds, and None where it breaks off.
    """

    reply: Callable[[dict[str, Any]], dict[str, Any] | str | tuple[int, str] | list[str | float | None]]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    gone: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _answer(body: dict[str, Any], found: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(found, str):
        content, ended = [{"text": found}], "end_turn"
    else:
        name = body["toolConfig"]["tools"][0]["toolSpec"]["name"]
        content, ended = [{"toolUse": {"toolUseId": "t1", "name": name, "input": found}}], "tool_use"
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": ended,
        "usage": {"inputTokens": 40, "outputTokens": 10, "totalTokens": 50},
        "metrics": {"latencyMs": 1},
    }


def _event(kind: str, content: dict[str, Any]) -> bytes:
    """A message of ``application/vnd.amazon.eventstream``: prelude, headers, payload, each under its CRC-32."""
    names = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    heads = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in names.items()
    )
    payload = json.dumps(content).encode()
    prelude = struct.pack(">II", 16 + len(heads) + len(payload), len(heads))
    raw = prelude + struct.pack(">I", zlib.crc32(prelude)) + heads + payload
    return raw + struct.pack(">I", zlib.crc32(raw))


@contextmanager
def serving(bedrock: Bedrock) -> Iterator[Bedrock]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            _, model, operation = urllib.parse.unquote(self.path).strip("/").split("/")
            signed = self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256")
            with bedrock.lock:
                bedrock.asked.append({"model": model, "operation": operation, "signed": signed, **body})
                bedrock.at_once += 1
                bedrock.most_at_once = max(bedrock.most_at_once, bedrock.at_once)
            found = bedrock.reply(body)
            with bedrock.lock:
                bedrock.at_once -= 1
            if isinstance(found, list):
                self.stream(found)
                return
            if isinstance(found, tuple):
                status, code = found
                raw, headers = json.dumps({"message": f"told to fail: {code}"}).encode(), {"x-amzn-ErrorType": code}
            else:
                status, raw, headers = 200, json.dumps(_answer(body, found)).encode(), {}
            self.send_response(status)
            for key, value in {"content-type": "application/json", "content-length": str(len(raw)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(raw)

        def stream(self, steps: list[str | float | None]) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/vnd.amazon.eventstream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            began = time.monotonic()
            try:
                self.send(_event("messageStart", {"role": "assistant"}))
                for step in steps:
                    if step is None:
                        return
                    if isinstance(step, float):
                        time.sleep(step)
                    else:
                        told = {"delta": {"text": step}, "contentBlockIndex": 0}
                        self.send(_event("contentBlockDelta", told))
                self.send(_event("contentBlockStop", {"contentBlockIndex": 0}))
                self.send(_event("messageStop", {"stopReason": "end_turn"}))
                usage = {"inputTokens": 40, "outputTokens": 10, "totalTokens": 50}
                self.send(_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                bedrock.gone.append(time.monotonic() - began)

        def send(self, raw: bytes) -> None:
            self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

        def log_message(self, *args: object) -> None:
            return

    with loopback(Handler) as root:
        bedrock.url = root
        yield bedrock
