"""Any LangChain chat model as a language model of ragbench."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, aclosing
from typing import Any

from ragbench.core.fingerprint import fingerprint
from ragbench.models.llm import chat_setup
from ragbench.models.llm.base import UNREADABLE, LLMError, Request, Response, Show, Usage, idempotency_key
from ragbench.models.llm.chat_errors import read_error
from ragbench.models.llm.openai_wire import FORM, INSTRUCTION, response_format, spoken, too_large
from ragbench.models.llm.streaming import from_thread
from ragbench.models.llm.structured import Structured, StructuredLLM

SEEDED = {"openai"}
"""Providers that take a seed."""
NO_STREAM = "No generation chunks were returned"
"""LangChain's error for a stream without events: the server does not stream. The next try does not stream."""
REASONED = {"openai", "bedrock_converse"}
"""Providers whose streams end with a reason. Their libraries treat a stream that broke off as complete."""


class ChatModel(StructuredLLM):
    """A chat model by LangChain's name for it.

    Args:
        name: ``provider:model``: ``openai:gpt-4o-mini``, ``bedrock_converse:...``. A server that is
            compatible with OpenAI's needs ``params={"base_url": ...}``.
        params: further arguments of the model. None as ``temperature`` or ``seed`` omits it.
        structured: ``json_schema`` enforces the schema through the provider (OpenAI's ``response_format``,
            elsewhere a tool that must be called); ``none`` writes it into the prompt; ``auto`` uses the
            provider until it refuses.
        timeout: seconds of one call.
        concurrency: number of connections to keep open.

    Raises:
        MissingExtra, SettingError: see `ragbench.models.llm.chat_setup`.
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
        self.name = name
        self.params = dict(params or {})
        chat_setup.check(name, self.params)
        self.base_url = chat_setup.base_url(name, self.params)
        self._provider = name.partition(":")[0]
        self._model = chat_setup.chat_model(name, self.params, timeout=timeout, concurrency=concurrency)
        self.streams = _streams(self._model)
        self._threads = None if _has_async(self._model) else ThreadPoolExecutor(concurrency, "ragbench-llm")

    def fingerprint(self) -> str:
        """Fingerprint of name, address, parameters, and how the schema is enforced."""
        return fingerprint(["chat", self.name, self.base_url, self.params, self.structured, INSTRUCTION])

    async def aclose(self) -> None:
        """Close connections and threads."""
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
        client = getattr(self._model, "http_async_client", None)
        if client is not None:
            await client.aclose()

    async def _call(self, request: Request, through_provider: bool) -> Response:
        form = self._form(request) if through_provider else None
        messages = _messages(request, in_prompt=form is None)
        arguments = self._arguments(request) | (form or {})
        arguments |= self._headers(messages, arguments)
        try:
            if self._threads:
                loop = asyncio.get_running_loop()
                reply = await loop.run_in_executor(self._threads, self._invoke, messages, arguments)
            else:
                with _untraced():
                    reply = await self._model.ainvoke(messages, **arguments)
        except UNREADABLE:
            raise
        # Every library has its own errors. `read_error` sorts them, and none is swallowed.
        except Exception as error:
            raise read_error(error) from error
        return _response(reply)

    async def _stream(self, request: Request, show: Show) -> Response:
        messages = _messages(request, in_prompt=False)
        arguments = self._arguments(request)
        if self._provider == "openai" and self._counted:
            arguments.setdefault("stream_usage", True)
        arguments |= self._headers(messages, arguments)
        chunks: list[Any] = []
        size = 0

        def take(chunk: Any) -> None:
            nonlocal size
            size += len(str(chunk.text))
            failure = too_large(size)
            if failure is not None:
                raise failure
            chunks.append(chunk)
            show(str(chunk.text))

        def each() -> Iterator[Any]:
            with _untraced():
                yield from self._model.stream(messages, **arguments)

        try:
            if self._threads:
                await from_thread(self._threads, each, take)
            else:
                with _untraced():
                    async with aclosing(self._model.astream(messages, **arguments)) as stream:
                        async for chunk in stream:
                            take(chunk)
        except UNREADABLE:
            raise
        # Every library has its own errors. `read_error` sorts them, and none is swallowed.
        except Exception as error:
            if not chunks and NO_STREAM in str(error):
                self.streams = False
            raise read_error(error) from error
        return _streamed(chunks, reasoned=self._provider in REASONED)

    def _invoke(self, messages: Sequence[Any], arguments: Mapping[str, Any]) -> Any:
        with _untraced():
            return self._model.invoke(messages, **arguments)

    def _headers(self, messages: Sequence[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The argument that sends an idempotency key, for providers that speak OpenAI's protocol."""
        asked = repr([[(message.type, message.content) for message in messages], arguments])
        key = idempotency_key(asked.encode("utf-8", "surrogatepass")) if self._provider == "openai" else ""
        return {"extra_headers": {"Idempotency-Key": key}} if key else {}

    def _arguments(self, request: Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {"max_tokens": request.max_tokens}
        if "temperature" not in self.params:
            arguments["temperature"] = request.temperature
        if self._provider in SEEDED and "seed" not in self.params:
            arguments["seed"] = request.seed + request.sample
        return arguments

    def _form(self, request: Request) -> dict[str, Any] | None:
        """Arguments that make the provider enforce the schema, or None if it cannot."""
        schema = dict(request.schema or {})
        if self._provider == "openai":
            body = {"response_format": response_format(schema)}
            # As `response_format` it would go through a parser that discards answers that are cut off.
            return {"extra_body": {**self.params.get("extra_body", {}), **body}}
        if schema.get("type") != "object":
            return None
        tool = {
            "type": "function",
            "function": {"name": FORM, "description": "Gives the answer.", "parameters": schema},
        }
        try:
            bound: Mapping[str, Any] = self._model.bind_tools([tool], tool_choice=FORM).kwargs
        except (NotImplementedError, ValueError) as error:
            if self.structured == "json_schema":
                raise LLMError(f"{self.name} takes no schema: {error}", retry=False, fatal=True) from error
            return None
        return dict(bound)


def _untraced() -> AbstractContextManager[None]:
    """Trace nothing to LangSmith, also where the environment switches tracing on for other programs."""
    from langsmith import tracing_context

    return tracing_context(enabled=False)


def _has_async(model: Any) -> bool:
    """Whether the model has its own async call. LangChain's fallback uses a handful of threads."""
    from langchain_core.language_models import BaseChatModel

    return type(model)._agenerate is not BaseChatModel._agenerate


def _streams(model: Any) -> bool:
    """Whether the model's class can stream and its settings allow it."""
    from langchain_core.language_models import BaseChatModel

    kind = type(model)
    able = kind._stream is not BaseChatModel._stream or kind._astream is not BaseChatModel._astream
    return able and model.disable_streaming is not True


def _messages(request: Request, *, in_prompt: bool) -> list[Any]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [kinds[role](content=text) for role, text in spoken(request, in_prompt=in_prompt)]


def _response(reply: Any) -> Response:
    reported = reply.usage_metadata or {}
    usage = Usage.reported(reported.get("input_tokens"), reported.get("output_tokens"))
    text = _text(reply)
    failure = too_large(len(text))
    if failure is not None:
        raise failure
    return Response(text, usage, _ended(reply) or "stop")


def _ended(reply: Any) -> str:
    """The reason why the text ended, or empty."""
    metadata = reply.response_metadata or {}
    return str(metadata.get("finish_reason") or metadata.get("stopReason") or metadata.get("stop_reason") or "")


def _streamed(chunks: Sequence[Any], *, reasoned: bool) -> Response:
    reply = chunks[0] + list(chunks[1:]) if chunks else None
    if reply is None or (reasoned and not _ended(reply)):
        raise LLMError("the stream ended before the answer did", retry=True, in_doubt=True)
    return _response(reply)


def _text(reply: Any) -> str:
    """The answer: the arguments of the tool if it was called, otherwise the text."""
    called: Sequence[Mapping[str, Any]] = [call for call in reply.tool_calls if call["name"] == FORM]
    if called:
        return json.dumps(called[0]["args"], ensure_ascii=False)
    broken = [call for call in reply.invalid_tool_calls if call["name"] == FORM]
    return str(broken[0]["args"] or "") if broken else str(reply.text)
