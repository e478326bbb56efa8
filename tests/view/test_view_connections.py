"""Connections that send no whole request do not stay."""

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from ragbench.view import connections, guard


def test_half_open_connections_are_closed(start: Any, tmp_path: Path) -> None:
    host, port = start(tmp_path).host.split(":")
    made = [socket.create_connection((host, int(port))) for _ in range(200)]
    for one in made[:100]:
        one.sendall(b"GET / HTTP/1.1\r\nHost: ")
    began = time.monotonic()
    for one in made:
        one.settimeout(connections.HEAD_SECONDS + 20)
        assert one.recv(100) == b""
        one.close()
    assert time.monotonic() - began >= connections.HEAD_SECONDS - 2


def test_a_body_that_stops_coming_ends_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.1)
    sent = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> Any:
        if sent:
            return sent.pop()
        await asyncio.Event().wait()

    async def main() -> list[str]:
        receiving = guard._in_time(receive)
        return [(await receiving())["type"] for _ in range(2)]

    assert asyncio.run(main()) == ["http.request", "http.disconnect"]


def test_a_whole_request_may_be_answered_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.01)
    waits = asyncio.Event()

    async def receive() -> Any:
        if not waits.is_set():
            waits.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def main() -> float:
        receiving = guard._in_time(receive)
        await receiving()
        began = time.monotonic()
        await receiving()
        return time.monotonic() - began

    assert asyncio.run(main()) > 0.1
