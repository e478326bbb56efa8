"""Traces, in files that the tools' own libraries wrote (``tests/io/traces/make.py``)."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.core.traces import Traces

TOOLS = Path(__file__).parent / "traces"
QUERIES = ["a light tent for two", "gloves for ice climbing", "a stove that burns wood"]
FILES = {
    "openinference.jsonl": "otlp",
    "phoenix.parquet": "spans",
    "langsmith.jsonl": "langsmith",
    "langfuse.json": "langfuse",
}


def ingest(*paths: Path, out: Path | None = None) -> Traces:
    return rb.ingest_traces(paths, out=out)


@pytest.mark.parametrize("name", FILES)
def test_the_same_requests_are_read_from_every_tool(name: str) -> None:
    found = ingest(TOOLS / name)
    assert list(found.formats) == [FILES[name]]
    assert [one.query for one in found.requests] == QUERIES
    assert [one.answer for one in found.requests] == ["The Tarnfell 2.", "The Kestrel gloves.", ""]
    ids = [[(source.id, source.score) for source in one.documents] for one in found.requests]
    assert ids == [[("P001", 0.91), ("P017", 0.42)], [("P033", 0.77)], []]
    assert found.requests[0].documents[0].text == "text of P001"
    assert all(one.retrieved for one in found.requests)
    assert [one.session for one in found.requests] == ["visit0", "visit1", "visit2"]
    assert {one.user for one in found.requests} == {"u7"}
    assert [one.seconds for one in found.requests] == pytest.approx([1.5] * 3)
    assert [one.retrieval_seconds for one in found.requests] == pytest.approx([0.25] * 3)
    assert str(found.requests[1].time) == "2026-05-04 08:01:00"
    assert [bool(one.failure) for one in found.requests] == [False, False, True]
    assert "no passage found" in found.requests[2].failure
    assert not found.ledger.entries


def test_openllmetry_has_results_in_events_and_messages_in_json() -> None:
    (one,) = ingest(TOOLS / "openllmetry.jsonl").requests
    assert (one.query, one.answer, one.session) == (QUERIES[0], "The Tarnfell 2.", "visit0")
    assert [source.id for source in one.documents] == ["P001", "P017"]
    assert (one.input_tokens, one.output_tokens) == (120, 8)
    assert (one.seconds, one.retrieval_seconds) == (1.5, 0.25)


def test_token_counts_of_openinference() -> None:
    found = ingest(TOOLS / "openinference.jsonl")
    assert [(one.input_tokens, one.output_tokens) for one in found.requests] == [(120, 8), (120, 8), (None, None)]


def test_feedback_of_langfuse_and_langsmith() -> None:
    (said,) = ingest(TOOLS / "langfuse.json").requests[0].feedback
    assert (said.name, said.score, said.comment) == ("thumbs", 1.0, "fits")
    (said,) = ingest(TOOLS / "langsmith.jsonl").requests[0].feedback
    assert (said.name, said.score) == ("user_score", 1.0)


def test_the_folder_is_read_by_the_other_jobs(tmp_path: Path) -> None:
    ingest(TOOLS / "langfuse.json", out=tmp_path / "live")
    log = rb.read_search_log(tmp_path / "live" / "log.jsonl")
    assert [search.query for search in log] == QUERIES
    assert [search.results for search in log] == [("P001", "P017"), ("P033",), ()]
    assert str(log.searches[0].time) == "2026-05-04 08:00:00"
    run = rb.read_run(tmp_path / "live" / "rankings.json")
    assert run.query_ids == ["trace0", "trace1", "trace2"]
    assert run.ranking(0) == [("P001", 0.91), ("P017", 0.42)]
    answers = rb.load_answers(tmp_path / "live" / "answers")
    assert [one.failure for one in answers] == ["", "", "no passage found"]
    assert [one.seconds for one in answers] == pytest.approx([1.5] * 3)
    assert answers.items[0].metadata == {"feedback": {"thumbs": 1.0}}
    feedback = [json.loads(line) for line in (tmp_path / "live" / "feedback.jsonl").read_text().splitlines()]
    assert [(row["query_id"], row["name"], row["score"]) for row in feedback] == [("trace0", "thumbs", 1.0)]
    assert (rb.score_answers(answers, metrics=["length"]).metrics["length"].mean or 0) > 0
    assert json.loads((tmp_path / "live" / "traces.json").read_text())["requests"] == 3


def test_the_same_traces_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ingest(TOOLS / "openinference.jsonl", out=tmp_path / name)
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.json*")}
        for name in ("a", "b")
    )
    assert first == second
    assert len(first) == 8


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def span(trace: str, id_: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    attributes = {key.replace("__", "."): value for key, value in attributes.items()}
    return {"trace_id": trace, "span_id": id_, "parent_id": parent, "attributes": attributes}


def test_what_is_skipped_is_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "spans.jsonl",
        span("t1", "a", input__value="tent"),
        span("t1", "a", input__value="tent"),
        span("t2", "b"),
        {"level": "info"},
        {"trace_id": "", "span_id": "c"},
    )
    found = ingest(path)
    assert [one.query for one in found.requests] == ["tent"]
    assert found.ledger.counts() == {"no-query": 1, "repeated-span": 1, "unknown-row": 1, "unreadable-row": 1}
    assert {entry.item for entry in found.ledger.entries} == {f"{path}:{line}" for line in (2, 3, 4, 5)}


def otlp_span(id_: str) -> dict[str, Any]:
    query = {"key": "input.value", "value": {"stringValue": "tent"}}
    return {"traceId": f"t{id_}", "spanId": id_, "attributes": [query]}


@pytest.mark.parametrize(
    "row",
    [
        {"resourceSpans": [{"scopeSpans": [{"spans": [otlp_span("a"), otlp_span(""), otlp_span("b")]}]}]},
        {"id": "a", "run_type": "chain", "inputs": {"query": "tent"}, "child_runs": [
            {"id": "", "run_type": "llm"}, {"id": "b", "run_type": "llm"}]},
        {"id": "a", "input": "tent", "observations": [{"type": "SPAN"}, {"id": "b", "type": "SPAN"}]},
    ],
)  # fmt: skip
def test_a_span_without_an_id_does_not_hide_those_after_it(tmp_path: Path, row: dict[str, Any]) -> None:
    found = ingest(write(tmp_path / "spans.jsonl", row))
    assert found.spans == 2
    assert found.ledger.counts() == {"unreadable-row": 1}


def test_the_last_reranker_has_the_ranking(tmp_path: Path) -> None:
    documents = [{"document.id": id_, "document.content": id_, "document.score": 0.5} for id_ in ("a", "b", "c")]
    path = write(
        tmp_path / "spans.jsonl",
        span("t", "root", input__value="tent"),
        span("t", "r", "root", openinference__span__kind="RETRIEVER", retrieval__documents=documents),
        span("t", "x", "root", openinference__span__kind="RERANKER", reranker__output_documents=documents[:0:-1]),
    )
    (one,) = ingest(path).requests
    assert [source.id for source in one.documents] == ["c", "b"]


def test_parts_that_share_the_id_of_their_document_keep_their_texts(tmp_path: Path) -> None:
    parts = [{"page_content": text, "metadata": {"source": name}}
             for text, name in (("one", "a.pdf"), ("two", "a.pdf"), ("three", "b.pdf"), ("two", "a.pdf"))]  # fmt: skip
    run = {"id": "r", "run_type": "retriever", "inputs": {"query": "tent"}, "outputs": {"documents": parts}}
    (found,) = ingest(write(tmp_path / "runs.jsonl", run)).requests
    assert [(one.id, one.text) for one in found.documents] == [("a.pdf", "one\n\ntwo"), ("b.pdf", "three")]


def test_scores_that_contradict_the_order_become_ranks(tmp_path: Path) -> None:
    documents = [{"document.id": id_, "document.score": score} for id_, score in (("a", 0.2), ("b", 0.6))]
    path = write(tmp_path / "s.jsonl", span("t", "r", input__value="tent", retrieval__documents=documents))
    ingest(path, out=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "rankings.json").read_text()) == {"t": {"a": 1.0, "b": 0.5}}


def test_a_service_in_front_that_is_not_traced(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", span("t", "r", "not-exported", input__value='{"q": "tent"}'))
    assert ingest(path).requests[0].query == "tent"


def test_the_last_message_of_the_user_is_the_query(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "tent"},
                {"role": "assistant", "content": "Which?"}, {"role": "user", "content": "a light one"}]  # fmt: skip
    path = write(tmp_path / "s.jsonl", span("t", "r", input__value=json.dumps({"messages": messages})))
    assert ingest(path).requests[0].query == "a light one"


def test_a_trace_may_be_spread_over_gzipped_files(tmp_path: Path) -> None:
    lines = (TOOLS / "openinference.jsonl").read_bytes().splitlines(keepends=True)
    for name, part in (("a", lines[::2]), ("b", lines[1::2])):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"".join(part)))
    assert [one.query for one in ingest(tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz").requests] == QUERIES


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1, 2]", '{"data": 3}', "no JSON", '{"resourceSpans": 7}'])
def test_files_without_traces_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(rb.InputError, match=r"x\.json"):
        ingest(path)
    with pytest.raises(rb.InputError, match="no such file"):
        ingest(tmp_path / "missing.json")
    with pytest.raises(rb.InputError, match="folder"):
        ingest(tmp_path)


@pytest.mark.slow
def test_a_hundred_thousand_spans_take_less_than_twenty_seconds(tmp_path: Path) -> None:
    # Seconds of the processor, because other work on the machine is not what is measured.
    documents = [{"document.id": f"P{n}", "document.content": "a text " * 40, "document.score": 1 - n / 10}
                 for n in range(5)]  # fmt: skip
    rows = []
    for number in range(25_000):
        trace = f"t{number}"
        rows += [
            span(trace, "root", input__value="tent", output__value="The Tarnfell 2."),
            span(trace, "r", "root", openinference__span__kind="RETRIEVER", retrieval__documents=documents),
            span(trace, "l", "root", openinference__span__kind="LLM", llm__token_count__prompt=7),
            span(trace, "o", "root"),
        ]
    path = write(tmp_path / "spans.jsonl", *rows)
    start = time.process_time()
    assert len(ingest(path, out=tmp_path / "out")) == 25_000
    assert time.process_time() - start < 20
