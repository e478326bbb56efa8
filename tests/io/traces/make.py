"""How the files of this folder were made: ``python tests/io/traces/make.py FOLDER``, by the tools' own libraries.

Versions: openinference-instrumentation 0.1.72, opentelemetry-semantic-conventions-ai 0.5.1, opentelemetry-sdk 1.45.2,
opentelemetry-exporter-otlp-json-file 0.66b1, langsmith 0.15.1, langfuse 5.0.4, pandas 3.1.1. Phoenix needs a server, so
``phoenix.parquet`` has the spans of ``openinference.jsonl`` in the columns of its ``get_spans_dataframe``.
"""

import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NIGHT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
ASKED = [
    ("a light tent for two", "The Tarnfell 2.", ["P001", "P017"], [0.91, 0.42]),
    ("gloves for ice climbing", "The Kestrel gloves.", ["P033"], [0.77]),
    ("a stove that burns wood", "", [], []),
]


def at(request: int, seconds: float) -> datetime:
    return NIGHT + timedelta(minutes=request, seconds=seconds)


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def exporting(path: Path) -> Any:
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(str(path))))
    return provider


def openinference(path: Path) -> list[Any]:
    from openinference.instrumentation import (
        Document,
        get_input_attributes,
        get_llm_attributes,
        get_output_attributes,
        get_retriever_attributes,
        get_session_attributes,
        get_span_kind_attributes,
        get_user_id_attributes,
    )  # fmt: skip
    from opentelemetry.trace import StatusCode, set_span_in_context

    provider = exporting(path)
    tracer = provider.get_tracer("shop")
    done = []
    for number, (query, answer, ids, scores) in enumerate(ASKED):
        root = tracer.start_span("rag", start_time=nanoseconds(at(number, 0)))
        root.set_attributes(
            {
                **get_span_kind_attributes("chain"),
                **get_input_attributes({"question": query}),
                **get_session_attributes(session_id=f"visit{number}"),
                **get_user_id_attributes(user_id="u7"),
            }
        )
        inside = set_span_in_context(root)
        search = tracer.start_span("search", context=inside, start_time=nanoseconds(at(number, 0.1)))
        found = [
            Document(id=id_, content=f"text of {id_}", score=score, metadata={"document_id": id_[:4]})
            for id_, score in zip(ids, scores, strict=True)
        ]
        search.set_attributes(
            {
                **get_span_kind_attributes("retriever"),
                **get_input_attributes(query),
                **get_retriever_attributes(documents=found),
            }
        )
        search.end(nanoseconds(at(number, 0.35)))
        if answer:
            model = tracer.start_span("chat", context=inside, start_time=nanoseconds(at(number, 0.4)))
            model.set_attributes(
                {
                    **get_span_kind_attributes("llm"),
                    **get_llm_attributes(
                        input_messages=[{"role": "user", "content": f"Answer: {query}"}],
                        output_messages=[{"role": "assistant", "content": answer}],
                        token_count={"prompt": 120, "completion": 8, "total": 128},
                    ),
                }
            )
            model.end(nanoseconds(at(number, 1.4)))
            root.set_attributes(get_output_attributes({"answer": answer}))
            done.append(model)
        else:
            root.record_exception(RuntimeError("no passage found"))
            root.set_status(StatusCode.ERROR, "RuntimeError: no passage found")
        root.end(nanoseconds(at(number, 1.5)))
        done += [search, root]
    provider.shutdown()
    return done


def openllmetry(path: Path) -> None:
    from opentelemetry.semconv_ai import EventAttributes, Events, SpanAttributes
    from opentelemetry.trace import set_span_in_context

    provider = exporting(path)
    tracer = provider.get_tracer("shop")
    query, answer, ids, _ = ASKED[0]
    root = tracer.start_span("rag.workflow", start_time=nanoseconds(at(0, 0)))
    root.set_attributes(
        {
            SpanAttributes.TRACELOOP_SPAN_KIND: "workflow",
            SpanAttributes.TRACELOOP_ENTITY_INPUT: json.dumps({"args": [query], "kwargs": {}}),
            SpanAttributes.TRACELOOP_ENTITY_OUTPUT: json.dumps(answer),
            f"{SpanAttributes.TRACELOOP_ASSOCIATION_PROPERTIES}.session_id": "visit0",
        }
    )
    inside = set_span_in_context(root)
    search = tracer.start_span("chroma.query", context=inside, start_time=nanoseconds(at(0, 0.1)))
    search.set_attributes({SpanAttributes.VECTOR_DB_VENDOR: "chroma"})
    for id_, distance in zip(ids, (0.2, 0.6), strict=True):
        search.add_event(
            Events.DB_QUERY_RESULT.value,
            {
                EventAttributes.DB_QUERY_RESULT_ID.value: id_,
                EventAttributes.DB_QUERY_RESULT_DISTANCE.value: distance,
                EventAttributes.DB_QUERY_RESULT_DOCUMENT.value: f"text of {id_}",
            },
        )
    search.end(nanoseconds(at(0, 0.35)))
    model = tracer.start_span("openai.chat", context=inside, start_time=nanoseconds(at(0, 0.4)))
    model.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 8,
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": query}]}]),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
            ),
        }
    )
    model.end(nanoseconds(at(0, 1.4)))
    root.end(nanoseconds(at(0, 1.5)))
    provider.shutdown()


