import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.io.download import Remote, download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A real HTTP server on loopback; ``behave`` answers each request."""

    url: str = ""
    behave: Callable[["Request"], None] = lambda request: request.send(CONTENT)
    ranges: list[str | None] = field(default_factory=list)


class Request(BaseHTTPRequestHandler):
    server_state: Server

    def do_GET(self) -> None:
        self.server_state.ranges.append(self.headers.get("Range"))
        self.server_state.behave(self)

    def send(
        self, body: bytes, *, status: int = 200, stop_after: int | None = None, length: bool = True, **headers: str
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if stop_after is None else body[:stop_after])

    def send_range(self, *, stop_after: int | None = None, etag: str = '"v1"') -> None:
        """As a good server does it: the rest of the file if it is still the same, all of it otherwise."""
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        if asked is None or (condition is not None and condition != etag):
            return self.send(CONTENT, stop_after=stop_after, ETag=etag)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(CONTENT):
            return self.send(b"", status=416, Content_Range=f"bytes */{len(CONTENT)}")
        place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return self.send(CONTENT[start:], status=206, stop_after=stop_after, ETag=etag, Content_Range=place)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("Handler", (Request,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{listening.server_address[1]}/file.zip"
        yield state
        listening.shutdown()
        thread.join()


def fetch(remote: Remote, target: Path, attempts: int = 4) -> str:
    return download(remote, target, attempts=attempts, first_wait=0.01)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_arrives_and_nothing_else_stays(server: Server, tmp_path: Path) -> None:
    assert fetch(Remote(server.url, len(CONTENT), MD5), tmp_path / "f.zip") == SHA256
    assert (tmp_path / "f.zip").read_bytes() == CONTENT
    assert left(tmp_path) == ["f.zip"]


def test_a_broken_connection_is_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.behave = lambda request: request.send_range(stop_after=300_000)
    assert fetch(Remote(server.url, md5=MD5), tmp_path / "f.zip", attempts=6) == SHA256
    assert server.ranges == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_the_next_call_goes_on_from_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    server.behave = lambda request: request.send_range(stop_after=400_000)
    with pytest.raises(InputError, match=r"not fetched after 1 attempts .* 400,000 bytes are kept"):
        fetch(Remote(server.url), tmp_path / "f.zip", attempts=1)
    assert left(tmp_path) == ["f.zip.part", "f.zip.part.json"]
    server.behave = lambda request: request.send_range()
    assert fetch(Remote(server.url), tmp_path / "f.zip") == SHA256
    assert server.ranges == [None, "bytes=400000-"]
    assert left(tmp_path) == ["f.zip"]


def test_a_file_that_changed_meanwhile_is_fetched_whole(server: Server, tmp_path: Path) -> None:
    server.behave = lambda request: request.send(b"old" * 100_000, stop_after=100_000, ETag='"v0"')
    with pytest.raises(InputError):
        fetch(Remote(server.url), tmp_path / "f.zip", attempts=1)
    server.behave = lambda request: request.send_range()
    assert fetch(Remote(server.url), tmp_path / "f.zip") == SHA256


def test_a_server_that_ignores_range_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    pieces = iter([300_000, 600_000, None])
    server.behave = lambda request: request.send(CONTENT, stop_after=next(pieces), ETag='"v1"')
    assert fetch(Remote(server.url, md5=MD5), tmp_path / "f.zip") == SHA256
    assert server.ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_without_validator_and_checksum_nothing_is_stitched(server: Server, tmp_path: Path) -> None:
    pieces = iter([300_000, None])
    server.behave = lambda request: request.send(CONTENT, stop_after=next(pieces))
    assert fetch(Remote(server.url), tmp_path / "f.zip") == SHA256
    assert server.ranges == [None, None]


def test_a_stitched_file_that_is_wrong_is_fetched_once_more_from_the_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.zip.part").write_bytes(b"x" * 500_000)
    (tmp_path / "f.zip.part.json").write_text(f'{{"url": "{server.url}", "validator": null}}')
    server.behave = lambda request: request.send_range()
    assert fetch(Remote(server.url, md5=MD5), tmp_path / "f.zip") == SHA256
    assert server.ranges == ["bytes=500000-", None]


def test_a_part_that_is_complete_already_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.zip.part").write_bytes(CONTENT)
    (tmp_path / "f.zip.part.json").write_text(f'{{"url": "{server.url}", "validator": "\\"v1\\""}}')
    server.behave = lambda request: request.send_range()
    assert fetch(Remote(server.url, md5=MD5), tmp_path / "f.zip") == SHA256


@pytest.mark.parametrize("remote", [{"md5": MD5}, {"sha256": SHA256}, {"bytes": len(CONTENT)}])
def test_wrong_bytes_are_named_and_deleted(server: Server, tmp_path: Path, remote: dict) -> None:
    server.behave = lambda request: request.send(b"<html>not the file</html>")
    with pytest.raises(InputError, match=r"file\.zip: wrong bytes: .*(published|there should be)"):
        fetch(Remote(server.url, **remote), tmp_path / "f.zip")
    assert left(tmp_path) == []


def test_a_file_without_end_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.behave = lambda request: request.send(CONTENT * 8, length=False)
    with pytest.raises(InputError, match="wrong bytes: more than the 1,000 there should be"):
        fetch(Remote(server.url, 1000, md5=MD5), tmp_path / "f.zip")
    assert left(tmp_path) == []


def test_not_found_is_said_at_once_and_busy_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.behave = lambda request: request.send(b"", status=404)
    with pytest.raises(InputError, match=r"file\.zip: HTTP 404 Not Found"):
        fetch(Remote(server.url), tmp_path / "f.zip")
    assert len(server.ranges) == 1
    statuses = iter([503, 429, 200])
    server.behave = lambda request: request.send(CONTENT, status=next(statuses), Retry_After="0")
    assert fetch(Remote(server.url), tmp_path / "f.zip") == SHA256
    assert len(server.ranges) == 4


def test_no_server_and_no_such_scheme(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not fetched after 2 attempts"):
        fetch(Remote("http://127.0.0.1:9/file.zip"), tmp_path / "f.zip", attempts=2)
    with pytest.raises(InputError, match="only http and https"):
        fetch(Remote("file:///etc/hostname"), tmp_path / "f.zip")
    with pytest.raises(InputError, match="are free"):
        fetch(Remote("http://127.0.0.1:9/file.zip", bytes=1 << 60), tmp_path / "f.zip")


def collection_zip() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("tiny/queries.jsonl", '{"_id": "1", "text": "red tent"}\n')
        archive.writestr("tiny/corpus.jsonl", '{"_id": "d", "title": "", "text": "a red tent"}\n')
        archive.writestr("tiny/qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\td\t1\n")
    return raw.getvalue()


def test_a_killed_fetch_of_a_collection_goes_on(server: Server, tmp_path: Path) -> None:
    from tests.conftest import Ragbench

    content, calls = collection_zip(), []

    def behave(request: Request) -> None:
        calls.append(request.headers.get("Range"))
        start = int((calls[-1] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        place = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        stop = 200 if len(calls) == 1 else None
        request.send(content[start:], status=206 if start else 200, stop_after=stop, ETag='"v1"', **place)

    server.behave = behave
    urls = tmp_path / "own.yaml"
    urls.write_text(f"collections:\n- {{name: tiny, url: '{server.url}', licence: CC0}}\n")
    done = Ragbench(tmp_path / "cache")("data", "get", "tiny", "--url-list", urls, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert calls == [None, "bytes=200-"]
    assert left(tmp_path / "out") == ["tiny"]


def test_the_command_fetches_remembers_and_refuses_other_bytes(server: Server, tmp_path: Path) -> None:
    from ragbench.io.golden_files import read_golden
    from tests.conftest import Ragbench

    ragbench = Ragbench(tmp_path / "cache")
    content = collection_zip()
    server.behave = lambda request: request.send(content)
    urls = tmp_path / "own.yaml"
    urls.write_text(f"collections:\n- {{name: tiny, url: '{server.url}', licence: CC0}}\n")

    def get(*more: str) -> dict:
        done = ragbench("data", "get", "tiny", "--url-list", urls, "--json", *more)
        assert done.code == 0, done.err
        return done.json

    first = get()
    assert first["checked_by"] == "nothing"
    assert first["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(read_golden(first["path"])) == 1
    assert get()["from_cache"] is True
    assert len(server.ranges) == 1
    assert get("--again")["checked_by"] == "earlier fetch"
    elsewhere = get("--out", str(tmp_path / "here"))
    assert elsewhere["path"] == str(tmp_path / "here" / "tiny")
    listed = ragbench("data", "list", "--url-list", urls, "--json")
    rows = {row["name"]: row for row in listed.json["collections"]}
    assert rows["tiny"]["fetched"] is True
    assert rows["scifact"]["md5"] == "5f7d1de60b170fc8027bb7898e2efca1"

    content = content + b" "
    refused = ragbench("data", "get", "tiny", "--url-list", urls, "--again")
    assert refused.code == 2
    assert re.search(r"wrong bytes: sha256 .* but it was .* when it was first fetched", refused.err)
    assert len(read_golden(first["path"])) == 1, "what was there before stays"
    assert left(tmp_path / "cache" / "collections") == ["first_seen.json", "tiny"]
