"""Models on servers that are compatible with OpenAI's, asked without a library in between.

LangChain and openai use some 4 ms of one core per call, so one process cannot make
more than about 200 calls per second. This client uses a tenth of that.
"""

import asyncio
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.spelling import named
from ragbench.models.llm import chat_setup
from ragbench.models.llm.base import LLMError, Request, Response, Show, idempotency_key
from ragbench.models.llm.chat_errors import read_error, read_status
from ragbench.models.llm.openai_wire import INSTRUCTION, OpenAIEvents, body, response, too_large
from ragbench.models.llm.structured import Structured, StructuredLLM

if TYPE_CHECKING:
    import aiohttp

PROVIDER = "openai_compatible"
KEY = "OPENAI_API_KEY"
PATH = "/chat/completions"
CONNECT_SECONDS = 10.0
KEEP_SECONDS = 4.0
"""Many of these servers close a connection that was idle for 5 s (uvicorn's default). A request sent at that
moment is lost and counts as one that may be billed, so this client closes its connections earlier."""


class OpenAICompatible(StructuredLLM):
    """A model on a server with OpenAI's chat completions.

    The key comes from ``OPENAI_API_KEY`` if that is set, and a proxy from ``HTTPS_PROXY``, ``HTTP_PROXY`` and
    ``NO_PROXY``.

    Args:
        name: ``openai_compatible:MODEL``, with the server's name for the model.
        params: ``base_url`` is the address up to ``/v1``. All others become fields of the body and replace
            ragbench's; None as ``temperature`` or ``seed`` omits it.
        structured: ``json_schema`` enforces the schema by ``response_format``; ``none`` writes it into the
            prompt; ``auto`` uses ``response_format`` until the server refuses.
        timeout: seconds of one call.
        concurrency: the most open connections.

    Raises:
        SettingError: the address is missing or cannot be used, or ragbench sets a parameter itself.
    """

    def __init__(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        structured: Structured = "auto",
        timeout: float = 60.0,
        concurrency: int = 8,
    ) -> None:
        super().__init__(structured)
        self.streams = True
        self.name, self.params = name, dict(params or {})
        chat_setup.check(name, self.params)
        chat_setup.check_body(name, self.params)
        self.base_url = _address(name, self.params.get("base_url"))
        self._model = name.partition(":")[2]
        self._timeout, self._concurrency = timeout, concurrency
        self._headers = _headers(name)
        self._proxy = _proxy(self.base_url)
        # The connections of a session belong to the event loop that opened them.
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()

    def fingerprint(self) -> str:
        """Fingerprint of name, address, parameters, and how the schema is enforced."""
        return fingerprint([PROVIDER, self.name, self.base_url, self.params, self.structured, INSTRUCTION])

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _call(self, request: Request, through_provider: bool) -> Response:
        import aiohttp

        asked = json.dumps(body(request, self._model, self.params, structured=through_provider)).encode()
        heads = _idempotent(asked)
        try:
            # A redirect would turn the request into a GET without its body.
            async with self._session().post(self._url, data=asked, headers=heads, allow_redirects=False) as reply:
                raw = await _whole(reply)
        except (aiohttp.ClientError, OSError) as error:
            raise read_error(error) from error
        return self._read(reply.status, reply.headers, raw)

    async def _stream(self, request: Request, show: Show) -> Response:
        import aiohttp

        fields = body(request, self._model, self.params, structured=False) | {"stream": True}
        if self._counted:
            fields.setdefault("stream_options", {"include_usage": True})
        asked = json.dumps(fields).encode()
        heads = {"Accept": "text/event-stream", **_idempotent(asked)}
        try:
            async with self._session().post(self._url, data=asked, headers=heads, allow_redirects=False) as reply:
                if reply.status == 200 and reply.content_type != "application/json":
                    events = OpenAIEvents(show)
                    async for data in reply.content.iter_any():
                        if events.feed(data):
                            break
                    return events.response()
                raw = await _whole(reply)
        except (aiohttp.ClientError, OSError) as error:
            raise read_error(error) from error
        whole = self._read(reply.status, reply.headers, raw)
        self.streams = False
        return whole

    @property
    def _url(self) -> str:
        return self.base_url + PATH

    def _session(self) -> "aiohttp.ClientSession":
        import aiohttp

        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._concurrency, keepalive_timeout=KEEP_SECONDS),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(self._timeout, CONNECT_SECONDS)),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=self._proxy,
            )
        return session

    def _read(self, status: int, headers: Mapping[str, str], raw: bytes) -> Response:
        try:
            found: Any = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        failed = isinstance(found, dict) and "error" in found and "choices" not in found
        if status == 200 and isinstance(found, dict) and not failed:
            return response(found)
        if 300 <= status < 400:
            target = headers.get("location", "another address")
            raise LLMError(
                f"{self._url} answers {status} and names {target}: correct base_url", retry=False, fatal=True
            )
        reason, code = _error(found, raw)
        where = f" at {self._url}" if status == 404 else ""
        raise read_status(f"HTTP {status}{where}: {reason}", status, headers, code)


async def _whole(reply: "aiohttp.ClientResponse") -> bytes:
    """The body of a reply.

    Raises:
        LLMError: it is too large.
    """
    parts, size = [], 0
    async for part in reply.content.iter_any():
        parts.append(part)
        size += len(part)
        failure = too_large(size)
        if failure is not None:
            raise failure
    return b"".join(parts)


def _idempotent(asked: bytes) -> dict[str, str]:
    key = idempotency_key(asked)
    return {"Idempotency-Key": key} if key else {}


def _address(name: str, given: object) -> str:
    if not given:
        raise SettingError(
            f"language model {name!r} needs the address of its server: {named('base_url')} (params base_url), as in "
            "http://localhost:8000/v1"
        )
    parts = urllib.parse.urlsplit(str(given))
    try:
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingError(
            f"language model {name!r}: base_url must hold no name, password, query or fragment; keys come "
            f"from the environment ({KEY})"
        )
    if not usable:
        raise SettingError(
            f"language model {name!r}: base_url {str(given)!r} is not an address like http://localhost:8000/v1"
        )
    return str(given).rstrip("/").removesuffix(PATH)


def _headers(name: str) -> dict[str, str]:
    # Compressed replies would cost more to unpack than a short answer costs to send.
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingError(f"language model {name!r}: {KEY} holds characters that no key has; set it again")
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


def _proxy(url: str) -> str | None:
    """The environment's proxy for the address, looked up once; aiohttp would look it up at every call."""
    parts = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _error(found: Any, raw: bytes) -> tuple[str, str]:
    """The reason and the error code of an error reply."""
    reported = found.get("error", found) if isinstance(found, dict) else None
    if isinstance(reported, dict):
        reason = reported.get("message") or reported.get("detail") or json.dumps(reported)
        return str(reason), str(reported.get("code") or reported.get("type") or "")
    return str(reported or raw.decode("utf-8", "replace") or "an empty reply"), ""
