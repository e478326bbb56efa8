"""Traces of other tools, in every kind of file."""

from pathlib import Path

from ragbench.io.traces import read_traces
from ragbench.render.traces import answers_of, log_rows, ranking_of, traces_json
from tests.fuzz.target import add, placed


def traces(name: str, file: str, *tokens: str) -> None:
    """Declare one kind of file of traces."""

    def read(data: bytes) -> None:
        path: Path = placed(f"traces/{file}", data)
        found = read_traces([path])
        answers_of(found, "production")
        assert len(list(log_rows(found))) == len(found) == traces_json(found)["requests"]
        ranking_of(found)

    add(f"traces.{name}", read, *tokens)


traces("otlp", "spans.jsonl", "resourceSpans", "stringValue", "intValue", "arrayValue", "kvlistValue", "null")
traces("phoenix", "spans.parquet")
traces("langsmith", "runs.jsonl", "run_type", "child_runs", "retriever", "outputs", "page_content")
traces("langfuse", "export.json", "traceId", "observations", "GENERATION", "RETRIEVER", "subject")
