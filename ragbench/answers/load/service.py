"""Send one request to a service and record its times."""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from ragbench.answers.answering import Question
from ragbench.answers.endpoint import DONE, MOST_BYTES, Endpoint
from ragbench.io.answer_rows import ALIASES, TRUE
from ragbench.io.lines import LF, Lines

if TYPE_CHECKING:
    import aiohttp


class Unusable(Exception):
    """A reply that is not an answer.

    Args:
        kind: a short word for this kind of reply.
        reason: a sentence.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Events:
    """A reader of server-sent events, in parts of any size."""

    def __init__(self) -> None:
        self._lines = Lines(LF)
        self._size = 0
        self.row: dict[str, object] = {}
        self.spoke = False
        """Whether a non-empty piece of the answer has arrived."""
        self.done = False
        """Whether the end was announced."""

    def feed(self, part: bytes) -> None:
        """Read the next bytes.

        Raises:
            Unusable: the reply is too long, or an event is not a JSON object.
        """
        self._size += len(part)
        check_size(self._size)
        for line in self._lines.feed(part):
            self._line(line)

    def close(self) -> dict[str, object]:
        """Return the keys of all events at the end of the stream."""
        self._line(self._lines.rest)
        return {**self.row, **({"answer": "said"} if self.spoke and not _first(self.row, "answer") else {})}

    def _line(self, line: bytes) -> None:
        if self.done or not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == DONE.encode():
            self.done = True
        elif data:
            event = read_object(data)
            delta = event.pop("delta", None)
            self.spoke = self.spoke or (isinstance(delta, str) and bool(delta))
            self.row.update(event)


def check_size(size: int) -> None:
    """Check the length of a reply in bytes.

    Raises:
        Unusable: it is too long.
    """
    if size > MOST_BYTES:
        raise Unusable("too long", f"the answer is longer than {MOST_BYTES:,} bytes")


def read_object(raw: bytes) -> dict[str, object]:
    """Read the JSON object of a reply.

    Raises:
        Unusable: it is not a JSON object.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unusable("no answer", f"the service's answer is no JSON object: {raw[:80]!r}")
    return found


def check_answer(row: Mapping[str, object]) -> None:
    """Check that a reply answers, or says that it abstains.

    Raises:
        Unusable: it does neither, or reports a failure.
    """
    failure = _first(row, "failure")
    if failure:
        raise Unusable("reported failure", f"the service reports: {failure!s:.200}")
    abstained = str(_first(row, "abstained") or "").strip().lower() in TRUE
    if not (abstained or str(_first(row, "answer") or "").strip()):
        raise Unusable("no answer", "the service's answer is empty, and does not say that it abstained")


def _first(row: Mapping[str, object], role: str) -> object:
    """The value of the first of the role's names that the object has."""
    return next((row[name] for name in ALIASES[role] if name in row), None)


DRAIN_SECONDS = 0.05
"""Seconds that the end of a stream may take after it was announced, so that its connection can be reused."""
STREAM = "text/event-stream"


class Reply(NamedTuple):
    """The result of a request. Times are those of the event loop's clock, in seconds.

    Attributes:
        first: when the first piece of a streamed answer arrived; None if nothing was streamed.
        ended: when the last byte arrived, or when it was clear that none would.
        failure: the kind of failure, or empty.
        reason: the reason of the failure, as a sentence.
    """

    first: float | None
    ended: float
    failure: str = ""
    reason: str = ""


@dataclass
class _Times:
    first: float | None = None
    ended: float | None = None


class Service:
    """Connections to a service, kept alive from request to request.

    Requests go to the address itself, without a proxy and without following
    redirects, so that the load cannot reach another host.

    Args:
        endpoint: the address; its ``concurrency`` limits the connections.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __aenter__(self) -> Self:
        import aiohttp

        headers = {name: os.environ[variable] for name, variable in self._endpoint.header_env.items()}
        headers |= {
            "content-type": "application/json",
            "accept": f"application/json, {STREAM}",
            "accept-encoding": "identity",
            "user-agent": "ragbench",
        }
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._endpoint.concurrency, ttl_dns_cache=600),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, question: Question, deadline: float) -> Reply:
        """Ask once, without retries.

        Args:
            question: the question.
            deadline: a time on the event loop's clock; a request that is not answered by then has failed.
        """
        import aiohttp

        clock = asyncio.get_running_loop().time
        times = _Times()
        try:
            async with asyncio.timeout_at(deadline):
                await self._ask(question, times)
            assert times.ended is not None
            return Reply(times.first, times.ended)
        except TimeoutError:
            failure, reason = "timeout", f"no answer within {self._endpoint.timeout:g} s"
        except aiohttp.ClientConnectorError as error:
            failure, reason = "not connected", f"no connection: {error.strerror or error}"
        except (aiohttp.ServerConnectionError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            failure, reason = "dropped", f"the connection broke: {error}"
        except (aiohttp.ClientError, ValueError) as error:
            failure, reason = "no HTTP", f"the reply cannot be read: {str(error) or type(error).__name__}"
        except Unusable as error:
            failure, reason = error.kind, str(error)
        return Reply(times.first, times.ended or clock(), failure, reason.splitlines()[0])

    async def _ask(self, question: Question, times: _Times) -> None:
        body = json.dumps({"query": question.text, "query_id": question.id}).encode()
        clock = asyncio.get_running_loop().time
        async with self._session.post(self._endpoint.url, data=body, allow_redirects=False) as response:
            if response.status != 200:
                reason = f"status {response.status} {response.reason or ''}".rstrip()
                raise Unusable(f"status {response.status}", reason)
            if response.headers.get("content-type", "").startswith(STREAM):
                row = await _streamed(response, times)
            else:
                raw = await _whole(response)
                times.ended = clock()
                row = read_object(raw)
        check_answer(row)


async def _whole(response: "aiohttp.ClientResponse") -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        check_size(size)
        parts.append(part)
    return b"".join(parts)


async def _streamed(response: "aiohttp.ClientResponse", times: _Times) -> dict[str, object]:
    clock = asyncio.get_running_loop().time
    events = Events()
    async for part in response.content.iter_any():
        came = clock()
        events.feed(part)
        if events.spoke and times.first is None:
            times.first = came
        if events.done:
            break
    times.ended = clock()
    row = events.close()
    if events.spoke and times.first is None:
        times.first = times.ended
    if not response.content.at_eof():
        await _drain(response)
    return row


async def _drain(response: "aiohttp.ClientResponse") -> None:
    """Read to the end, so that the connection can be reused. A stream that does not end is closed."""
    import aiohttp

    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError):
        response.close()
