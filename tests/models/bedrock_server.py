"""A loopback server that speaks the wire format of Bedrock's Converse, for what langchain-aws sends."""

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Bedrock:
    """``reply`` gets the whole body and gives the tool's input (an object), a text, or (status, error code)."""

    reply: Callable[[dict[str, Any]], dict[str, Any] | str | tuple[int, str]]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
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

        def log_message(self, *args: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    bedrock.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield bedrock
    finally:
        http.shutdown()
        http.server_close()
