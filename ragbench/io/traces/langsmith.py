"""LangSmith's runs: ``client.list_runs`` written as JSON, and the bulk export to Parquet.

Fields as in https://docs.langchain.com/langsmith/run-data-format. ``session_id`` of a run is its project; the
id of the conversation is in the metadata.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ragbench.core.traces import Feedback, Kind, Span
from ragbench.io.traces.base import Unreadable, tried
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

KINDS: dict[str, Kind] = {"retriever": "retriever", "llm": "model"}
SESSIONS = ("session_id", "thread_id", "conversation_id")


class LangSmith:
    """Reads runs, with the runs below them if they are nested."""

    name = "langsmith"

    def recognises(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is a run."""
        return "run_type" in row and "id" in row

    def spans(self, where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
        """The run, and the runs below it."""
        yield tried(_run, where, row)
        for one in objects_of(row.get("child_runs")):
            if self.recognises(one):
                yield from self.spans(where, {"trace_id": row.get("trace_id") or row["id"],
                                              "parent_run_id": row["id"], **one})  # fmt: skip


def _run(where: str, row: Mapping[str, Any]) -> Span:
    id_ = name_of(row["id"])
    trace = name_of(row.get("trace_id")) or (id_ if not row.get("parent_run_id") else "")
    if not id_ or not trace:
        raise Unreadable("the run has no id, or no trace_id")
    kind = KINDS.get(str(row["run_type"]).lower(), "other")
    found = each_once(passages_of(row.get("outputs"))) if kind == "retriever" else ()
    metadata = object_of(object_of(row.get("extra")).get("metadata"))
    start, end = row.get("start_time"), row.get("end_time")
    return Span(
        where, trace, id_, name_of(row.get("parent_run_id")), kind, query_of(row.get("inputs")),
        "" if found else answer_of(row.get("outputs")), found, moment(start), between(start, end),
        session=next((name_of(metadata[key]) for key in SESSIONS if metadata.get(key)), ""),
        user=name_of(metadata.get("user_id")), failure=name_of(row.get("error")),
        input_tokens=whole(row.get("prompt_tokens")), output_tokens=whole(row.get("completion_tokens")),
        feedback=tuple(_feedback(row.get("feedback_stats"))),
    )  # fmt: skip


def _feedback(held: Any) -> Iterator[Feedback]:
    for name, value in object_of(held).items():
        if isinstance(value, Mapping):
            yield Feedback(str(name), number(value.get("avg")))
