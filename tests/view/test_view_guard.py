"""Who gets in: tested against the real process, by raw requests where a client would not send them."""

import http.client
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

ASKED = {"corpus": 0, "retriever": 0, "question": "tent"}
PATHS = (
    "/assets/../../../../etc/passwd", "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/etc/passwd", "//etc/passwd",
    "/report/page?runs=../../etc", "/report/page?runs=first", "/report/page?runs=%00", "/data/queries?run=../first",
    "/report/page",
)  # fmt: skip
POSTS = ("/ask", "/upload?name=a.txt", "/uploads/clear", "/decisions")


@pytest.fixture(scope="module")
def viewer(start_for_module: Any, evaluated: Path) -> Any:
    return start_for_module(evaluated)


def raw(viewer: Any, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """A request exactly as written."""
    connection = http.client.HTTPConnection(viewer.host, timeout=20)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_without_the_token_nothing_is_served(viewer: Any) -> None:
    client = viewer.client(enter=False)
    for path in (
        "/",
        "/playground",
        "/report?runs=x",
        "/data/queries?run=x",
        "/assets/runs.js",
        "/nothing",
        "/?token=",
    ):
        assert client.get(path).status_code == 403, path
    assert client.get("/", params={"token": viewer.token[:-1]}).status_code == 403
    assert client.get("/", params={"token": viewer.token + "x"}).status_code == 403
    assert client.get("/playground", params={"token": viewer.token}).status_code == 403
    assert (
        client.get("/", headers={"Cookie": f"ragbench-view-{viewer.host.split(':')[1]}={viewer.token}"}).status_code
        == 403
    )
    for path in POSTS:
        assert client.post(path, json=ASKED).status_code == 403, path
    assert not client.cookies


def test_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(viewer: Any) -> None:
    reply = httpx.get(viewer.address)
    cookie = reply.headers["set-cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert "; Path=/" in cookie
    assert viewer.token not in cookie
    assert viewer.token not in reply.text
    assert len(viewer.token) >= 43  # 32 random bytes
    pair = cookie.split(";")[0]
    assert httpx.get(viewer.base, headers={"Cookie": pair}).status_code == 200
    assert httpx.get(viewer.base, headers={"Cookie": pair[:-1]}).status_code == 403
    # Whoever comes again keeps the session.
    assert "set-cookie" not in httpx.get(viewer.address, headers={"Cookie": pair}).headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}",
                                  "localhost:1", "127.0.0.1:{port}.evil.example", ""])  # fmt: skip
def test_another_host_is_refused_even_with_the_token(viewer: Any, host: str) -> None:
    """DNS rebinding: the browser sends the name that it believes to be talking to."""
    port = viewer.host.split(":")[1]
    status, content = raw(viewer, "GET", f"/?token={viewer.token}", {"Host": host.format(port=port)})
    assert status == 403
    assert b"href" not in content
    cookie = httpx.get(viewer.address).headers["set-cookie"].split(";")[0]
    assert raw(viewer, "GET", "/", {"Host": host.format(port=port), "Cookie": cookie})[0] == 403


def test_localhost_is_this_machine_too(viewer: Any) -> None:
    port = viewer.host.split(":")[1]
    assert raw(viewer, "GET", f"/?token={viewer.token}", {"Host": f"localhost:{port}"})[0] == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1", "https://{host}"])
def test_posts_of_other_pages_are_refused(viewer: Any, path: str, origin: str | None) -> None:
    cookie = httpx.get(viewer.address).headers["set-cookie"].split(";")[0]
    headers = {"Host": viewer.host, "Cookie": cookie, "Content-Type": "application/json", "Content-Length": "2"}
    if origin is not None:
        headers["Origin"] = origin.format(host=viewer.host)
    assert raw(viewer, "POST", path, headers, b"{}")[0] == 403


def test_other_methods_and_bodies_without_a_length_are_refused(viewer: Any) -> None:
    client = viewer.client()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.request(method, "/").status_code == 405

    def pieces() -> Any:
        yield b"{}"

    assert client.post("/ask", content=pieces()).status_code == 411
    assert client.post("/ask", content=b"x" * 70_000).status_code == 413
    assert client.post("/decisions", content=b"x" * 70_000).status_code == 413
    cookie = httpx.get(viewer.address).headers["set-cookie"].split(";")[0]
    heads = {"Host": viewer.host, "Cookie": cookie, "Origin": f"http://{viewer.host}"}
    # The server refuses such a length before the guard sees it.
    assert raw(viewer, "POST", "/ask", heads | {"Content-Length": "0" * 30 + "2"}, b"{}")[0] == 400


def test_no_page_of_another_site_may_read_frame_or_be_asked(viewer: Any) -> None:
    client = viewer.client()
    for path in ("/", "/playground", "/assets/view.css", "/data/uploads", "/nothing"):
        heads = client.get(path, headers={"Origin": "http://evil.example"}).headers
        assert not [name for name in heads if name.startswith("access-control")]
        policy = heads["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http:" not in policy
        assert "https:" not in policy
        assert "frame-ancestors 'none'" in policy
        assert heads["x-content-type-options"] == "nosniff"
        assert heads["referrer-policy"] == "no-referrer"
        assert heads["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_no_request_names_a_path(viewer: Any, path: str) -> None:
    cookie = httpx.get(viewer.address).headers["set-cookie"].split(";")[0]
    status, content = raw(viewer, "GET", path, {"Host": viewer.host, "Cookie": cookie})
    assert status in (404, 422)
    assert b"root:" not in content


def test_only_this_machine_is_listened_on(viewer: Any) -> None:
    port = int(viewer.host.split(":")[1])
    listening = subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout if _has_ss() else ""
    lines = [line.split()[3] for line in listening.splitlines() if f":{port} " in line]
    assert lines in ([f"127.0.0.1:{port}"], [])
    other = _other_address()
    if other is not None:
        with pytest.raises(OSError):  # noqa: PT011
            socket.create_connection((other, port), timeout=3).close()


def _has_ss() -> bool:
    return shutil.which("ss") is not None


def _other_address() -> str | None:
    """Another address of this machine than the loopback's, if it has one."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        return None
    others = sorted(str(address) for address in found if not str(address).startswith("127."))
    return others[0] if others else None


def test_browser_is_started_with_an_address_that_works_once(ragbench: Any, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "browser").write_text(
        '#!/bin/sh\nprintf %s "$1" > "$0.part" && mv "$0.part" "$0.url"\n', encoding="utf-8"
    )
    (tmp_path / "browser").chmod(0o755)
    command = type(ragbench)(cache)
    command.environment["BROWSER"] = f"{tmp_path / 'browser'} %s"
    process = command.start("view", tmp_path)
    try:
        printed = process.stdout.readline().strip()
        told = tmp_path / "browser.url"
        for _ in range(100):
            if told.exists():
                break
            time.sleep(0.1)
        opened = told.read_text("utf-8")
        assert opened.partition("=")[0] == printed.partition("=")[0]
        assert opened != printed
        assert [httpx.get(opened).status_code for _ in range(2)] == [200, 403]
        assert [httpx.get(printed).status_code for _ in range(2)] == [200, 200]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_missing_library_is_named_with_its_command(tmp_path: Path) -> None:
    without = "import sys; sys.modules['fastapi'] = None; from ragbench.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", without, "view", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: ragbench view needs an optional library: pip install 'ragbench[view]'\n"
