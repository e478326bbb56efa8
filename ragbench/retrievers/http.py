"""A deployed retrieval service, queried over HTTP."""

import asyncio
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.loop import LoopThread
from ragbench.core.runs import Query, Unit
from ragbench.core.web import header_faults, is_local, retry_after, url_faults, without_secrets
from ragbench.retrievers._external import Answer, Contract, Failed, Order, OwnIdsIndex, one_line, quoted
from ragbench.retrievers.base import Ranking, Retriever

if TYPE_CHECKING:
    import httpx

RETRIED = frozenset({429, 502, 503, 504})
GIVE_UP_AFTER = 20
"""If this many queries fail before the first success, the others are not sent."""


@dataclass(frozen=True)
class Http(Retriever):
    """POSTs each query to a URL and reads the ids out of the JSON answer (docs/reference/http-contract.md).

    Redirects are not followed, so that queries and keys go to the named host
    only. Status 429, 502, 503, 504 and broken connections are retried, a
    ``Retry-After`` is honoured up to a minute; every other failure, and a
    timeout, fails its query with a reason. If the first 20 queries all fail, the
    rest are not asked.

    Attributes:
        url: where to POST.
        returns: whether the ids in the answers are of chunks or of documents.
        concurrency: requests in flight at once, and connections kept open.
        timeout: seconds for one attempt, from sending to the last byte.
        retries: further attempts after the first.
        backoff: seconds before the second attempt; doubled for each later one.
        header_env: environment variable by header name. This is the only way for a key
            into a request, so no key is ever in a settings file, a log or a store.
        max_bytes: answers longer than this fail.
        query_field, k_field, query_id_field: paths of the query, the number of results
            and the query's id in the request, with dots; an empty path is not sent.
        results_path, id_field, score_field: paths of the list in the answer, and of id
            and score in a result. Without scores, the order of the list counts.
        order: ``auto``, ``score`` or ``rank`` (`ragbench.retrievers._external.Contract`).
        body: further fields of every request.
    """

    url: str
    returns: Unit = "chunk"
    concurrency: int = 8
    timeout: float = 30.0
    retries: int = 3
    backoff: float = 0.5
    header_env: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 8 << 20
    query_field: str = "query"
    k_field: str = "k"
    query_id_field: str = "query_id"
    results_path: str = "results"
    id_field: str = "id"
    score_field: str = "score"
    order: Order = "auto"
    body: Mapping[str, object] = field(default_factory=dict)

    cacheable: ClassVar[bool] = False
    needs_chunks: ClassVar[bool] = False

    @property
    def contract(self) -> Contract:
        """The field paths of requests and answers."""
        return Contract(
            self.query_field,
            self.k_field,
            self.query_id_field,
            self.results_path,
            self.id_field,
            self.score_field,
            self.order,
            self.body,
        )

    def check(self) -> list[str]:
        """Check the URL, the ranges, the paths, and that every environment variable is set."""
        faults = url_faults(self.url) + self.contract.faults()
        faults += [
            f"{name} is {value}; it must be {'at least' if least else 'above'} {least or 0}"
            for name, value, least in (
                ("concurrency", self.concurrency, 1),
                ("timeout", self.timeout, 0),
                ("max_bytes", self.max_bytes, 1),
            )
            if value < least or value <= 0
        ]
        faults += [
            f"{name} is {value}; it must be 0 or more"
            for name, value in (("retries", self.retries), ("backoff", self.backoff))
            if value < 0
        ]
        return faults + header_faults(self.header_env)

    def index(self, chunks: Chunks, context: Context) -> "HttpIndex":
        """Open the connection pool. Nothing is sent yet."""
        return HttpIndex(self, chunks, context)


