"""Ask a RAG service many questions. The contract is in docs/reference/answers-http.md."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from ragbench.answers.answering import STAGE, Question
from ragbench.answers.endpoint.reply import ReplyReader, Unusable, check_answer
from ragbench.answers.endpoint.request import NotSent, Sent, request_of
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.core.answers import Answered
from ragbench.core.context import Progress, silent, unheard
from ragbench.core.errors import ArmError, InputError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.pace import Pace, most_at_once
from ragbench.core.web import is_local, retry_after, without_secrets
from ragbench.io.answer_rows import ALIASES, answered, roles

if TYPE_CHECKING:
    import httpx

Keep = Callable[[Answered], None]
BUSY = frozenset({429, 503})
"""Statuses by which a service refuses a request because it has too many. It did no work, so it is asked again."""
TRIES = 6
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds before a refused request is sent again, doubled each time, unless the service says how long to wait."""
GIVE_UP_AFTER = 3
"""If this many questions are given up before one is answered, each further one is sent once."""


class _Failed(Exception):
    """Why one request has no answer.

    Attributes:
        pushed_back: whether fewer requests at once may help.
        again: seconds after which the same request may be sent again; None if it must not.
    """

    def __init__(self, reason: str, *, pushed_back: bool = False, again: float | None = None) -> None:
        super().__init__(reason)
        self.pushed_back, self.again = pushed_back, again


async def ask_service(
    endpoint: Endpoint,
    questions: Sequence[Question],
    *,
    known: Mapping[str, Answered],
    keep: Keep,
    progress: Progress = silent,
    say: Callable[[str], None] = unheard,
) -> tuple[tuple[Answered, ...], Ledger]:
    """Ask the service. Returns its answers in the order of the questions, and an issue log of the failures.

    Args:
        endpoint: the service.
        questions: the questions.
        known: earlier answers by query id; these questions are not asked.
        keep: called for each answer as soon as it arrives.
        progress: counts questions.
        say: takes a line about how many requests were in flight, if their number adapts.

    Raises:
        ArmError: every question that was asked failed.
    """
    found = dict(known)
    asked = [question for question in questions if question.id not in known]
    waiting = iter(asked)
    async with client_of(endpoint) as client:
        caller = _Caller(client, endpoint)
        with progress("asking the service", len(asked)) as advance:

            async def work() -> None:
                for question in waiting:
                    item = await caller.ask(question)
                    found[question.id] = item
                    if not item.failure:
                        keep(item)
                    advance(1)

            async with asyncio.TaskGroup() as group:
                for _ in range(min(most_at_once(endpoint.concurrency), len(asked))):
                    group.create_task(work())
    if endpoint.concurrency == "auto" and asked:
        pace = caller.pace
        often = "once" if pace.pushes == 1 else f"{pace.pushes} times"
        pushed = f"; refusals and time-outs lowered the number {often}" if pace.pushes else ""
        say(f"up to {pace.peak} requests were in flight, {pace.limit} at the end{pushed}")
    items = tuple(found[question.id] for question in questions)
    failed = [item for item in items if item.failure]
    if len(failed) == len(items):
        raise ArmError(f"the service failed on every one of {len(items)} questions; the first: {failed[0].failure}")
    return items, Ledger(tuple(LedgerEntry(STAGE, item.query_id, item.failure, "no-answer") for item in failed))


