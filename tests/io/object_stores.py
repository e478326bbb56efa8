"""An S3 server of this machine (moto), with a proxy in front of it that breaks what it is told to break."""

import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BUCKET = "team"
HOP = {"connection", "transfer-encoding"}
"""Headers of one connection, which a proxy does not pass on."""
Break = Callable[[str, str], str]
"""Gets the method and the path of a request, and names a fault of `ANSWERS`, ``cut`` or ``lost``; empty for none."""
ANSWERS = {
    "slow": (503, "SlowDown", "Please reduce your request rate."),
    "denied": (403, "AccessDenied", "Access Denied"),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
    "unknown": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
}


@dataclass
class Store:
    """The store, as tests use it.

    Attributes:
        url: the endpoint, which is the proxy.
        client: a client of boto3 that goes around the proxy.
        breaks: decides which requests fail.
        asked: method and path of every request.
    """

    url: str
    client: Any
    breaks: Break = lambda method, path: ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the environment for a process that uses the store."""
        return {
            "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def put(self, key: str, content: bytes | str | Path) -> str:
        """Write an object, and return its URL."""
        body = content.read_bytes() if isinstance(content, Path) else content
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def keys(self, prefix: str = "") -> list[str]:
        """The keys of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", []) if not one["Key"].endswith("/")]

    def times(self, method: str, part: str) -> int:
        """How many requests had the method, and that part in their path."""
        return sum(method == one and part in path for one, path in self.asked)


@contextmanager
def served(port: int) -> Iterator[Store]:
    """A proxy in front of the S3 server at the port."""
    import boto3

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.body()
            store.asked.append((self.command, self.path))
            fault = store.breaks(self.command, self.path)
            if fault in ANSWERS:
                code, name, text = ANSWERS[fault]
                said = f"<?xml version='1.0'?><Error><Code>{name}</Code><Message>{text}</Message></Error>".encode()
                self.answer(code, {"content-type": "application/xml"}, said)
                return
            if fault == "lost":
                self.close_connection = True
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{self.path}", body or None, headers, method=self.command
            )
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
                    code, found, content = reply.status, dict(reply.headers), reply.read()
            except urllib.error.HTTPError as error:
                code, found, content = error.code, dict(error.headers), error.read()
            self.answer(code, found, content, cut=fault == "cut")

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

        def body(self) -> bytes:
            if "chunked" not in self.headers.get("transfer-encoding", ""):
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            pieces = []
            while length := int(self.rfile.readline().partition(b";")[0], 16):
                pieces.append(self.rfile.read(length))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)

        def answer(self, code: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
            self.send_response(code)
            known = {"connection", "transfer-encoding", "date", "server"}
            if self.command != "HEAD":
                known |= {"content-length"}
            for name, value in headers.items():
                if name.lower() not in known:
                    self.send_header(name, value)
            if self.command == "HEAD":
                self.end_headers()
                return
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    store = Store(f"http://127.0.0.1:{http.server_port}", client)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield store
    finally:
        http.shutdown()
        http.server_close()
        everything = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        for one in everything:
            client.delete_object(Bucket=BUCKET, Key=one["Key"])
        client.delete_bucket(Bucket=BUCKET)


@contextmanager
def moto() -> Iterator[int]:
    """The port of an S3 server of this machine."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


@pytest.fixture(scope="module")
def moto_port() -> Iterator[int]:
    """The port of an S3 server, for the tests of one module."""
    with moto() as port:
        yield port


@pytest.fixture
def store(moto_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty bucket, whose keys and endpoint are in the environment, and an empty cache."""
    with served(moto_port) as found:
        for name in [one for one in os.environ if one.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {**found.environment, "RAGBENCH_CACHE": str(tmp_path / "cache")}.items():
            monkeypatch.setenv(name, value)
        yield found


def json_of(content: bytes) -> Any:
    """What an object of JSON holds."""
    return json.loads(content)