class HttpIndex(OwnIdsIndex):
    """An index that asks the service."""

    def __init__(self, settings: Http, chunks: Chunks, context: Context) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._contract, self._progress = settings, settings.contract, context.progress
        self._secrets = [os.environ[variable] for variable in settings.header_env.values() if variable in os.environ]
        self._answered, self._failed, self._last = 0, 0, ""
        self._client: httpx.AsyncClient | None = None
        self._loop = LoopThread("ragbench-http")

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Send one request per query, up to ``concurrency`` at once."""
        if len(queries) == 1:
            return self.ranking(self._loop.run(self._ask_all(queries, k, lambda done: None)))
        with self._progress(f"asking {urlsplit(self._settings.url).netloc}", len(queries)) as advance:
            return self.ranking(self._loop.run(self._ask_all(queries, k, advance)))

    def close(self) -> None:
        """Close the connections and the loop."""
        if self._client is not None:
            self._loop.run(self._client.aclose())
            self._client = None
        self._loop.close()

    async def _ask_all(self, queries: Sequence[Query], k: int, advance: Callable[[int], None]) -> list[Answer]:
        if self._client is None:
            self._client = _client(self._settings)
        client, gate = self._client, asyncio.Semaphore(self._settings.concurrency)

        async def one(query: Query) -> Answer:
            async with gate:
                answer = await self._ask(client, query, k)
            advance(1)
            return answer

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(query)) for query in queries]
        return [task.result() for task in tasks]

    async def _ask(self, client: "httpx.AsyncClient", query: Query, k: int) -> Answer:
        if not self._answered and self._failed >= GIVE_UP_AFTER:
            return Failed(f"not asked, because the first {GIVE_UP_AFTER} queries all failed; the last: {self._last}")
        answer = await self._attempts(client, query, k)
        if isinstance(answer, Failed):
            answer = Failed(without_secrets(answer.reason, self._secrets))
            self._failed, self._last = self._failed + 1, answer.reason
        else:
            self._answered += 1
        return answer

    async def _attempts(self, client: "httpx.AsyncClient", query: Query, k: int) -> Answer:
        content = self._contract.request(query, k)
        for attempt in range(self._settings.retries + 1):
            answer, wait = await self._attempt(client, content, query)
            if wait is None:
                return answer
            if attempt < self._settings.retries:
                # Spread by query, so that requests that failed together are not retried together.
                spread = 0.5 + zlib.crc32(f"{query.id}\0{attempt}".encode("utf-8", "replace")) / 2**33
                await asyncio.sleep(max(wait, self._settings.backoff * 2**attempt * spread))
        tries = self._settings.retries + 1
        return Failed(f"{answer.reason} (after {tries} attempts)") if isinstance(answer, Failed) else answer

    async def _attempt(self, client: "httpx.AsyncClient", content: bytes, query: Query) -> tuple[Answer, float | None]:
        """Return the answer, and the least seconds to wait before another attempt (None for no further attempt)."""
        import httpx

        url, timeout = self._settings.url, self._settings.timeout
        try:
            async with asyncio.timeout(timeout), client.stream("POST", url, content=content) as response:
                raw = await _bounded(response, self._settings.max_bytes)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
            return Failed(f"no answer within {timeout:g} s"), None
        except (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError) as error:
            return Failed(f"the connection failed: {one_line(str(error) or type(error).__name__)}"), 0.0
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failed(f"the request failed: {one_line(str(error) or type(error).__name__)}"), None
        if response.status_code == 200:
            if raw is None:
                return Failed(f"the answer is longer than max_bytes={self._settings.max_bytes}"), None
            return self._contract.read(raw, query), None
        failed = Failed(_status_reason(response, raw or b""))
        return failed, retry_after(response.headers) if response.status_code in RETRIED else None


def _client(settings: Http) -> "httpx.AsyncClient":
    import httpx

    headers = {"content-type": "application/json", "accept": "application/json", "user-agent": "ragbench"}
    headers.update({name: os.environ.get(variable, "") for name, variable in settings.header_env.items()})
    limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
    return httpx.AsyncClient(
        headers=headers,
        timeout=settings.timeout,
        limits=limits,
        follow_redirects=False,
        trust_env=not is_local(settings.url),
    )


async def _bounded(response: "httpx.Response", most: int) -> bytes | None:
    """Read the body; None if it is longer than ``most`` bytes."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _status_reason(response: "httpx.Response", raw: bytes) -> str:
    status = f"status {response.status_code} {response.reason_phrase}".rstrip()
    if response.is_redirect:
        target = one_line(response.headers.get("location", ""))
        return f"{status}: a redirect to {target} is not followed; set url to where the service is"
    return f"{status}: {quoted(raw)}"
