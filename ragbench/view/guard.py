"""Access control of the viewer, and the headers of every reply.

The viewer is for one person at one machine. Other pages in the same browser, other
machines and other names for this one are refused before anything is looked at:
the Host must be this one's (DNS rebinding), a POST must come from a page of the
viewer (Origin), and a request must bring the cookie that the address with the token
was exchanged for.
"""

import asyncio
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragbench.view.sessions import Sessions

SESSION = "ragbench.session"
"""Key of the session in the scope of a request."""
UPLOAD = "/upload"
SMALL = 1 << 16
"""Most bytes of a request that is no upload."""
BODY_SECONDS = 30.0
"""The longest wait for the next piece of a request."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A redirect would still count as coming from where the link stood, and a strict cookie would stay behind.
ENTRY = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    '<title>ragbench</title><p><a href="/">Go on</a></p></html>'
)
NO_ENTRY = "No entry. Open the address that 'ragbench view' printed; it holds the token."


class Guard:
    """Checks each request before the application sees it.

    Args:
        app: application that gets the accepted requests.
        token: token of the printed address.
        once: of the address that a browser is started with. Other users of the machine can see what programs are
            started with, so it opens one session only.
        port: port that the viewer listens on.
        sessions: sessions of the browsers.
        limit: most bytes of one upload.
    """

    def __init__(self, app: ASGIApp, *, token: str, once: str, port: int, sessions: Sessions, limit: int) -> None:
        self._app, self._token, self._once, self._sessions, self._limit = app, token, once, sessions, limit
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        # Cookies know no ports: two viewers on one machine would overwrite each other's.
        self._cookie = f"ragbench-view-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        heads = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, heads)
        if refused:
            await _reply(send, *refused)
            return
        cookie = _cookie(heads.get("cookie", ""), self._cookie)
        session = self._sessions.find(cookie)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if scope["path"] == "/" and scope["method"] == "GET" and given is not None:
            await self._enter(send, given[0], known=session is not None)
            return
        if session is None:
            await _reply(send, 403, NO_ENTRY)
            return
        scope[SESSION] = session
        await self._app(scope, _in_time(receive), _with_headers(send))

    def _refused(self, scope: Scope, heads: Mapping[str, str]) -> tuple[int, str] | None:
        """Return status and reason of a refusal, or None."""
        host = heads.get("host", "")
        if host not in self._hosts:
            return 403, "This name is not the viewer's; open the address that 'ragbench view' printed."
        method = scope["method"]
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return 405, "Only GET and POST."
        if heads.get("origin") != f"http://{host}":
            return 403, "Only pages of the viewer may send this."
        length = heads.get("content-length", "")
        # A number of twenty digits is more than any limit; longer ones are not turned into a number at all.
        if not (length.isascii() and length.isdigit() and len(length) <= 20):
            return 411, "The request must tell its length."
        limit = self._limit if scope["path"] == UPLOAD else SMALL
        if int(length) > limit:
            return 413, f"Too large: at most {limit / (1 << 20):.3g} MB are taken."
        return None

    async def _enter(self, send: Send, given: str, *, known: bool) -> None:
        """Exchange the token for a cookie."""
        sent = given.encode("utf-8", "replace")
        first = bool(self._once) and secrets.compare_digest(sent, self._once.encode())
        if first:
            self._once = ""
        if not first and not secrets.compare_digest(sent, self._token.encode()):
            await _reply(send, 403, NO_ENTRY)
            return
        made = {} if known else {
            "Set-Cookie": f"{self._cookie}={self._sessions.start()}; Path=/; HttpOnly; SameSite=Strict"
        }  # fmt: skip
        await _reply(send, 200, ENTRY, {"Content-Type": "text/html; charset=utf-8", **made})


def _cookie(header: str, name: str) -> str:
    read: SimpleCookie = SimpleCookie()
    try:
        read.load(header)
    except CookieError:
        return ""
    return read[name].value if name in read else ""


def _in_time(receive: Receive) -> Receive:
    """End a request whose body stops coming."""
    whole = False

    async def receiving() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return receiving


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message.get("headers", [])}
            more = {"Content-Security-Policy": POLICY, **ALWAYS}
            message["headers"] = [
                *message.get("headers", []),
                *(_pair(n, v) for n, v in more.items() if n.lower().encode() not in known),
            ]
        await send(message)

    return sending


def _pair(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")


async def _reply(send: Send, status: int, text: str, more: Mapping[str, str] | None = None) -> None:
    body = text.encode()
    heads: dict[str, Any] = {"Content-Type": "text/plain; charset=utf-8", **ALWAYS}
    heads |= {"Content-Security-Policy": POLICY, "Content-Length": str(len(body)), **(more or {})}
    await send({"type": "http.response.start", "status": status, "headers": [_pair(n, v) for n, v in heads.items()]})
    await send({"type": "http.response.body", "body": body})
