"""A request in the native format of a model family on Bedrock, and its output as a response.

Sources: Amazon Bedrock user guide, "Anthropic Claude Messages API"; Amazon Nova user guide, "Complete request schema".
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Request, Response, Usage
from ragbench.models.llm.openai_body import FORM, spoken

TOLD = "Gives the answer."


class Family(NamedTuple):
    """How a family of models is asked, and how its output is read."""

    body: Callable[..., dict[str, object]]
    response: Callable[[Mapping[str, Any]], Response]


def family(model: str) -> Family:
    """The family of a model id, inference profile or ARN.

    Raises:
        SettingError: none that is known.
    """
    for mark, found in FAMILIES.items():
        if mark in model:
            return found
    raise SettingError(
        f"language model {model!r}: batches on Bedrock take the model's own format, which is known for "
        f"{' and '.join(sorted(FAMILIES))} models only; use another model, or ragbench generate without a batch"
    )


def _tool_schema(request: Request, structured: bool) -> Mapping[str, object] | None:
    """The schema, where a tool can hold the answer to it."""
    schema = request.schema
    return schema if structured and schema is not None and schema.get("type") == "object" else None


def _anthropic(request: Request, *, structured: bool) -> dict[str, object]:
    schema = _tool_schema(request, structured)
    said = spoken(request, in_prompt=schema is None)
    body: dict[str, object] = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "messages": [{"role": role, "content": [{"type": "text", "text": text}]}
                     for role, text in said if role != "system"],
    }  # fmt: skip
    system = "\n\n".join(text for role, text in said if role == "system")
    if system:
        body["system"] = system
    if schema is not None:
        body["tools"] = [{"name": FORM, "description": TOLD, "input_schema": dict(schema)}]
        body["tool_choice"] = {"type": "tool", "name": FORM}
    return body


def _anthropic_response(output: Mapping[str, Any]) -> Response:
    blocks, usage = output["content"], output.get("usage") or {}
    called = [block["input"] for block in blocks if block.get("type") == "tool_use" and block.get("name") == FORM]
    text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
    return Response(
        json.dumps(called[0], ensure_ascii=False) if called else text,
        Usage(int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)),
        str(output.get("stop_reason") or "stop"),
    )


def _nova(request: Request, *, structured: bool) -> dict[str, object]:
    schema = _tool_schema(request, structured)
    said = spoken(request, in_prompt=schema is None)
    body: dict[str, object] = {
        "schemaVersion": "messages-v1",
        "messages": [{"role": role, "content": [{"text": text}]} for role, text in said if role != "system"],
        "inferenceConfig": {"maxTokens": request.max_tokens, "temperature": request.temperature},
    }
    system = [{"text": text} for role, text in said if role == "system"]
    if system:
        body["system"] = system
    if schema is not None:
        spec = {"name": FORM, "description": TOLD, "inputSchema": {"json": dict(schema)}}
        body["toolConfig"] = {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": FORM}}}
    return body


def _nova_response(output: Mapping[str, Any]) -> Response:
    blocks, usage = output["output"]["message"]["content"], output.get("usage") or {}
    called = [block["toolUse"]["input"] for block in blocks if block.get("toolUse", {}).get("name") == FORM]
    return Response(
        json.dumps(called[0], ensure_ascii=False) if called else "".join(block.get("text") or "" for block in blocks),
        Usage(int(usage.get("inputTokens") or 0), int(usage.get("outputTokens") or 0)),
        str(output.get("stopReason") or "stop"),
    )


FAMILIES = {"anthropic.": Family(_anthropic, _anthropic_response), "amazon.nova": Family(_nova, _nova_response)}
