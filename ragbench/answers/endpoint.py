"""A RAG service, queried over HTTP. The contract is in docs/reference/answers-http.md."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ragbench.answers.answering import STAGE, Question
from ragbench.core.answers import Answered
from ragbench.core.context import Progress, silent
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.io.answer_rows import ALIASES, answered, roles

if TYPE_CHECKING:
    import httpx

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_BYTES = 8 << 20
DONE = "[DONE]"
Keep = Callable[[Answered], None]


class _Refused(Exception):
    """Why one question has no answer."""


@dataclass(frozen=True)
class Endpoint:
    """The address of a service, and how to call it.

    Attributes:
        url: where to POST, ``http`` or ``https``; redirects are not followed.
        timeout: seconds for one answer, from sending to the last byte.
        concurrency: requests in flight at once.
        header_env: environment variable by header name, for keys.
    """

    url: str
    timeout: float = 60.0
    concurrency: int = 8
    header_env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise SettingError(
                f"address {self.url!r} of the service: it must be like https://host/path, without a password"
            )
        if self.concurrency < 1 or not self.timeout > 0:
            raise SettingError(
                f"concurrency is {self.concurrency} and timeout {self.timeout:g}; they must be 1 or more and above 0"
            )
        for header, variable in self.header_env.items():
            if not os.environ.get(variable):
                raise SettingError(
                    f"header {header!r} comes from the environment variable {variable}, which is not set"
                )


async def ask_service(
    endpoint: Endpoint,
    questions: Sequence[Question],
    *,
    known: Mapping[str, Answered],
    keep: Keep,
    progress: Progress = silent,
) -> tuple[tuple[Answered, ...], Ledger]:
    """Ask the service. Returns its answers in the order of the questions, and an issue log of the failures.

    Args:
        endpoint: the service.
        questions: the questions.
        known: earlier answers by query id; these questions are not asked.
        keep: called for each answer as soon as it arrives.
        progress: counts questions.

    Raises:
        ArmError: every question that was asked failed.
    """
    found = dict(known)
    waiting = iter([question for question in questions if question.id not in known])
    asked = len(questions) - sum(question.id in known for question in questions)
    async with _client(endpoint) as client:
        with progress("asking the service", asked) as advance:

            async def work() -> None:
                for question in waiting:
                    item = await _ask(client, endpoint, question)
                    found[question.id] = item
                    if not item.failure:
                        keep(item)
                    advance(1)

            async with asyncio.TaskGroup() as group:
                for _ in range(min(endpoint.concurrency, asked)):
                    group.create_task(work())
    items = tuple(found[question.id] for question in questions)
    failed = [item for item in items if item.failure]
    if len(failed) == len(items):
        raise ArmError(f"the service failed on every one of {len(items)} questions; the first: {failed[0].failure}")
    return items, Ledger(tuple(LedgerEntry(STAGE, item.query_id, item.failure, "no-answer") for item in failed))


async def _ask(client: "httpx.AsyncClient", endpoint: Endpoint, question: Question) -> Answered:
    import httpx

    began = time.perf_counter()
    try:
        async with asyncio.timeout(endpoint.timeout):
            body = {"query": question.text, "query_id": question.id}
            async with client.stream("POST", endpoint.url, json=body) as response:
                if response.status_code != 200:
                    raise _Refused(f"status {response.status_code} {response.reason_phrase}".rstrip())
                streamed = response.headers.get("content-type", "").startswith("text/event-stream")
                if streamed:
                    row, first = await _events(response, began)
                else:
                    row, first = _object(b"".join([part async for part in _bounded(response)])), None
        seconds = time.perf_counter() - began
        return _answered(question, row, seconds, first)
    except TimeoutError:
        reason = f"no answer within {endpoint.timeout:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"the request failed: {str(error) or type(error).__name__}"
    except (_Refused, InputError) as error:
        reason = str(error)
    return Answered(question.id, question.text, "", failure=reason, metadata=question.metadata)


def _answered(question: Question, row: Mapping[str, object], seconds: float, first: float | None) -> Answered:
    where = "the service's answer"
    said: dict[str, object] = {} if set(ALIASES["answer"]) & row.keys() else {"answer": ""}
    ours = {"query": question.text, "query_id": question.id, "seconds": seconds, "first_token_seconds": first}
    told = {**said, **row, **ours}
    named = {"id": "query_id", **{key: key for key in ("query", "seconds", "first_token_seconds")}}
    item = answered(where, 1, told, roles(told, named, where), {})
    if not (item.answer or item.abstained or item.failure):
        raise _Refused("the service's answer is empty, and does not say that it abstained")
    fields: dict[str, Any] = {name: getattr(item, name) for name in Answered.__dataclass_fields__}
    return Answered(**{**fields, "metadata": {**question.metadata, **item.metadata}})


async def _events(response: "httpx.Response", began: float) -> tuple[dict[str, object], float | None]:
    """Server-sent events: pieces ``{"delta": text}``, and objects whose keys are those of an answer."""
    row: dict[str, object] = {}
    pieces: list[str] = []
    first: float | None = None
    size = 0
    async for line in response.aiter_lines():
        size += len(line)
        if size > MOST_BYTES:
            raise _Refused(f"the answer is longer than {MOST_BYTES:,} bytes")
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == DONE:
            break
        if not data:
            continue
        event = _object(data.encode())
        delta = event.pop("delta", None)
        if isinstance(delta, str) and delta:
            first = time.perf_counter() - began if first is None else first
            pieces.append(delta)
        row.update(event)
    if pieces:
        row.setdefault("answer", "".join(pieces))
    return row, first


async def _bounded(response: "httpx.Response") -> AsyncIterator[bytes]:
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise _Refused(f"the answer is longer than {MOST_BYTES:,} bytes")
        yield part


def _object(raw: bytes) -> dict[str, object]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _Refused(f"the service's answer is no JSON object: {raw[:80]!r}")
    return found


def _client(endpoint: Endpoint) -> "httpx.AsyncClient":
    import httpx

    headers = {name: os.environ[variable] for name, variable in endpoint.header_env.items()}
    headers |= {"accept": "application/json, text/event-stream", "user-agent": "ragbench"}
    limits = httpx.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency)
    # A proxy named in the environment cannot reach services on this machine.
    local = urlsplit(endpoint.url).hostname in LOOPBACK
    # Each question has its own limit for the whole answer, however slowly it comes.
    return httpx.AsyncClient(headers=headers, timeout=None, limits=limits, trust_env=not local)  # noqa: S113 - see above
