"""A tool of an MCP server, started as a program."""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, MissingExtra
from ragbench.core.loop import LoopThread
from ragbench.core.runs import Query, Unit
from ragbench.retrievers._external import (
    Answer,
    Contract,
    Failed,
    Order,
    OwnIdsIndex,
    arguments_of,
    one_line,
    program_faults,
    quoted,
)
from ragbench.retrievers.base import Ranking, Retriever

AUTO = "auto"
LISTS = ("results", "result")
"""Where ``auto`` looks for the list of results; the SDK for Python puts a list that a tool returns into ``result``."""
LAST_LINES = 4096
START_SECONDS = 60.0
"""The least time that the program has to start."""


@dataclass(frozen=True)
class Mcp(Retriever):
    """Starts an MCP server once, and calls one of its tools for each query, over standard input and output.

    The program gets the environment of ragbench. A call that is too slow, an error of the tool, or an answer that
    cannot be read fails its query with a reason. After the server has ended, the remaining queries fail.

    Attributes:
        command: program and arguments: a list, or one string that is split as a POSIX shell would split it. It is
            never passed to a shell.
        tool: the name of the tool.
        returns: whether the ids in the answers are of chunks or of documents.
        timeout: seconds for one answer. The program has at least a minute to start.
        max_bytes: answers longer than this fail.
        query_field, k_field: arguments of the tool for the query and the number of results; an empty one is not sent.
        results_path: path of the list in the answer, with dots. ``auto`` takes ``results``, ``result`` or the answer.
        id_field, score_field: paths of id and score in a result. Without scores, the order of the list counts.
        order: ``auto``, ``score`` or ``rank`` (`ragbench.retrievers._external.Contract`).
        arguments: further arguments of every call.
    """

    command: str | tuple[str, ...]
    tool: str
    returns: Unit = "chunk"
    timeout: float = 60.0
    max_bytes: int = 8 << 20
    query_field: str = "query"
    k_field: str = "k"
    results_path: str = AUTO
    id_field: str = "id"
    score_field: str = "score"
    order: Order = "auto"
    arguments: Mapping[str, object] = field(default_factory=dict)

    cacheable: ClassVar[bool] = False
    needs_chunks: ClassVar[bool] = False

    def contract(self, results_path: str) -> Contract:
        """The fields of requests and answers."""
        return Contract(
            self.query_field, self.k_field, "", results_path, self.id_field, self.score_field, self.order,
            self.arguments, history_field="",
        )  # fmt: skip

    def check(self) -> list[str]:
        """Check that the program can be found, and the settings."""
        faults = self.contract(self.results_path).faults()
        if not self.tool:
            faults.append("tool is empty; name the tool that searches")
        return faults + program_faults(self.command, self.timeout, self.max_bytes)

    def index(self, chunks: Chunks, context: Context) -> "McpIndex":
        """Start the server, and check that it has the tool.

        Raises:
            ArmError: it cannot be started, or has no such tool.
            MissingExtra: the SDK is not installed.
        """
        return McpIndex(self, chunks, context)


