"""Langfuse's exports: traces with their observations and scores, or a file of each.

Objects as in https://api.reference.langfuse.com: ``GET /api/public/traces``, ``observations`` and ``scores``, and the
exports of its user interface and to object stores, which write the same keys with underscores.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ragbench.core.traces import Feedback, Kind, Span
from ragbench.io.traces.base import Unreadable, tried
from ragbench.io.traces.conventions import meaning
from ragbench.io.traces.values import (
    answer_of,
    between,
    each_once,
    moment,
    name_of,
    number,
    object_of,
    objects_of,
    passages_of,
    query_of,
    whole,
)

TYPES = ("SPAN", "GENERATION", "EVENT", "RETRIEVER", "CHAIN", "AGENT", "TOOL", "EMBEDDING", "EVALUATOR", "GUARDRAIL")
KINDS: dict[str, Kind] = {"RETRIEVER": "retriever", "GENERATION": "model"}


class Langfuse:
    """Reads traces, observations and scores of Langfuse."""

    name = "langfuse"

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is a trace, an observation or a score."""
        return _is_trace(row) or _is_observation(row) or _is_score(row)

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
        """A trace as a root span with its observations, an observation, or a score as a span with only feedback."""
        if _is_observation(row):
            yield _observation(where, row, _trace_of(row))
        elif _is_score(row):
            row = {**row, **_subject(row)}
            trace = _trace_of(row)
            # A score is not a step of the trace, so its span is a child of what it scores and has an id of its own.
            yield Span(where, trace, f"score-{name_of(row.get('id')) or where}", _of(row, "observationId") or trace,
                       feedback=(_score(row),))  # fmt: skip
        else:
            yield from _trace(where, row)


def _is_trace(row: Mapping[str, Any]) -> bool:
    if "id" not in row or "trace_id" in row or "traceId" in row:
        return False
    return "observations" in row or (
        "timestamp" in row and bool({"sessionId", "session_id", "projectId", "htmlPath"} & {*row})
    )


def _is_observation(row: Mapping[str, Any]) -> bool:
    return str(row.get("type", "")).upper() in TYPES and ("traceId" in row or "trace_id" in row)


def _is_score(row: Mapping[str, Any]) -> bool:
    placed = {"traceId", "trace_id", "subject"} & {*row}
    return bool(placed) and ("dataType" in row or "data_type" in row) and "name" in row


def _of(row: Mapping[str, Any], name: str) -> Any:
    """A value by its name in the API, or with underscores."""
    if row.get(name) is not None:
        return row[name]
    return row.get("".join(f"_{char.lower()}" if char.isupper() else char for char in name))


def _subject(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a score is about. Version 3 of the API nests it: ``{"kind": "trace", "id": ...}``."""
    subject = object_of(row.get("subject"))
    if not subject:
        return {}
    if subject.get("kind") == "observation":
        return {"traceId": _of(subject, "traceId"), "observationId": subject.get("id")}
    if subject.get("kind") == "trace":
        return {"traceId": subject.get("id")}
    raise Unreadable(f"the score is about {name_of(subject.get('kind')) or 'something else'}, not about a trace")


def _trace_of(row: Mapping[str, Any]) -> str:
    trace = name_of(_of(row, "traceId"))
    if not trace:
        raise Unreadable("the row has no id of a trace")
    return trace


def _trace(where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
    trace = name_of(row["id"])
    if not trace:
        raise Unreadable("the trace has no id")
    yield Span(
        where, trace, trace, input=query_of(row.get("input")), output=answer_of(row.get("output")),
        start=moment(row.get("timestamp")), seconds=number(row.get("latency")), session=name_of(_of(row, "sessionId")),
        user=name_of(_of(row, "userId")), feedback=tuple(map(_score, objects_of(row.get("scores")))),
    )  # fmt: skip
    for one in objects_of(row.get("observations")):  # none in a list of traces, which has their ids only
        yield tried(_observation, where, one, trace)


def _observation(where: str, row: Mapping[str, Any], trace: str) -> Span:
    id_ = name_of(row.get("id"))
    if not id_:
        raise Unreadable("the observation has no id")
    attributes = object_of(object_of(row.get("metadata")).get("attributes"))
    known = meaning(attributes) if attributes else {}
    kind: Kind = KINDS.get(str(row.get("type", "")).upper()) or known.get("kind", "other")
    found = each_once(passages_of(row.get("output"))) if kind in ("retriever", "reranker") else ()
    usage = object_of(_of(row, "usageDetails") or row.get("usage"))
    start, end = _of(row, "startTime"), _of(row, "endTime")
    failed = str(row.get("level", "")).upper() == "ERROR"
    return Span(
        where, trace, id_, name_of(_of(row, "parentObservationId")) or (trace if id_ != trace else ""), kind,
        query_of(row.get("input")), "" if found else answer_of(row.get("output")), found or known.get("documents", ()),
        moment(start), between(start, end), name_of(_of(row, "sessionId")), name_of(_of(row, "userId")),
        failure=(name_of(_of(row, "statusMessage")) or "the observation has the level ERROR") if failed else "",
        input_tokens=whole(usage.get("input", _of(row, "promptTokens"))),
        output_tokens=whole(usage.get("output", _of(row, "completionTokens"))),
    )  # fmt: skip


def _score(row: Mapping[str, Any]) -> Feedback:
    words = name_of(_of(row, "stringValue"))
    return Feedback(name_of(row.get("name")) or "score", number(row.get("value")), words, name_of(row.get("comment")))
