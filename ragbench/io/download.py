"""Fetch one file over HTTP: stream it, resume it after an interruption, and check it before use.

While a file is on its way it is called ``NAME.part``, with ``NAME.part.json``
beside it, which says what the server called that version of the file. Bytes are
only ever added to a ``.part`` of the same version (RFC 9110, ``If-Range``).
"""

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.core.errors import InputError
from ragbench.io.files import write_text
from ragbench.io.parsing import NOT_JSON

if TYPE_CHECKING:
    import httpx

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

ATTEMPTS = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
TIMEOUT_S = 30.0
SLACK_BYTES = 1 << 20
WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Remote:
    """A file on a server, with known properties.

    Attributes:
        url: http or https address.
        bytes: size in bytes; exact if no checksum is known, else approximate.
        md5, sha256: published checksums in hexadecimal digits, or None.
    """

    url: str
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def checked(self) -> bool:
        """Whether a checksum is known."""
        return bool(self.md5 or self.sha256)


class _TryAgain(Exception):
    """The attempt failed in a way that may pass; ``wait`` is what the server asked for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def download(
    remote: Remote,
    target: Path,
    *,
    progress: Progress | None = None,
    attempts: int = ATTEMPTS,
    first_wait: float = FIRST_WAIT_S,
) -> str:
    """Fetch a file to ``target`` and return the SHA-256 of its bytes.

    It continues from ``target.part`` if an earlier call left one. After a failed attempt, it waits twice as long as
    before, with jitter, or as long as the server asks.

    Args:
        remote: the file to fetch.
        target: path of the complete and checked file, which appears atomically.
        progress: progress in bytes.
        attempts: number of attempts.
        first_wait: seconds to wait after the first failure.

    Raises:
        InputError: no such file on the server, it stays unreachable, the disk
            is full, or the bytes are wrong (they are deleted, and both
            checksums named).
    """
    if not remote.url.startswith(("https://", "http://")):
        raise InputError(f"{remote.url}: only http and https addresses can be fetched")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    _check_space(remote, part)
    resumed = _complete(remote, part, progress, attempts, first_wait)
    fault, sha256 = _fault(remote, part)
    if fault and resumed:
        # The piece of the earlier attempt may be the wrong one: once more from the start.
        _forget(part)
        _complete(remote, part, progress, attempts, first_wait)
        fault, sha256 = _fault(remote, part)
    if fault:
        _forget(part)
        raise InputError(f"{remote.url}: wrong bytes: {fault}. They were deleted; try again, or ask the publisher")
    part.replace(target)
    _forget(part)
    return sha256


def _check_space(remote: Remote, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if remote.bytes is not None and remote.bytes - have > free:
        raise InputError(f"{remote.url}: {remote.bytes:,} bytes are needed in {part.parent}, {free:,} are free")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _complete(remote: Remote, part: Path, progress: Progress | None, attempts: int, first_wait: float) -> bool:
    """Bring ``part`` to its full length; returns whether it was put together from more than one answer."""
    import httpx

    timeout = httpx.Timeout(TIMEOUT_S)
    resumed = False
    with httpx.Client(follow_redirects=True, timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
        for attempt in range(1, attempts + 1):
            try:
                return _attempt(client, remote, part, progress) or resumed
            except (_TryAgain, httpx.TransportError) as error:
                if attempt == attempts:
                    kept = f"; {part.stat().st_size:,} bytes are kept for the next time" if part.exists() else ""
                    raise InputError(
                        f"{remote.url}: not fetched after {attempts} attempts "
                        f"({str(error) or type(error).__name__}){kept}"
                    ) from error
                asked = error.wait if isinstance(error, _TryAgain) else None
                wait = first_wait * 2 ** (attempt - 1) * random.SystemRandom().uniform(0.75, 1.25)
                time.sleep(min(asked if asked is not None else wait, LONGEST_WAIT_S))
                resumed = resumed or part.exists()
            except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
                raise InputError(f"{remote.url}: {error}") from error
    raise InputError(f"{remote.url}: attempts must be 1 or more, not {attempts}")


def _attempt(client: "httpx.Client", remote: Remote, part: Path, progress: Progress | None) -> bool:
    """One request; returns whether its bytes were added to earlier ones."""
    have, validator = _resumable(remote, part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and validator:
        headers["If-Range"] = validator
    with client.stream("GET", remote.url, headers=headers) as answer:
        if answer.status_code == 416 and have:
            if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                return True
            _forget(part)
            raise _TryAgain("the server has no more bytes than that; starting over")
        if answer.status_code in WORTH_ANOTHER_TRY:
            raise _TryAgain(f"HTTP {answer.status_code}", _seconds(answer.headers.get("Retry-After")))
        if answer.status_code not in (200, 206):
            raise InputError(f"{remote.url}: HTTP {answer.status_code} {answer.reason_phrase}")
        start = have if answer.status_code == 206 else 0
        if answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            _forget(part)
            raise _TryAgain("the server sent another part than was asked for")
        _write_note(part, answer)
        total = _total(answer, start)
        _receive(answer, remote, part, start, total, progress)
    return start > 0


def _resumable(remote: Remote, part: Path) -> tuple[int, str | None]:
    """How many bytes to go on from, and the validator that guards them."""
    if not part.exists():
        return 0, None
    note: dict[str, object] = {}
    if _note(part).exists():
        try:
            note = dict(json.loads(_note(part).read_text("utf-8")))
        except (*NOT_JSON, TypeError):
            note = {}
    validator = note.get("validator")
    same = note.get("url") == remote.url
    # Without a validator only a checksum can tell whether two pieces belong to one file.
    if same and (validator or remote.checked):
        return part.stat().st_size, str(validator) if validator else None
    return 0, None


def _write_note(part: Path, answer: "httpx.Response") -> None:
    etag = answer.headers.get("ETag", "")
    strong = etag if etag and not etag.startswith("W/") else None
    note = {"url": str(answer.history[0].url if answer.history else answer.url)}
    validator = strong or answer.headers.get("Last-Modified")
    write_text(_note(part), json.dumps({**note, "validator": validator}))


def _total(answer: "httpx.Response", start: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if _is_number(length) else None


def _seconds(written: str | None) -> float | None:
    return float(written) if written and _is_number(written) else None


def _is_number(written: str) -> bool:
    """Whether it is a whole number of at most 18 digits, none of them a superscript."""
    return written.isascii() and written.isdigit() and len(written) <= 18


def _receive(
    answer: "httpx.Response", remote: Remote, part: Path, start: int, total: int | None, progress: Progress | None
) -> None:
    """Append what the server sends.

    Raises:
        _TryAgain: it sent less than it said.
        InputError: it sends more than the file may have.
    """
    limit = None
    if remote.bytes is not None:
        limit = 2 * remote.bytes + SLACK_BYTES if remote.checked else remote.bytes
    shown = total or remote.bytes or 0
    name = remote.url.rsplit("/", 1)[-1]
    size = start
    with part.open("r+b" if start else "wb") as handle, _shown(progress, name, shown) as advance:
        handle.seek(start)
        handle.truncate()
        advance(start)
        # In the pieces they arrive in: with a fixed size the last piece of a broken answer would be lost.
        for block in answer.iter_raw():
            handle.write(block)
            size += len(block)
            advance(len(block))
            if limit is not None and size > limit:
                handle.close()
                _forget(part)
                raise InputError(
                    f"{remote.url}: wrong bytes: more than the {remote.bytes:,} there should be. They were deleted"
                )
    if total is not None and size < total:
        raise _TryAgain(f"{size:,} of {total:,} bytes came")


def _shown(progress: Progress | None, name: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    if progress is not None:
        return progress(f"fetching {name} (bytes)", total)
    from contextlib import nullcontext

    return nullcontext(lambda done: None)


def _fault(remote: Remote, path: Path) -> tuple[str, str]:
    """What is wrong with the bytes ("" if nothing), and their SHA-256."""
    digests = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    size = 0
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            size += len(block)
            for digest in digests.values():
                digest.update(block)
    found = {name: digest.hexdigest() for name, digest in digests.items()}
    for name, wanted in (("sha256", remote.sha256), ("md5", remote.md5)):
        if wanted and found[name] != wanted.lower():
            return f"{name} {found[name]}, published {wanted}", found["sha256"]
    if not remote.checked and remote.bytes is not None and size != remote.bytes:
        return f"{size:,} bytes, there should be {remote.bytes:,}", found["sha256"]
    return "", found["sha256"]