class McpIndex(OwnIdsIndex):
    """The connection to the running server."""

    def __init__(self, settings: Mcp, chunks: Chunks, context: Context) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._progress = settings, context.progress
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - until close
        self._loop = LoopThread("mcp")
        self._closed = False
        try:
            self._loop.run(self._open())
        except BaseException:
            self.close()
            raise

    async def _open(self) -> None:
        self._stop, self._started = asyncio.Event(), asyncio.get_running_loop().create_future()
        # The connection is opened and closed by the same task, as its cancel scopes ask.
        self._task = asyncio.create_task(self._connection())
        program, seconds = arguments_of(self._settings.command)[0], max(START_SECONDS, self._settings.timeout)
        try:
            async with asyncio.timeout(seconds):
                self._client = await asyncio.shield(self._started)
                tools = [tool.name for tool in (await self._client.list_tools()).tools]
        except TimeoutError:
            raise ArmError(f"the MCP server {program!r} did not start within {seconds:g} s{self._said()}") from None
        except MissingExtra:
            raise
        except Exception as error:
            raise ArmError(f"the MCP server {program!r} cannot be used: {_reason(error)}{self._said()}") from error
        if self._settings.tool not in tools:
            raise ArmError(f"the MCP server {program!r} has no tool {self._settings.tool!r}; it has {', '.join(tools)}")

    async def _connection(self) -> None:
        try:
            try:
                from mcp import Client, StdioServerParameters, stdio_client
            except ModuleNotFoundError as error:
                raise MissingExtra("retriever 'mcp'", "mcp") from error
            program, *words = arguments_of(self._settings.command)
            server = StdioServerParameters(command=program, args=words, env=dict(os.environ))
            async with Client(stdio_client(server, errlog=self._errors)) as client:
                self._started.set_result(client)
                await self._stop.wait()
        except Exception as error:
            if not self._started.done():
                self._started.set_exception(error)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """One call for each query, in order."""
        if len(queries) == 1:
            return self.ranking([self._ask(queries[0], k)])
        answers = []
        with self._progress(f"calling {self._settings.tool}", len(queries)) as advance:
            for query in queries:
                answers.append(self._ask(query, k))
                advance(1)
        return self.ranking(answers)

    def close(self) -> None:
        """End the connection and the server. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(Exception):
            self._loop.run(self._shut())
        self._loop.close()
        self._errors.close()

    async def _shut(self) -> None:
        self._stop.set()
        if not self._started.done():  # the server has not answered yet, and may never
            self._task.cancel()
        await asyncio.wait([self._task])

    def _ask(self, query: Query, k: int) -> Answer:
        if self._closed:
            return Failed("the index is closed")
        asked = json.loads(self._settings.contract("").request(query, k))
        try:
            found = self._loop.run(self._call(asked))
        except TimeoutError:
            return Failed(f"no answer within {self._settings.timeout:g} s{self._said()}")
        except Exception as error:  # the server ended, or speaks another protocol
            return Failed(f"{_reason(error)}{self._said()}")
        return self._read(found, query)

    async def _call(self, asked: dict[str, object]) -> Any:
        return await asyncio.wait_for(self._client.call_tool(self._settings.tool, asked), self._settings.timeout)

    def _read(self, found: Any, query: Query) -> Answer:
        text = "\n".join(block.text for block in found.content if getattr(block, "type", "") == "text")
        if found.is_error:
            return Failed(f"the tool answers with an error: {quoted(text.encode('utf-8', 'replace'))}")
        payload = found.structured_content
        wrapped = isinstance(payload, dict) and isinstance(payload.get("result"), str)
        raw = text if payload is None or wrapped else json.dumps(payload, ensure_ascii=False)
        data = raw.encode("utf-8", "replace")
        if len(data) > self._settings.max_bytes:
            return Failed(f"the answer is longer than max_bytes={self._settings.max_bytes}")
        return self._settings.contract(self._path(data)).read(data, query)

    def _path(self, data: bytes) -> str:
        """Where the list of results is in this answer."""
        if self._settings.results_path != AUTO:
            return self._settings.results_path
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            return ""
        return next((name for name in LISTS if name in payload), LISTS[0]) if isinstance(payload, dict) else ""

    def _said(self) -> str:
        """The last line that the server wrote to standard error."""
        with suppress(OSError, ValueError):
            end = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, end - LAST_LINES))
            lines = [line for line in self._errors.read().splitlines() if line.strip()]
            if lines:
                return f"; it last wrote: {quoted(lines[-1].encode('utf-8', 'replace'))}"
        return ""


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):  # its own text only counts what is in it
        error = error.exceptions[0]
    return one_line(str(error)) if str(error) else type(error).__name__
