"""Tables with a row per span: Phoenix's data frames and its API, ClickHouse's table of OpenTelemetry, and the like."""

from collections.abc import Iterator, Mapping
from typing import Any

from ragbench.core.traces import Feedback, Span
from ragbench.io.traces.base import Unreadable
from ragbench.io.traces.conventions import meaning
from ragbench.io.traces.otlp import failure_of
from ragbench.io.traces.values import between, first_of, moment, name_of, number, object_of, objects_of, unpacked

TRACE = ("context.trace_id", "trace_id", "traceId", "TraceId")
SPAN = ("context.span_id", "span_id", "spanId", "SpanId")
PARENT = ("parent_id", "parent_span_id", "parentSpanId", "ParentSpanId")
START = ("start_time", "startTime", "startTimeUnixNano", "start_time_unix_nano", "Timestamp")
END = ("end_time", "endTime", "endTimeUnixNano", "end_time_unix_nano")
ATTRIBUTES = ("attributes", "SpanAttributes", "span_attributes")
STATUS = ("status_code", "statusCode", "StatusCode")
MESSAGE = ("status_message", "statusMessage", "StatusMessage")
PREFIX = "attributes."


class SpanTable:
    """Reads rows with the ids of a trace and a span, and attributes in one column or in columns ``attributes.*``."""

    name = "spans"

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether a row has the ids of a trace and a span."""
        row = _with_context(row)
        return first_of(row, TRACE) is not None and first_of(row, SPAN) is not None

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span]:
        """The span of a row."""
        row = _with_context(row)
        trace, id_ = name_of(first_of(row, TRACE)), name_of(first_of(row, SPAN))
        if not trace or not id_:
            raise Unreadable("the row has no id of a trace or span")
        attributes, events = _attributes(row), _events(row.get("events"))
        start, end = first_of(row, START), first_of(row, END)
        nanoseconds = number(row.get("Duration"))
        seconds = between(start, end) if nanoseconds is None else nanoseconds / 1e9
        status = str(first_of(row, STATUS) or "").upper()
        made = meaning(attributes, events)
        made["feedback"] = (*made["feedback"], *_annotations(row))
        yield Span(
            where, trace, id_, name_of(first_of(row, PARENT)), start=moment(start), seconds=seconds,
            failure=failure_of(status in ("ERROR", "STATUS_CODE_ERROR", "2"), first_of(row, MESSAGE), events), **made,
        )  # fmt: skip


def _with_context(row: Mapping[str, Any]) -> Mapping[str, Any]:
    context = object_of(row.get("context"))
    return {**row, **{f"context.{key}": value for key, value in context.items()}} if context else row


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    held = unpacked(first_of(row, ATTRIBUTES))
    if isinstance(held, list):  # a map of Parquet
        held = {str(one[0]): one[1] for one in held if isinstance(one, list | tuple) and len(one) == 2}
    found = _flat(held) if isinstance(held, Mapping) else {}
    if row.get("span_kind") is not None:
        found.setdefault("openinference.span.kind", row["span_kind"])
    for key, value in row.items():
        if key.startswith(PREFIX) and value is not None:
            found[key.removeprefix(PREFIX)] = value
    return found


def _flat(held: Mapping[Any, Any], start: str = "") -> dict[str, Any]:
    """Nested attributes under dotted keys; lists stay as they are."""
    found: dict[str, Any] = {}
    for key, value in held.items():
        name = f"{start}{key}"
        if isinstance(value, Mapping) and name.count(".") < 8:
            found |= _flat(value, f"{name}.")
        elif value is not None:
            found[name] = value
    return found


def _events(held: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return [(str(one.get("name", "")), object_of(one.get("attributes"))) for one in objects_of(held)]


def _annotations(row: Mapping[str, Any]) -> Iterator[Feedback]:
    """Phoenix's annotations of a span, as its API gives them."""
    for one in objects_of(row.get("annotations") or row.get("span_annotations")):
        result = object_of(one.get("result")) or one
        yield Feedback(
            name_of(one.get("name")) or "annotation", number(result.get("score")), name_of(result.get("label")),
            name_of(result.get("explanation")),
        )  # fmt: skip
