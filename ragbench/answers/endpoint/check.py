"""Ask a service one question, and see what was sent and how the reply is read."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.ask import answered_of, client_of
from ragbench.answers.endpoint.reply import ROLE_OF, ReplyReader, Unusable, check_answer
from ragbench.answers.endpoint.request import NotSent, Sent, request_of
from ragbench.answers.endpoint.settings import ROLES, VARIABLE, VARIANT, Endpoint
from ragbench.core.answers import Answered
from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.foreign import excerpt
from ragbench.core.json_paths import paths_in, plain_path
from ragbench.core.web import without_secrets

if TYPE_CHECKING:
    import httpx

KEPT_OBJECTS = 50
KEPT_BYTES = 2_000
MOST_PATHS = 30
OPTIONAL = frozenset({"abstained", "failure", "cited"})
"""What a reply may lack although its description names it."""
State = Literal["read", "missing", "absent"]
"""``absent``: the description names no place for it, or the reply may lack it."""
Outcome = Literal["ok", "wrong", "failed"]


@dataclass(frozen=True)
class Part:
    """One thing that a reply can say.

    Attributes:
        role: what it is, such as ``answer``.
        path: where it is, or empty.
        state: whether it was read.
        value: its value, or None.
    """

    role: str
    path: str
    state: State
    value: object = None


@brief
@dataclass(frozen=True)
class Came:
    """The reply.

    Attributes:
        status: HTTP status with its words.
        content_type: as the service sent it.
        format: how it was read: ``json``, ``text``, ``sse`` or ``jsonl``.
        size: bytes.
        objects: number of JSON objects.
        pieces: number of pieces of a streamed answer.
        begun: seconds from sending to the headers.
        first: seconds to the first piece of a stream, or None.
        seconds: seconds to the last byte.
        beginning: its first characters.
        paths: the places that it has, with an example of each.
    """

    status: str
    content_type: str
    format: str
    size: int
    objects: int
    pieces: int
    begun: float
    first: float | None
    seconds: float
    beginning: str
    paths: Sequence[tuple[str, object]]


@brief
@dataclass(frozen=True)
class EndpointCheck:
    """What a check of a service found.

    Attributes:
        endpoint: the service.
        sent: the request; its headers show no keys.
        came: the reply; None if nothing was sent, or nothing came.
        parts: what was read, and what is missing.
        answered: the answer, or None.
        outcome: ``ok``, ``wrong`` (the reply cannot be read as described) or ``failed`` (the service did not answer).
        problem: why it is not ok, or empty.
    """

    endpoint: Endpoint
    sent: Sent
    came: Came | None
    parts: tuple[Part, ...]
    answered: Answered | None
    outcome: Outcome
    problem: str = ""


async def check_endpoint(endpoint: Endpoint, question: Question, *, send: bool = True) -> EndpointCheck:
    """Ask one question.

    Args:
        endpoint: the service.
        question: the question; its metadata are values of placeholders.
        send: False only shows the request.

    Raises:
        InputError: a placeholder has no value.
    """
    try:
        sent = request_of(endpoint, question)
    except NotSent as error:
        raise InputError(f"{endpoint.where or endpoint.shown_url}: {error}") from error
    shown = sent._replace(headers=_without_keys(endpoint, sent))
    if not send:
        return EndpointCheck(endpoint, shown, None, (), None, "ok")
    found = await _ask(endpoint, question, sent)
    problem = without_secrets(found.problem, endpoint.secrets)
    return EndpointCheck(endpoint, shown, found.came, found.parts, found.answered, found.outcome, problem)


@dataclass(frozen=True)
class _Found:
    came: Came | None
    parts: tuple[Part, ...]
    answered: Answered | None
    outcome: Outcome
    problem: str


async def _ask(endpoint: Endpoint, question: Question, sent: Sent) -> _Found:
    import httpx

    try:
        async with client_of(endpoint) as client, asyncio.timeout(endpoint.timeout):
            began = time.perf_counter()
            headers, content = sent.headers, sent.content
            async with client.stream(sent.method, sent.url, content=content, headers=headers) as response:
                return await _read(endpoint, question, response, began)
    except TimeoutError:
        problem = f"no answer within {endpoint.timeout:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = f"the request failed: {str(error) or type(error).__name__}"
    return _Found(None, (), None, "failed", problem)


async def _read(endpoint: Endpoint, question: Question, response: "httpx.Response", began: float) -> _Found:
    begun = time.perf_counter() - began
    reader = ReplyReader(endpoint.reply, response.headers, keep=KEPT_OBJECTS)
    good = 200 <= response.status_code < 300
    raw, first, problem = b"", None, ""
    row: dict[str, object] = {}
    try:
        async for part in response.aiter_bytes():
            raw += part[: KEPT_BYTES - len(raw)]
            if not good and len(raw) >= KEPT_BYTES:
                break
            if good:
                reader.feed(part)
            if first is None and reader.streams and reader.spoke:
                first = time.perf_counter() - began
            if reader.done:
                break
        row = reader.close() if good else {}
    except Unusable as error:
        problem = str(error)
    seconds = time.perf_counter() - began
    beginning = without_secrets(raw.decode("utf-8", "replace"), endpoint.secrets)
    came = Came(
        status=f"{response.status_code} {response.reason_phrase}".rstrip(),
        content_type=response.headers.get("content-type", ""),
        format=reader.format,
        size=reader.size if good else len(raw),
        objects=reader.objects,
        pieces=reader.pieces,
        begun=begun,
        first=first,
        seconds=seconds,
        beginning=beginning,
        paths=_paths(reader),
    )
    if not good:
        more = "; redirects are not followed: name the address where the service is" if response.is_redirect else ""
        return _Found(came, (), None, "failed", f"status {came.status}{more}")
    parts = _parts(endpoint, reader, row)
    answered = None
    if not problem:
        try:
            check_answer(row, endpoint.reply)
            answered = answered_of(question, row, seconds, first)
        except (Unusable, InputError) as error:
            problem = str(error)
    missing = [f"{part.path} ({part.role})" for part in parts if part.state == "missing"]
    if not problem and missing:
        problem = f"it has nothing at {', '.join(missing)}"
    return _Found(came, parts, answered, "wrong" if problem else "ok", problem)


def _parts(endpoint: Endpoint, reader: ReplyReader, row: Mapping[str, object]) -> tuple[Part, ...]:
    reply = endpoint.reply
    found = []
    for role in ROLES:
        path = reply.paths.get(role, "")
        if path:
            there = plain_path(path) in reader.found
            state: State = "read" if there else "absent" if role in OPTIONAL else "missing"
            if role == "answer" and not there and reader.pieces:
                path, state = f"{reply.piece or 'the text of events'}, joined", "read"
            found.append(Part(role, path, state, row.get(role)))
            continue
        name = next((key for key in row if ROLE_OF.get(key, key if key == VARIANT else "") == role), "")
        if name and role == "answer" and reader.pieces:
            whole = "the whole text" if reader.format == "text" else f"{reply.piece or 'the text of events'}, joined"
            found.append(Part(role, whole, "read", row[name]))
        else:
            found.append(Part(role, name, "read" if name else "absent", row.get(name)))
    for name, path in reply.metadata.items():
        there = plain_path(path) in reader.found
        found.append(Part(f"metadata.{name}", path, "read" if there else "absent", row.get(name)))
    return tuple(found)


def _paths(reader: ReplyReader) -> list[tuple[str, object]]:
    found: dict[str, object] = {}
    for one in reader.kept:
        for path, value in paths_in(one):
            if len(found) < MOST_PATHS:
                found.setdefault(path, value)
    return list(found.items())


def _without_keys(endpoint: Endpoint, sent: Sent) -> dict[str, str]:
    """The headers, with a mark in place of what came from the environment."""
    hidden = {name.lower(): f"*** (${{{variable}}})" for name, variable in endpoint.header_env.items()}
    filled = {name: text for name, text in endpoint.headers.items() if VARIABLE.search(text)}
    return {**sent.headers, **{name.lower(): VARIABLE.sub("***", text) for name, text in filled.items()}, **hidden}


def said(value: object, longest: int = 60) -> str:
    """A value in a table: text as it is, a list by its length and first item."""
    if isinstance(value, str):
        return excerpt(value, longest)
    if isinstance(value, list | tuple):
        more = f"{len(value)}: " if len(value) > 1 else ""
        return more + said(value[0], longest - len(more)) if value else "none"
    if isinstance(value, Mapping):
        return excerpt(", ".join(f"{key}: {one}" for key, one in value.items()), longest)
    return "-" if value is None else str(value)