def phoenix(path: Path, spans: list[Any]) -> None:
    import pandas as pd

    rows = []
    for span in spans:
        row: dict[str, Any] = {
            "name": span.name,
            "span_kind": span.attributes["openinference.span.kind"],
            "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
            "start_time": datetime.fromtimestamp(span.start_time / 1e9, UTC),
            "end_time": datetime.fromtimestamp(span.end_time / 1e9, UTC),
            "status_code": span.status.status_code.name,
            "status_message": span.status.description or "",
            "context.span_id": f"{span.context.span_id:016x}",
            "context.trace_id": f"{span.context.trace_id:032x}",
        }
        documents: dict[str, dict[str, Any]] = {}
        for key, value in span.attributes.items():
            if key.startswith("retrieval.documents."):
                place, _, name = key.removeprefix("retrieval.documents.").partition(".")
                documents.setdefault(place, {})[name] = value
            elif not key.startswith("llm."):
                row[f"attributes.{key}"] = value
        row["attributes.retrieval.documents"] = list(documents.values()) or None
        rows.append(row)
    pd.DataFrame(rows).to_parquet(path)


def langsmith(path: Path) -> None:
    from langsmith.schemas import Run

    lines = []
    for number, (query, answer, ids, scores) in enumerate(ASKED):
        root, search = (uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}{number}") for kind in ("root", "search"))
        common = {
            "trace_id": root,
            "session_id": uuid.uuid5(uuid.NAMESPACE_URL, "project"),
            "serialized": {},
            "events": [],
            "tags": [],
            "reference_example_id": None,
        }
        documents = [
            {"page_content": f"text of {id_}", "type": "Document", "metadata": {"id": id_, "score": score}}
            for id_, score in zip(ids, scores, strict=True)
        ]
        lines += [
            Run(
                id=root,
                name="rag",
                run_type="chain",
                start_time=at(number, 0),
                end_time=at(number, 1.5),
                inputs={"input": query},
                outputs={"output": answer} if answer else None,
                error=None if answer else "RuntimeError('no passage found')",
                dotted_order=f"{number}",
                extra={"metadata": {"thread_id": f"visit{number}", "user_id": "u7"}},
                feedback_stats={"user_score": {"n": 1, "avg": 1.0}} if number == 0 else None,
                **common,
            ),
            Run(
                id=search,
                name="Retriever",
                run_type="retriever",
                start_time=at(number, 0.1),
                end_time=at(number, 0.35),
                inputs={"query": query},
                outputs={"documents": documents},
                parent_run_id=root,
                dotted_order=f"{number}.1",
                extra={},
                **common,
            ),
        ]
    path.write_text("".join(run.model_dump_json(exclude_none=True) + "\n" for run in lines))


def langfuse(path: Path) -> None:
    from langfuse.api import ObservationV2, ScoreSubjectV3_Trace, ScoreV3_Numeric

    rows: list[Any] = []
    for number, (query, answer, ids, scores) in enumerate(ASKED):
        common = {"trace_id": f"trace{number}", "project_id": "p", "session_id": f"visit{number}", "user_id": "u7"}
        documents = [
            {"id": id_, "page_content": f"text of {id_}", "score": score}
            for id_, score in zip(ids, scores, strict=True)
        ]
        rows += [
            ObservationV2(
                id=f"root{number}",
                type="SPAN",
                name="rag",
                input={"question": query},
                output=answer or None,
                start_time=at(number, 0),
                end_time=at(number, 1.5),
                level="DEFAULT" if answer else "ERROR",
                status_message=None if answer else "no passage found",
                **common,
            ),
            ObservationV2(
                id=f"search{number}",
                type="RETRIEVER",
                name="search",
                input=query,
                output=documents,
                parent_observation_id=f"root{number}",
                start_time=at(number, 0.1),
                end_time=at(number, 0.35),
                level="DEFAULT",
                **common,
            ),
        ]
    rows.append(
        ScoreV3_Numeric(
            id="s1",
            project_id="p",
            name="thumbs",
            value=1.0,
            source="API",
            comment="fits",
            environment="default",
            timestamp=NIGHT,
            created_at=NIGHT,
            updated_at=NIGHT,
            subject=ScoreSubjectV3_Trace(id="trace0"),
        )
    )
    path.write_text(
        json.dumps([json.loads(row.model_dump_json(exclude_none=True, by_alias=True)) for row in rows], indent=1)
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    spans = openinference(folder / "openinference.jsonl")
    openllmetry(folder / "openllmetry.jsonl")
    phoenix(folder / "phoenix.parquet", spans)
    langsmith(folder / "langsmith.jsonl")
    langfuse(folder / "langfuse.json")
