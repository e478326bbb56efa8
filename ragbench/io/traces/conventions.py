"""What the attributes of a span mean, by the conventions of OpenInference, OpenLLMetry and OpenTelemetry GenAI.

OpenInference: https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md. OpenLLMetry:
https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions. OpenTelemetry:
https://opentelemetry.io/docs/specs/semconv/gen-ai/.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ragbench.core.answers import Source
from ragbench.core.traces import Feedback, Kind
from ragbench.io.traces.values import (
    answer_of,
    each_once,
    first_of,
    name_of,
    number,
    passage,
    passage_of,
    passages,
    passages_of,
    query_of,
    unpacked,
    whole,
)

_DOCUMENT = re.compile(
    r"(retrieval\.documents|reranker\.output_documents)\.(\d+)\.document\.(id|score|content|metadata)"
)
_MESSAGE = re.compile(
    r"(llm\.input_messages|gen_ai\.prompt|llm\.output_messages|gen_ai\.completion)\.(\d+)\.(?:message\.)?(role|content)"
)
LISTS = ("retrieval.documents", "reranker.output_documents", "gen_ai.retrieval.documents")
INPUTS = ("reranker.query", "gen_ai.retrieval.query.text", "input.value", "traceloop.entity.input",
          "gen_ai.input.messages", "langfuse.observation.input", "langfuse.trace.input", "db.query.text")  # fmt: skip
OUTPUTS = ("output.value", "traceloop.entity.output", "gen_ai.output.messages", "langfuse.observation.output",
           "langfuse.trace.output")  # fmt: skip
SESSIONS = ("session.id", "gen_ai.conversation.id", "traceloop.association.properties.session_id",
            "langfuse.session.id", "langsmith.trace.session_id")  # fmt: skip
USERS = ("user.id", "enduser.id", "traceloop.association.properties.user_id", "langfuse.user.id")
TOKENS_IN = ("llm.token_count.prompt", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
TOKENS_OUT = ("llm.token_count.completion", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
KINDS: dict[str, Kind] = {"retriever": "retriever", "reranker": "reranker", "llm": "model", "generation": "model",
                          "retrieval": "retriever", "chat": "model", "text_completion": "model",
                          "generate_content": "model", "completion": "model"}  # fmt: skip
KIND_KEYS = ("openinference.span.kind", "langfuse.observation.type", "traceloop.span.kind", "gen_ai.operation.name",
             "llm.request.type")  # fmt: skip


def meaning(attributes: Mapping[str, Any], events: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> dict[str, Any]:
    """What a span did: the arguments of `ragbench.core.traces.Span` besides its ids and times.

    Args:
        attributes: of the span, with dotted keys.
        events: names and attributes of its events, in order.
    """
    documents = _documents(attributes, events)
    return {
        "kind": _kind(attributes, documents),
        "input": _first_text(attributes, INPUTS, query_of)
        or query_of(_messages(attributes, ("llm.input_messages", "gen_ai.prompt"))),
        "output": _first_text(attributes, OUTPUTS, answer_of)
        or answer_of(_messages(attributes, ("llm.output_messages", "gen_ai.completion"))),
        "documents": each_once(documents),
        "session": _first_text(attributes, SESSIONS, name_of),
        "user": _first_text(attributes, USERS, name_of),
        "input_tokens": whole(first_of(attributes, TOKENS_IN)),
        "output_tokens": whole(first_of(attributes, TOKENS_OUT)),
        "feedback": tuple(_feedback(events)),
    }


def _kind(attributes: Mapping[str, Any], documents: list[Source]) -> Kind:
    for key in KIND_KEYS:
        found = KINDS.get(str(attributes.get(key, "")).lower())
        if found:
            return found
    if documents:
        return "retriever"
    return "model" if any(key in attributes for key in TOKENS_IN) else "other"


def _first_text(attributes: Mapping[str, Any], keys: Iterable[str], read: Callable[[Any], str]) -> str:
    found = (read(attributes[key]) for key in keys if attributes.get(key) is not None)
    return next((text for text in found if text), "")


def _messages(attributes: Mapping[str, Any], prefixes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The messages of a prompt or a completion, from keys such as ``gen_ai.prompt.0.content``, or from a list."""
    for prefix in prefixes:
        if isinstance(attributes.get(prefix), list):
            return [
                {str(key).removeprefix("message."): value for key, value in one.items()}
                for one in attributes[prefix]
                if isinstance(one, Mapping)
            ]
    found: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        part = _MESSAGE.fullmatch(key) if key.startswith(("llm.", "gen_ai.")) else None
        if part is not None and part[1] in prefixes:
            found.setdefault(int(part[2]), {})[part[3]] = value
    return [found[at] for at in sorted(found)]


def _documents(attributes: Mapping[str, Any], events: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Source]:
    for key in LISTS:
        value = unpacked(attributes.get(key))
        if isinstance(value, list | tuple):
            return passages(map(_plain, value))
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for key, value in attributes.items():
        part = _DOCUMENT.fullmatch(key) if key.startswith("re") else None
        if part is not None:
            found.setdefault((part[1], int(part[2])), {})[part[3]] = value
    if found:
        reranked = [one for one in found if one[0].startswith("reranker")] or list(found)
        return passages(found[one] for one in sorted(reranked))
    results = [values for name, values in events if name == "db.query.result"]
    if results:
        return [_of_database(values) for values in results]
    if str(attributes.get("openinference.span.kind", "")).lower() in ("retriever", "reranker"):
        return passages_of(attributes.get("output.value"))
    if str(attributes.get("langfuse.observation.type", "")).lower() == "retriever":
        return passages_of(attributes.get("langfuse.observation.output"))
    return []


def _plain(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    value = value["document"] if isinstance(value.get("document"), Mapping) else value
    return {str(key).removeprefix("document."): one for key, one in value.items()}


def _of_database(values: Mapping[str, Any]) -> Source:
    own = {key.removeprefix("db.query.result."): value for key, value in values.items()}
    return passage_of({**own, "text": own.get("document")}) or passage("", "", own.get("score"), "")


def _feedback(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterable[Feedback]:
    for name, values in events:
        if name == "gen_ai.evaluation.result":
            yield Feedback(
                name_of(values.get("gen_ai.evaluation.name")) or "evaluation",
                number(values.get("gen_ai.evaluation.score.value")),
                name_of(values.get("gen_ai.evaluation.score.label")),
                name_of(values.get("gen_ai.evaluation.explanation")),
            )
