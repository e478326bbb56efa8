"""Send one request to a service and record its times."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.reply import ReplyReader, Unusable, check_answer
from ragbench.answers.endpoint.request import NotSent, request_of, user_of
from ragbench.answers.endpoint.settings import VARIANT, Endpoint
from ragbench.core.pace import most_at_once
from ragbench.core.web import without_secrets

if TYPE_CHECKING:
    import aiohttp


DRAIN_SECONDS = 0.05
"""Seconds that the end of a stream may take after it was announced, so that its connection can be reused."""


class Reply(NamedTuple):
    """The result of a request. Times are those of the event loop's clock, in seconds.

    Attributes:
        first: when the first piece of a streamed answer arrived; None if nothing was streamed.
        ended: when the last byte arrived, or when it was clear that none would.
        failure: the kind of failure, or empty.
        reason: the reason of the failure, as a sentence.
        variant: the variant of the service that answered, if the reply names it.
    """

    first: float | None
    ended: float
    failure: str = ""
    reason: str = ""
    variant: str = ""


@dataclass
class _Times:
    first: float | None = None
    ended: float | None = None
    variant: str = ""


class Service:
    """Connections to a service, kept alive from request to request.

    Requests go to the address itself, without a proxy and without following
    redirects, so that the load cannot reach another host.

    Args:
        endpoint: the address; its ``concurrency`` limits the connections.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._secrets = endpoint, endpoint.secrets

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most_at_once(self._endpoint.concurrency), ttl_dns_cache=600),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def user(self, question: Question, user: str) -> str:
        """Who asks the question: the given user, unless the question or the service names another."""
        return str(user_of(question, self._endpoint.defaults, user))

    async def ask(self, question: Question, deadline: float, user: str = "") -> Reply:
        """Ask once, without retries.

        Args:
            question: the question.
            deadline: a time on the event loop's clock; a request that is not answered by then has failed.
            user: the user who asks, if the question names none.
        """
        import aiohttp

        clock = asyncio.get_running_loop().time
        times = _Times()
        try:
            async with asyncio.timeout_at(deadline):
                await self._ask(question, user, times)
            assert times.ended is not None
            return Reply(times.first, times.ended, variant=times.variant)
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
        except NotSent as error:
            failure, reason = "not sent", str(error)
        reason = without_secrets(reason.splitlines()[0], self._secrets)
        return Reply(times.first, times.ended or clock(), failure, reason, times.variant)

    async def _ask(self, question: Question, user: str, times: _Times) -> None:
        from yarl import URL

        sent = request_of(self._endpoint, question, user)
        url = URL(sent.url, encoded=True)
        async with self._session.request(
            sent.method, url, data=sent.content, headers=sent.headers, allow_redirects=False
        ) as response:
            if not 200 <= response.status < 300:
                reason = f"status {response.status} {response.reason or ''}".rstrip()
                raise Unusable(f"status {response.status}", reason)
            row = await self._read(response, times)
        times.variant = str(row.get(VARIANT) or "")
        check_answer(row, self._endpoint.reply)

    async def _read(self, response: "aiohttp.ClientResponse", times: _Times) -> dict[str, object]:
        clock = asyncio.get_running_loop().time
        reader = ReplyReader(self._endpoint.reply, {name.lower(): value for name, value in response.headers.items()})
        async for part in response.content.iter_any():
            came = clock()
            reader.feed(part)
            if times.first is None and reader.streams and reader.spoke:
                times.first = came
            if reader.done:
                break
        times.ended = clock()
        row = reader.close()
        if times.first is None and reader.streams and reader.spoke:
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