class _Caller:
    """Sends questions, at most as many at once as the pace allows, and sends refused ones again."""

    def __init__(self, client: "httpx.AsyncClient", endpoint: Endpoint) -> None:
        self._client, self._endpoint, self._secrets = client, endpoint, endpoint.secrets
        self.pace = Pace(endpoint.concurrency)
        self._answered, self._given_up = 0, 0

    async def ask(self, question: Question) -> Answered:
        """The answer to a question, or why there is none."""
        try:
            return await self._tries(question)
        except (_Failed, NotSent) as error:
            reason = without_secrets(str(error), self._secrets)
        return Answered(question.id, question.text, "", failure=reason, metadata=question.metadata)

    async def _tries(self, question: Question) -> Answered:
        sent = request_of(self._endpoint, question)
        for attempt in range(TRIES):
            try:
                return await self._once(sent, question)
            except _Failed as error:
                down = not self._answered and self._given_up >= GIVE_UP_AFTER
                if error.again is None or attempt == TRIES - 1 or down:
                    self._given_up += error.again is not None
                    raise
                await asyncio.sleep(max(error.again, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))
        raise AssertionError("unreachable")

    async def _once(self, sent: Sent, question: Question) -> Answered:
        await self.pace.acquire()
        began = time.monotonic()
        try:
            item = await _call(self._client, self._endpoint, sent, question)
        except _Failed as error:
            if error.pushed_back:
                self.pace.pushed_back(began)
            else:
                self.pace.answered(began)
            raise
        finally:
            self.pace.release()
        self.pace.answered(began)
        self._answered += 1
        return item


async def _call(client: "httpx.AsyncClient", endpoint: Endpoint, sent: Sent, question: Question) -> Answered:
    """Send one request.

    Raises:
        _Failed: it has no answer.
    """
    import httpx

    began = time.perf_counter()
    try:
        async with (
            asyncio.timeout(endpoint.timeout),
            client.stream(sent.method, sent.url, content=sent.content, headers=sent.headers) as response,
        ):
            row, first = await _read(response, endpoint, began)
        return answered_of(question, row, time.perf_counter() - began, first)
    except TimeoutError:
        raise _Failed(f"no answer within {endpoint.timeout:g} s", pushed_back=True) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Failed(f"the request failed: {str(error) or type(error).__name__}") from error
    except (Unusable, InputError) as error:
        raise _Failed(str(error)) from error


async def _read(
    response: "httpx.Response", endpoint: Endpoint, began: float
) -> tuple[Mapping[str, object], float | None]:
    """What the reply says, and seconds to its first piece."""
    status = response.status_code
    if not 200 <= status < 300:
        again = retry_after(response.headers) if status in BUSY else None
        reason = f"status {status} {response.reason_phrase}".rstrip()
        raise _Failed(reason, pushed_back=status in BUSY, again=again)
    reader = ReplyReader(endpoint.reply, response.headers)
    first: float | None = None
    async for part in response.aiter_bytes():
        reader.feed(part)
        if first is None and reader.streams and reader.spoke:
            first = time.perf_counter() - began
        if reader.done:
            break
    row = reader.close()
    if first is None and reader.streams and reader.spoke:
        first = time.perf_counter() - began
    check_answer(row, endpoint.reply)
    return row, first


def answered_of(question: Question, row: Mapping[str, object], seconds: float, first: float | None) -> Answered:
    """The answer that a reply gives.

    Args:
        question: the question.
        row: what the reply says, by role and by name.
        seconds: to the last byte.
        first: seconds to the first piece of a stream, or None.

    Raises:
        InputError: a value cannot be used.
    """
    where = "the service's answer"
    said: dict[str, object] = {} if set(ALIASES["answer"]) & row.keys() else {"answer": ""}
    ours = {"query": question.text, "query_id": question.id, "seconds": seconds, "first_token_seconds": first}
    facts = {**said, **row, **ours}
    named = {"id": "query_id", **{key: key for key in ("query", "seconds", "first_token_seconds")}}
    item = answered(where, 1, facts, roles(facts, named, where), {})
    fields: dict[str, Any] = {name: getattr(item, name) for name in Answered.__dataclass_fields__}
    return Answered(**{**fields, "metadata": {**question.metadata, **item.metadata}})


def client_of(endpoint: Endpoint) -> "httpx.AsyncClient":
    """Connections to the service. Redirects are not followed, and no cookie goes from one user to the next."""
    import httpx

    most = most_at_once(endpoint.concurrency)
    return httpx.AsyncClient(
        # Each question has its own limit for the whole answer, however slowly it comes.
        timeout=None,  # noqa: S113
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
        trust_env=not is_local(endpoint.url),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
