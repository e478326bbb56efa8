"""The settings of a RAG service: its address, the request that carries a question, and where the answer is."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from ragbench.answers.endpoint.template import names_in
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.json_paths import plain_path
from ragbench.core.pace import Concurrency, check_concurrency
from ragbench.core.web import header_faults, sounds_secret, url_faults

Method = Literal["POST", "GET", "PUT"]
METHODS: tuple[Method, ...] = ("POST", "GET", "PUT")
Format = Literal["auto", "json", "text", "sse", "jsonl"]
FORMATS: tuple[Format, ...] = ("auto", "json", "text", "sse", "jsonl")
HEADER = "header:"
"""Begins a path that names a header of the reply instead of a place in its body."""
ROLES = ("answer", "sources", "source_ids", "document_ids", "cited", "abstained", "failure", "input_tokens",
         "output_tokens", "cost", "variant")  # fmt: skip
"""What a reply can say, besides pieces of the answer."""
VARIANT = "variant"
BODY: Mapping[str, object] = {"query": "{question}", "query_id": "{query_id}"}
QUESTION = "question"
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""An environment variable in the value of a header."""


@brief
@dataclass(frozen=True)
class Reply:
    """Where a reply has what. Paths are those of `ragbench.core.json_paths`, or ``header:NAME``.

    Attributes:
        format: ``json``, ``text``, ``sse`` (server-sent events) or ``jsonl`` (a JSON object per line); ``auto`` goes
            by the content type.
        piece: path of a piece of the answer in an event of a stream; empty if the whole event is the piece, as text.
        paths: path by role, one of `ROLES`. A role without a path is recognised by its usual names at the top level.
        metadata: path by name of what else is kept with the answer.
    """

    format: Format = "auto"
    piece: str = "delta"
    paths: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """Describe what cannot be used."""
        if self.format not in FORMATS:
            yield f"reply.format is {self.format!r}; it must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        for name, path in {**self.paths, **self.metadata}.items():
            if not plain_path(path) or path == HEADER:
                yield f"reply.{name} is empty; write a path, as in data.text, or header:NAME"


@brief
@dataclass(frozen=True)
class Endpoint:
    """A service, and how to call it.

    Attributes:
        url: ``http`` or ``https``; redirects are not followed.
        timeout: seconds for one answer, from sending to the last byte.
        concurrency: requests in flight at once, or ``auto``.
        header_env: environment variable by header name, for keys.
        method: POST, GET or PUT.
        headers: values by name; may hold placeholders, and ``${NAME}`` for an environment variable.
        query: parameters that are added to the address; may hold placeholders.
        body: JSON value that is sent, with placeholders; None sends no body.
        defaults: values of placeholders for questions that have none.
        reply: where the answer is.
        where: the file that describes the service, for messages; empty for a plain address.

    Raises:
        SettingError: something cannot be used; the message lists every fault.
    """

    url: str
    timeout: float = 60.0
    concurrency: Concurrency = 8
    header_env: Mapping[str, str] = field(default_factory=dict)
    method: Method = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = field(default_factory=lambda: BODY)
    defaults: Mapping[str, object] = field(default_factory=dict)
    reply: Reply = field(default_factory=Reply)
    where: str = ""

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            prefix = f"{self.where}: " if self.where else "service: "
            raise SettingError("\n".join(prefix + fault for fault in faults))
        check_concurrency(self.concurrency)
        if not self.timeout > 0:
            raise SettingError(f"is {self.timeout:g}; it must be above 0", option="timeout")

    def _faults(self) -> Iterator[str]:
        yield from url_faults(self.url, keys=not self.where)
        yield from header_faults(self.header_env)
        if self.method not in METHODS:
            yield f"method is {self.method!r}; it must be {', '.join(METHODS[:-1])} or {METHODS[-1]}"
        for name, value in self.headers.items():
            if sounds_secret(name) and not VARIABLE.search(value):
                yield (
                    f"headers.{name} seems to hold a key; put the key into an environment variable and write "
                    f"${{NAME}} in its place"
                )
            for variable in VARIABLE.findall(value):
                if not os.environ.get(variable):
                    yield f"headers.{name} names the environment variable {variable}, which is not set"
        for name in self.query:
            if sounds_secret(name):
                yield f"query.{name} seems to hold a key; send keys in a header, by header_env"
        if QUESTION not in self.placeholders:
            where = "query" if self.method == "GET" else "body"
            yield (
                f"the question is not sent; write {{question}} where it belongs, as in {where}: "
                '{query: "{question}"}'
            )
        yield from self.reply.faults()

    def with_headers(self, header_env: Mapping[str, str]) -> "Endpoint":
        """The same service with further headers from environment variables."""
        return replace(self, header_env={**self.header_env, **header_env}) if header_env else self

    @property
    def secrets(self) -> list[str]:
        """Values of environment variables that requests carry, which no message may show."""
        names = [
            *self.header_env.values(),
            *(name for value in self.headers.values() for name in VARIABLE.findall(value)),
        ]
        return [os.environ[name] for name in names if os.environ.get(name)]

    @property
    def placeholders(self) -> set[str]:
        """The names of the placeholders of the request."""
        return set(names_in([self.body, dict(self.query), dict(self.headers)]))

    @property
    def shown_url(self) -> str:
        """The address without its parameters, which may hold what is not meant for a report."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @property
    def identity(self) -> object:
        """What answers depend on: the address, and the request and the paths if they are not the usual ones."""
        own = (self.method, dict(self.headers), dict(self.query), self.body, dict(self.defaults), self.reply)
        usual = Endpoint(self.url)
        if own == (usual.method, {}, {}, usual.body, {}, usual.reply):
            return self.url
        return {
            "url": self.url, "method": self.method, "headers": dict(self.headers), "query": dict(self.query),
            "body": self.body, "defaults": dict(self.defaults), "reply": self.reply,
        }  # fmt: skip
