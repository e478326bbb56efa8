"""A request as the body of OpenAI's chat completions, and the reply's body as a response.

The wire format is the one of the OpenAI API reference, "Create chat completion"; vLLM, llama.cpp,
Ollama and most hosts of models speak it. Nothing is sent from here: the batch files of
such a provider hold the same bodies.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ragbench.models.llm.base import LLMError, Request, Response, Role, Usage

FORM = "answer"
"""Name of the schema, or of the tool that takes it, as the provider sees it."""
INSTRUCTION = "Reply with one JSON value that follows this JSON schema, and with nothing else:\n"
NEWER_LIMIT = re.compile(r"^(ft:)?(gpt-(?!oss)|chatgpt-|o\d)")
"""OpenAI's own models take ``max_completion_tokens`` (its reasoning models nothing else); many servers of
open models know only the older ``max_tokens``."""
NOT_IN_BODY = {"base_url", "extra_body"}
MOST_CHARACTERS = 300


def body(request: Request, model: str, params: Mapping[str, object], *, structured: bool) -> dict[str, object]:
    """The body of one chat completion.

    Args:
        request: what is asked.
        model: the provider's name for the model.
        params: further fields, which replace ours; None leaves a field out. ``extra_body`` is merged in,
            ``base_url`` is passed over.
        structured: whether the provider holds the answer to the schema (``response_format``); otherwise the
            schema is written into the prompt.
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
    """The field that holds an answer to a schema; strict where the schema keeps to what strict mode takes."""
    return {"type": "json_schema", "json_schema": {"name": FORM, "schema": dict(schema), "strict": _is_strict(schema)}}


def spoken(request: Request, *, in_prompt: bool) -> list[tuple[Role, str]]:
    """Who says what; the schema, if there is one, at the end of the first message when it goes into the prompt."""
    said = [(message.role, message.text) for message in request.messages]
    if in_prompt and request.schema is not None:
        role, text = said[0]
        said[0] = (role, f"{text}\n\n{INSTRUCTION}{json.dumps(request.schema, ensure_ascii=False)}")
    return said


def response(reply: Mapping[str, object]) -> Response:
    """What the model said; its refusal, where the provider gives one, ends with ``refusal``.

    Raises:
        LLMError: it is no chat completion. It may be tried again; whether it is billed is in doubt.
    """
    read: Any = reply
    try:
        choice = read["choices"][0]
        message = choice["message"]
        text = text_of(message.get("content"))
        told = read.get("usage") or {}
        usage = Usage(int(told.get("prompt_tokens") or 0), int(told.get("completion_tokens") or 0))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        seen = json.dumps(reply, default=str)[:MOST_CHARACTERS]
        raise LLMError(f"the reply is no chat completion: {seen}", retry=True, in_doubt=True) from error
    if message.get("refusal"):
        return Response(str(message["refusal"]), usage, "refusal")
    return Response(text, usage, str(choice.get("finish_reason") or "stop"))


def text_of(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    return "" if content is None else str(content)


def _is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes a schema: every property required, none beside them."""
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
