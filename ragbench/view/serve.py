"""Run the viewer as a process, from opening the socket to removing the last file."""

import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn

from ragbench.core.errors import SettingError
from ragbench.models.llm.roles import ModelOptions, Models
from ragbench.view.app import make_app
from ragbench.view.connections import Connection
from ragbench.view.guard import Guard
from ragbench.view.library import Library
from ragbench.view.playground import Playground
from ragbench.view.reports import Reports
from ragbench.view.reviews import Reviews
from ragbench.view.runs import Runs
from ragbench.view.sessions import Sessions
from ragbench.view.settings import Settings
from ragbench.view.spaces import FOLDER, own_folder
from ragbench.view.threads import at_work

ADDRESS = "127.0.0.1"
ANSWERS = "answers.sqlite"
GRACE_SECONDS = 1


@dataclass(frozen=True)
class Site:
    """The viewer, listening. Requests wait until it runs.

    Attributes:
        server: answers the requests.
        listener: the socket that it listens on.
        address: the page, with the token.
        once: an address that opens a single session.
    """

    server: uvicorn.Server
    listener: socket.socket
    address: str
    once: str

    def run(self) -> None:
        """Answer requests until the server is asked to exit."""
        self.server.run(sockets=[self.listener])


def serve(
    settings: Settings, asking: ModelOptions | None, port: int, cache: Path, ready: Callable[[str, str], None]
) -> None:
    """Serve until the process is asked to stop (Ctrl-C, SIGTERM).

    Args:
        settings: settings of the viewer.
        asking: the language model of the playground, if any.
        port: port to listen on; 0 for any free one.
        cache: folder for embeddings and the spaces of sessions.
        ready: called once it is listened on, with the address, and with one that opens a single session.

    Raises:
        SettingError: the port is not available, or a retriever or model cannot be used.
        InputError: a golden set cannot be read.
    """
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _stop)
    try:
        with listening(settings, asking, port, cache) as site:
            ready(site.address, site.once)
            site.run()
    except _Stopped:
        pass
    _end()


@contextmanager
def listening(settings: Settings, asking: ModelOptions | None, port: int, cache: Path) -> Iterator[Site]:
    """Listen on the port, and remove the files of all sessions afterwards.

    Args:
        settings: settings of the viewer.
        asking: the language model of the playground, if any.
        port: port to listen on; 0 for any free one.
        cache: folder for embeddings and the spaces of sessions.

    Raises:
        SettingError: the port is not available, or a retriever or model cannot be used.
        InputError: a golden set cannot be read.
    """
    library = Library(settings)
    library.check(Runs(settings.folder).find)
    playground = Playground(library, Models(asking) if asking else None, cache)
    with _socket(port) as listener, own_folder(cache / FOLDER) as root, _answers_in(root, playground.models):
        port = listener.getsockname()[1]
        token, once = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        sessions = Sessions(root)
        app = make_app(settings, Reports(library), Reviews(library), playground)
        guard = Guard(app, token=token, once=once, port=port, sessions=sessions, limit=settings.limits.file_bytes)
        server = uvicorn.Server(
            uvicorn.Config(
                guard, loop="asyncio", http=Connection, ws="none", log_level="error", access_log=False,
                server_header=False, date_header=False, proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )  # fmt: skip
        address = f"http://{ADDRESS}:{port}/?token="
        yield Site(server, listener, address + token, address + once)


@contextmanager
def _answers_in(root: Path, models: Models | None) -> Iterator[None]:
    """Keep the model's answers as long as the viewer runs: they contain text of uploads."""
    if models is None:
        yield
        return
    models.open(root / ANSWERS)
    try:
        yield
    finally:
        models.close()


def _socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        # Already here, so that whoever reads the address can open it at once.
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingError(f"{port}: {error}; 0 takes a free port", option="port") from error
    return listener


class _Stopped(BaseException):
    """The process was asked to stop."""


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Stopped


def _end() -> None:
    """End the process at once if work still runs in the background, such as an index of a large corpus."""
    if at_work():
        sys.stdout.flush()
        os._exit(0)
