"""OpenAI's chat completions on the wire: request bodies, reply bodies and streamed events.

The wire format is that of the OpenAI API reference ("Create chat completion", "Streaming"). vLLM, llama.cpp, Ollama
and most hosts of models speak it, and batch files hold the same bodies. Nothing is sent from this module.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ragbench.io.lines import EVENTS, Lines
from ragbench.models.llm.base import MOST_BYTES, LLMError, Request, Response, Role, Show, Usage
from ragbench.models.llm.chat_errors import read_status

FORM = "answer"
"""Name of the schema, or of its tool, in the request."""
INSTRUCTION = "Reply with one JSON value that follows this JSON schema, and with nothing else:\n"
NEWER_LIMIT = re.compile(r"^(ft:)?(gpt-(?!oss)|chatgpt-|o\d)")
"""OpenAI's own models accept ``max_completion_tokens`` (its reasoning models nothing else). Many servers of
open models know only the older ``max_tokens``."""
NOT_IN_BODY = {"base_url", "extra_body"}
MOST_CHARACTERS = 300


def body(request: Request, model: str, params: Mapping[str, object], *, structured: bool) -> dict[str, object]:
    """Build the body of one chat completion.

    Args:
        request: the question.
        model: the provider's name for the model.
        params: further fields, which replace ragbench's; None omits a field. ``extra_body`` is merged in, and
            ``base_url`` is ignored.
        structured: whether the provider enforces the schema (``response_format``); otherwise the schema is
            written into the prompt.
    """
    form = request.schema is not None and structured
    found: dict[str, object] = {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in spoken(request, in_prompt=not form)],
        "max_completion_tokens" if NEWER_LIMIT.match(model) else "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed + request.sample,
    }
    if form:
        found["response_format"] = response_format(request.schema or {})
    found |= {key: value for key, value in params.items() if key not in NOT_IN_BODY}
    extra = params.get("extra_body")
    if isinstance(extra, Mapping):
        found |= extra
    return {key: value for key, value in found.items() if value is not None}


def response_format(schema: Mapping[str, object]) -> dict[str, object]:
    """The field that enforces a schema. It is strict if strict mode accepts the schema."""
    return {"type": "json_schema", "json_schema": {"name": FORM, "schema": dict(schema), "strict": _is_strict(schema)}}


def spoken(request: Request, *, in_prompt: bool) -> list[tuple[Role, str]]:
    """The messages. A schema that goes into the prompt is at the end of the first message."""
    said = [(message.role, message.text) for message in request.messages]
    if in_prompt and request.schema is not None:
        role, text = said[0]
        said[0] = (role, f"{text}\n\n{INSTRUCTION}{json.dumps(request.schema, ensure_ascii=False)}")
    return said


def response(reply: Mapping[str, object]) -> Response:
    """Read the response. Where the provider reports a refusal, its finish reason is ``refusal``.

    Raises:
        LLMError: the reply is not a chat completion. The call may be tried again, and may be billed.
    """
    read: Any = reply
    try:
        choice = read["choices"][0]
        message = choice["message"]
        text = text_of(message.get("content"))
        reported = read.get("usage") or {}
        usage = Usage.reported(reported.get("prompt_tokens"), reported.get("completion_tokens"))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        seen = json.dumps(reply, default=str)[:MOST_CHARACTERS]
        raise LLMError(f"the reply is not a chat completion: {seen}", retry=True, in_doubt=True) from error
    if message.get("refusal"):
        return Response(str(message["refusal"]), usage, "refusal")
    return Response(text, usage, str(choice.get("finish_reason") or "stop"))


def too_large(seen: int) -> LLMError | None:
    """The failure of a reply of which more than `MOST_BYTES` were seen."""
    if seen <= MOST_BYTES:
        return None
    return LLMError(f"the reply is larger than {MOST_BYTES // 2**20} MB", retry=False, in_doubt=True)


def text_of(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    return "" if content is None else str(content)


def _is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode accepts a schema: every property is required, and there are no others."""
    if isinstance(schema, list):
        return all(_is_strict(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    if "properties" in schema:
        named = set(schema["properties"]) == set(schema.get("required", []))
        if not named or schema.get("additionalProperties") is not False:
            return False
        return all(_is_strict(item) for item in schema["properties"].values())
    return schema.get("type") != "object" and all(_is_strict(item) for item in schema.values())


DONE = "[DONE]"


class OpenAIEvents:
    """Reads one streamed reply.

    Args:
        show: receives the text as it arrives.
    """

    def __init__(self, show: Show) -> None:
        self._show = show
        self._lines = Lines(EVENTS)
        self._texts: list[str] = []
        self._size = 0
        self._refusal = ""
        self._usage: Any = None
        self._ended: Any = None

    def feed(self, data: bytes) -> bool:
        """Read the next bytes, cut anywhere. Returns whether the stream has ended.

        Raises:
            LLMError: the server reports an error, the data are not a chunk, or the answer is too large.
        """
        lines = self._lines.feed(data)
        failure = too_large(max(self._size, self._lines.waiting))
        if failure is not None:
            raise failure
        for line in lines:
            field, _, value = line.decode("utf-8", "replace").partition(":")
            if field != "data":
                continue
            if value.strip() == DONE:
                return True
            self._chunk(value)
        return False

    def response(self) -> Response:
        """The whole reply.

        Raises:
            LLMError: it broke off.
        """
        if self._ended is None:
            raise LLMError("the stream ended before the answer did", retry=True, in_doubt=True)
        message = {"content": "".join(self._texts), "refusal": self._refusal}
        return response({"choices": [{"message": message, "finish_reason": self._ended}], "usage": self._usage})

    def _chunk(self, value: str) -> None:
        try:
            found: Any = json.loads(value)
            failed = found.get("error") or found.get("object") == "error"
            for choice in () if failed else found.get("choices") or ():
                delta = choice.get("delta") or {}
                self._add(text_of(delta.get("content")))
                self._refusal += str(delta.get("refusal") or "")
                self._ended = choice.get("finish_reason") or self._ended
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            seen = value.strip()[:MOST_CHARACTERS]
            reason = f"the stream holds data that are not a chunk of a chat completion: {seen}"
            raise LLMError(reason, retry=True, in_doubt=True) from error
        if failed:
            raise _failure(found)
        self._usage = found.get("usage") or self._usage

    def _add(self, text: str) -> None:
        if text:
            self._size += len(text)
            self._texts.append(text)
            self._show(text)


def _failure(found: Any) -> LLMError:
    """An error that a server reports after it has begun to answer. The tokens so far may be billed."""
    reported = found.get("error", found)
    reason = reported.get("message") or json.dumps(reported) if isinstance(reported, dict) else reported
    code = str(reported.get("code") or reported.get("type") or "") if isinstance(reported, dict) else ""
    return read_status(f"within the answer: {reason}", 200, {}, code)
