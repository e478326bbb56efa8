"""OTLP in JSON: what an OpenTelemetry collector or SDK writes to a file, one export request per line or file.

Format: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ragbench.core.traces import Span
from ragbench.io.traces.base import Unreadable, tried
from ragbench.io.traces.conventions import meaning
from ragbench.io.traces.values import between, first_of, moment, name_of, object_of, objects_of

TRACE, SPAN, PARENT = ("traceId", "trace_id"), ("spanId", "span_id"), ("parentSpanId", "parent_span_id")
START, END = ("startTimeUnixNano", "start_time_unix_nano"), ("endTimeUnixNano", "end_time_unix_nano")
FAILED = (2, "2", "STATUS_CODE_ERROR")


class Otlp:
    """Reads export requests: ``{"resourceSpans": [{"scopeSpans": [{"spans": [...]}]}]}``."""

    name = "otlp"

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether it is an export request."""
        return "resourceSpans" in row or "resource_spans" in row

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
        """The spans of an export request, over all resources and scopes."""
        for resource in _list(row, "resourceSpans", "resource_spans"):
            for scope in _list(resource, "scopeSpans", "scope_spans", "instrumentationLibrarySpans"):
                for span in _list(scope, "spans"):
                    yield tried(_span, where, span)


def _span(where: str, span: Mapping[str, Any]) -> Span:
    trace, id_ = name_of(first_of(span, TRACE)), name_of(first_of(span, SPAN))
    if not trace or not id_:
        raise Unreadable("the span has no traceId or spanId")
    start, end = first_of(span, START), first_of(span, END)
    status = object_of(span.get("status"))
    events = [(str(event.get("name", "")), _attributes(event)) for event in _list(span, "events")]
    return Span(
        where, trace, id_, name_of(first_of(span, PARENT)), start=moment(start),
        seconds=between(start, end), failure=failure_of(status.get("code") in FAILED, status.get("message"), events),
        **meaning(_attributes(span), events),
    )  # fmt: skip


def failure_of(failed: bool, message: Any, events: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Why a span failed: the message of its status, or that of the exception among its events; empty if it did not."""
    if not failed:
        return ""
    raised = next((values for name, values in events if name == "exception"), {})
    return name_of(message) or name_of(raised.get("exception.message")) or "the span has the status of an error"


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {str(one.get("key", "")): _value(one.get("value")) for one in _list(holder, "attributes")}


def _value(value: Any) -> Any:
    """The value of an ``AnyValue``, such as ``{"stringValue": "tent"}``."""
    if not isinstance(value, Mapping) or not value:
        return None
    kind, held = next(iter(value.items()))
    kind = kind.replace("_", "").lower()
    if kind == "intvalue":
        return int(held) if isinstance(held, str) and held.lstrip("-").isdecimal() else held
    if kind == "arrayvalue":
        return [_value(one) for one in _list(held, "values")]
    if kind == "kvlistvalue":
        return {str(one.get("key", "")): _value(one.get("value")) for one in _list(held, "values")}
    return held


def _list(row: Any, *names: str) -> list[Mapping[str, Any]]:
    return objects_of(first_of(row, names)) if isinstance(row, Mapping) else []
