"""A loopback server that speaks OpenAI's files and batches, and goes wrong on command.

A batch is worked on when it is looked at: validating, in_progress, then its end. ``reply`` makes the text
of an answer from the body of its line; ``line`` says what becomes of a line, by its body and by how often that
body came before; ``ending`` says how the n-th batch ends; ``fault`` breaks the n-th exchange of a kind.
"""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from llm_server import digest

Body = dict[str, Any]


@dataclass
class BatchServer:
    """Settings, and what was seen. ``paid`` counts answers by the body they are for."""

    reply: Callable[[Body], str]
    line: Callable[[Body, int], str] = lambda body, times: "well"
    ending: Callable[[int], str] = lambda number: "completed"
    fault: Callable[[str, int], str] = lambda kind, times: ""
    looks: int = 2
    pause: float = 0.0
    url: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    batches: dict[str, Body] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    exchanges: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def upload(self, raw: bytes, kind: str) -> Body:
        """A multipart form with a file and its purpose."""
        form = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + raw)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        assert parts["purpose"].get_payload(decode=True).decode().strip() == "batch"
        return self.keep(parts["file"].get_filename(), parts["file"].get_payload(decode=True))

    def keep(self, name: str, content: bytes) -> Body:
        id_ = f"file-{len(self.files) + 1}"
        self.files[id_] = (name, content)
        return self.told(id_)

    def told(self, id_: str) -> Body:
        name, content = self.files[id_]
        return {"id": id_, "object": "file", "bytes": len(content), "created_at": 0, "filename": name,
                "purpose": "batch", "status": "processed"}  # fmt: skip

    def create(self, body: Body) -> Body:
        assert body["endpoint"] == "/v1/chat/completions"
        assert body["completion_window"] == "24h"
        id_ = f"batch_{len(self.batches) + 1}"
        self.batches[id_] = {
            "id": id_, "object": "batch", "endpoint": body["endpoint"], "input_file_id": body["input_file_id"],
            "completion_window": "24h", "status": "validating", "created_at": 0, "metadata": body.get("metadata"),
            "output_file_id": None, "error_file_id": None, "errors": None, "looks": 0,
        }  # fmt: skip
        return self.batches[id_]

    def look(self, id_: str) -> Body:
        batch = self.batches[id_]
        batch["looks"] += 1
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            if batch["looks"] >= self.looks:
                self.end(batch)
        return batch

    def end(self, batch: Body) -> None:
        number = len([b for b in self.batches.values() if b["status"] not in ("validating", "in_progress")]) + 1
        ending = self.ending(number)
        batch["status"] = ending
        if ending == "failed":
            error = {"code": "token_limit_exceeded", "message": "told to fail", "line": None, "param": None}
            batch["errors"] = {"object": "list", "data": [error]}
            return
        rows = [json.loads(line) for line in self.files[batch["input_file_id"]][1].splitlines()]
        assert len({row["custom_id"] for row in rows}) == len(rows)
        outputs, errors = [], []
        for row in rows[: len(rows) // 2] if ending == "expired" else rows:
            (outputs if self.work(row, result := {"id": "r", "custom_id": row["custom_id"]}) else errors).append(result)
        for row in rows[len(rows) // 2 :] if ending == "expired" else []:
            error = {"code": "batch_expired", "message": "This request could not be executed in time."}
            errors.append({"id": "r", "custom_id": row["custom_id"], "response": None, "error": error})
        random.Random(7).shuffle(outputs)
        for key, found in (("output_file_id", outputs), ("error_file_id", errors)):
            if found:
                # The last line end is missing, as in files that were joined by hand.
                batch[key] = self.keep(key, "\n".join(map(json.dumps, found)).encode())["id"]
        batch["request_counts"] = {"total": len(rows), "completed": len(outputs), "failed": len(errors)}

    def work(self, row: Body, result: Body) -> bool:
        body = row["body"]
        key = digest(body)
        fate = self.line(body, self.asked[key])
        self.asked[key] += 1
        if fate.isdigit():
            error = {"message": f"told to fail ({fate})", "code": None}
            result |= {"response": {"status_code": int(fate), "body": {"error": error}}, "error": None}
            return False
        result |= {"response": {"status_code": 200, "body": self.completion(body, fate)}, "error": None}
        self.paid[key] += 1
        return True

    def completion(self, body: Body, fate: str) -> Body:
        content = "I am afraid that I cannot." if fate == "no-json" else self.reply(body)
        said = sum(len(message["content"]) for message in body["messages"]) // 4 + 8
        wrote = max(1, len(content) // 4)
        usage = {"prompt_tokens": said, "completion_tokens": wrote, "total_tokens": said + wrote}
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice],
                "usage": usage}  # fmt: skip

    def complete(self, body: Body) -> Body:
        """The same model asked one by one: what a batch answers in the end."""
        self.exchanges["chat"] += 1
        fate = self.line(body, 9)
        return self.completion(body, fate)

    def answer(self, method: str, path: str, raw: bytes, kind: str) -> Body | bytes:
        """The reply to one exchange."""
        if path == "/chat/completions":
            return self.complete(json.loads(raw))
        found = re.fullmatch(r"/(files|batches)(?:/(\w[\w-]*))?(/content)?", path)
        assert found, path
        what, id_, content = found.groups()
        if what == "files":
            if method == "POST":
                return self.upload(raw, kind)
            return self.files[id_][1] if content else self.listed([self.told(id_) for id_ in self.files])
        if method == "POST":
            return self.create(json.loads(raw))
        return self.look(id_) if id_ else self.listed(list(self.batches.values()))

    @staticmethod
    def listed(rows: list[Body]) -> Body:
        return {"object": "list", "data": rows[::-1], "has_more": False}


def _kind(method: str, path: str) -> str:
    if path == "/chat/completions":
        return "chat completions"
    what = "content" if path.endswith("/content") else path.split("/")[1]
    return f"{method} {what}" + (" one" if path.count("/") == 2 else "")


@contextmanager
def serving_batches(server: BatchServer) -> Iterator[BatchServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", "0")))
            path = self.path.split("?")[0].removeprefix("/v1")
            kind = _kind(self.command, path)
            with server.lock:
                fault = server.fault(kind, server.exchanges[kind])
                server.exchanges[kind] += 1
                if fault not in ("500", "drop"):
                    found = server.answer(self.command, path, raw, self.headers.get("content-type", ""))
            time.sleep(server.pause)
            if fault in ("drop", "drop-after"):
                self.close_connection = True
                self.connection.close()
                return
            if fault in ("500", "500-after", "400"):
                found = {"error": {"message": f"told to fail ({fault})"}}
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(int(fault[:3]) if fault[:3].isdigit() else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
            if fault == "cut":
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that was killed is no news."""

    http = Quiet(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
