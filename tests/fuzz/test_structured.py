"""Structured inputs: objects with the right keys and any values, tables with any cells, Parquet columns of any type."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.limits import tried
from tests.fuzz.target import targets
from tests.fuzz.targets.settings import WORKFLOWS

EXAMPLES = 15
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip
MANY = settings(SETTINGS, max_examples=400, derandomize=False)

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "d1",
        "q1",
        "\ud800",
        "\u202e",
        "\0",
        "1",
        "-1",
        "1e999",
        "[1]",
        "{}",
        "yes",
        "true",
        "supported",
        "c1",
        "a;b",
        "null",
    ]
)
NUMBERS = st.integers(-3, 5) | st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**40, 1e308])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def objects(usual: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys, mostly with usual values."""
    fields = {key: st.one_of(values, values, values, ANYTHING) for key, values in usual.items()}
    return st.fixed_dictionaries({}, optional=fields)


def whole(usual: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with all of these keys, now and then with any value."""
    return st.fixed_dictionaries({key: st.one_of(*[values] * 6, ANYTHING) for key, values in usual.items()})


SPAN = {"document_id": TEXTS, "start": st.integers(0, 5), "end": st.integers(5, 9)}
SPANS = st.lists(whole(SPAN) | objects(SPAN), max_size=3)
SOURCES = st.lists(objects({"id": TEXTS, "document_id": TEXTS, "text": TEXTS, "score": NUMBERS}) | TEXTS, max_size=3)
VERDICT = st.sampled_from(["supported", "contradicted", "not found"])
RULES = objects({"must_not": st.lists(TEXTS, max_size=2), "must": st.lists(TEXTS, max_size=2),
                 "secrets": st.lists(TEXTS, max_size=2), "refusal": st.sampled_from(["expected", "allowed",
                 "wrong"])})  # fmt: skip
ANSWER = {"answer_start": st.integers(0, 9), "text": TEXTS}
QUESTION = {
    "id": TEXTS,
    "question": TEXTS,
    "answers": st.lists(whole(ANSWER), max_size=2),
    "is_impossible": st.booleans(),
}

ROWS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "golden.native": whole({"id": TEXTS, "text": TEXTS, "evidence": SPANS, "masked": SPANS, "exclude": st.lists(TEXTS),
                            "metadata": st.dictionaries(TEXTS, ANYTHING, max_size=2)}),
    "golden.simple": whole({"query": TEXTS, "relevant_product_id": TEXTS, "source_chunk_id": TEXTS, "id": TEXTS}),
    "answers.jsonl": whole({"query_id": TEXTS, "query": TEXTS, "answer": TEXTS, "sources": SOURCES,
                            "cited": st.lists(TEXTS, max_size=2), "seconds": NUMBERS, "input_tokens": NUMBERS,
                            "abstained": st.booleans()}),
    "answers.timings": objects({"query_id": TEXTS, "run": NUMBERS, "seconds": NUMBERS, "cost": NUMBERS}),
    "documents.jsonl": objects({"id": TEXTS | NUMBERS, "text": TEXTS, "title": TEXTS}),
    "documents.chunks": whole({"id": TEXTS, "document_id": TEXTS, "start": st.just(0), "end": st.integers(0, 12),
                               "title": TEXTS, "text": TEXTS}),
    "questions.objects": objects({"id": TEXTS, "question": TEXTS}),
    "labels.human-jsonl": whole({"query_id": TEXTS, "item_id": TEXTS, "label": st.integers(-1, 3), "chance": NUMBERS}),
    "labels.judge-lines": whole({"question": TEXTS, "answer": TEXTS, "contexts": st.lists(TEXTS, max_size=2),
                                 "votes": st.dictionaries(TEXTS, st.sampled_from(["yes", "no"]), max_size=3)}),
    "labels.judge-qags": whole({"article": TEXTS, "summary_sentences": st.lists(whole(
        {"sentence": TEXTS, "responses": st.lists(objects({"worker_id": NUMBERS, "response": TEXTS}), max_size=3)}),
        min_size=1, max_size=2)}),
    "rules.cases": whole({"id": TEXTS, "category": TEXTS, "question": TEXTS, "pass": TEXTS, "rules": RULES,
                          "documents": st.lists(whole({"id": TEXTS, "title": TEXTS, "text": TEXTS}), max_size=2)}),
    "services.batch": whole({"custom_id": TEXTS, "recordId": TEXTS, "error": ANYTHING, "response": objects(
        {"status_code": st.just(200), "body": ANYTHING}), "modelOutput": objects({"content": ANYTHING,
        "output": ANYTHING,
                                                                                 "usage": ANYTHING})}),
    "stores.journal": whole({"event": st.sampled_from(["begun", "planned", "state", "created"]), "batch": TEXTS,
                             "id": TEXTS, "format": TEXTS, "version": NUMBERS}),
    "evaluation.history": whole({"arm": TEXTS, "label": TEXTS, "best": st.booleans(), "golden": TEXTS,
                                 "metrics": st.dictionaries(TEXTS, ANYTHING, max_size=2)}),
    "wattbot.pages": whole({"id": TEXTS, "document_id": TEXTS, "page": NUMBERS, "text": TEXTS}),
    "stores.array-texts": objects({"id": TEXTS, "_id": TEXTS, "title": TEXTS, "text": TEXTS}),
}  # fmt: skip
WHOLE: dict[str, st.SearchStrategy[Any]] = {
    "golden.squad": objects({"data": st.lists(whole({"title": TEXTS, "paragraphs": st.lists(whole(
        {"context": TEXTS, "qas": st.lists(whole(QUESTION), max_size=2)}), max_size=2)}), max_size=2)}),
    "labels.json": st.dictionaries(TEXTS, st.dictionaries(TEXTS, NUMBERS, max_size=2) | ANYTHING, max_size=2),
    "runs.json": st.dictionaries(TEXTS, st.dictionaries(TEXTS, NUMBERS, max_size=2) | ANYTHING, max_size=2),
    "documents.json": st.lists(objects({"id": TEXTS, "text": TEXTS}) | ANYTHING, max_size=3) | ANYTHING,
    "services.search": objects({"query_id": TEXTS, "error": TEXTS, "results": st.lists(
        objects({"id": TEXTS | NUMBERS, "score": NUMBERS}) | TEXTS, max_size=4)}),
    "services.answer": objects({"answer": TEXTS, "sources": SOURCES, "cited": st.lists(TEXTS),
    "abstained": st.booleans(),
                                "failure": TEXTS, "cost": NUMBERS, "metadata": ANYTHING}),
    "services.completion": objects({"choices": st.lists(objects({"message": objects(
        {"content": TEXTS | ANYTHING, "refusal": ANYTHING}), "finish_reason": TEXTS}), max_size=2), "error": ANYTHING,
        "usage": objects({"prompt_tokens": NUMBERS, "completion_tokens": NUMBERS})}),
    "replies.judge-verdicts": objects({"verdicts": st.lists(whole({"statement": st.integers(1, 2), "reason": TEXTS,
        "sources": st.fixed_dictionaries({"1": VERDICT, "2": VERDICT}), "together": VERDICT}), min_size=2,
        max_size=2)}),
    "replies.judge-usefulness": objects({"sources": st.lists(whole({"source": st.integers(1, 2), "reason": TEXTS,
                                                                    "useful": st.booleans()}), min_size=2,
                                                                    max_size=2)}),
    "replies.judge-statements": objects({"statements": st.lists(whole({"quote": TEXTS, "statement": TEXTS}),
    max_size=3)}),
    "replies.judge-questions": objects({"questions": st.lists(TEXTS, min_size=2, max_size=2),
                                        "noncommittal": st.booleans()}),
    "replies.writer": objects({"queries": st.lists(whole({"number": st.integers(1, 2), "type": TEXTS, "query": TEXTS,
                                                          "answer": TEXTS, "quotes": st.lists(TEXTS)}), max_size=3)}),
    "replies.review": objects({"valid": st.booleans(), "reason": TEXTS, "certainty": TEXTS, "argument": TEXTS}),
    "replies.answer": objects({"answer": TEXTS, "citations": st.lists(st.integers(0, 4)), "is_unknown": st.booleans()}),
    "replies.competition": objects({"answer": TEXTS, "answer_value": TEXTS, "ref_id": st.lists(TEXTS),
                                    "is_blank": st.booleans(), "supporting_materials": TEXTS, "explanation": TEXTS}),
    "results.gate": objects({"schema_version": st.just(1) | NUMBERS, "rules": ANYTHING, "outcome": TEXTS}),
    "results.ab": objects({"version": st.just(1) | NUMBERS, "decision": TEXTS, "comparisons": ANYTHING}),
    "stores.run-mark": objects({"format": TEXTS, "fingerprint": TEXTS, "format_version": NUMBERS}),
}  # fmt: skip
RULE = objects({"metric": st.sampled_from(["ndcg@10", "recall@5", "x"]), "min": NUMBERS, "max": NUMBERS,
"margin": NUMBERS,
                "decide": TEXTS, "slice": TEXTS, "latency": TEXTS, "cost": TEXTS, "name": TEXTS,
                "role": TEXTS})  # fmt: skip
YAML: dict[str, st.SearchStrategy[Any]] = {
    "rules.gate": objects({"rules": st.lists(RULE, max_size=3), "gates": NUMBERS, "false_alarms": NUMBERS}),
    "prices.yaml": st.dictionaries(TEXTS, whole({"input": NUMBERS, "output": NUMBERS}), max_size=2),
    "collections.list": objects({"collections": st.lists(objects({"name": TEXTS, "url": TEXTS, "bytes": NUMBERS}),
    max_size=2)}),
    **{f"config.yaml {command}": objects(dict.fromkeys(module.Options.__dataclass_fields__, ANYTHING))
       for command, module in WORKFLOWS.items()},
}  # fmt: skip
CELLS = st.sampled_from(
    ["1", "0", "a", "yes", "no", "2026-01-31", "1.5", "-1", "", "['a' 'b']", '["x"]', "NaN", "inf", "{}"]
)
TABLES: dict[str, tuple[str, ...]] = {
    "golden.table": ("query", "document", "label", "query_id"),
    "labels.human-csv": ("query_id", "item_id", "label", "chance", "systems", "metric"),
    "labels.review": ("id", "query", "decision", "edited_text", "grade", "comment"),
    "labels.judge-table": ("question", "answer", "contexts", "label", "annotator"),
    "questions.table": ("id", "question", "topic"),
    "answers.csv": ("id", "question", "answer", "contexts", "source_ids", "abstained", "cost"),
    "events.csv": ("user_id", "variant", "converted", "order_value", "timestamp"),
    "wattbot.questions": ("id", "question", "answer", "answer_value", "answer_unit", "ref_id"),
    "documents.csv": ("id", "text", "title", "n"),
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "documents.parquet": ("id", "text", "title", "n"),
    "documents.chunks-parquet": ("id", "document_id", "start", "end", "title", "text"),
    "labels.parquet": ("query_id", "item_id", "label"),
    "runs.parquet": ("query_id", "item_id", "score"),
    "questions.parquet": ("id", "question", "n"),
    "answers.parquet": ("id", "question", "answer", "contexts", "cost", "abstained"),
    "events.parquet": ("user_id", "variant", "converted", "order_value", "timestamp"),
}
INT64 = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["a", "b", "control"])
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), STRINGS), (pa.large_string(), STRINGS), (pa.int64(), INT64), (pa.float64(), st.floats()),
    (pa.float16(), st.floats(width=16)), (pa.bool_(), st.booleans()), (pa.binary(), st.binary(max_size=3)),
    (pa.uint64(), st.integers(0, 2**64 - 1)), (pa.timestamp("us"), st.integers(-(2**62), 2**62)),
    (pa.timestamp("ns", "Europe/Berlin"), st.integers(-(2**62), 2**62)), (pa.date32(), st.integers(-(10**6), 10**6)),
    (pa.time64("us"), st.integers(0, 10**10)), (pa.duration("s"), st.integers(-(2**40), 2**40)),
    (pa.decimal128(38, 2), st.decimals(-(10**9), 10**9, places=2)), (pa.list_(pa.string()), st.lists(STRINGS,
    max_size=2)),
    (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": st.integers(0, 3)})), (pa.null(), st.none()),
    (pa.dictionary(pa.int32(), pa.string()), STRINGS),
]  # fmt: skip


@st.composite
def parquet(draw: st.DrawFn, names: tuple[str, ...]) -> bytes:
    """A Parquet file with some of these columns, each of any type."""
    rows = draw(st.integers(0, 4))
    columns: dict[str, pa.Array] = {}
    for name in names:
        if draw(st.integers(0, 9)):
            usual = KINDS[:4] if draw(st.booleans()) else KINDS
            kind, values = draw(st.sampled_from(usual))
            cells = draw(st.lists(values | st.none() if draw(st.booleans()) else values, min_size=rows, max_size=rows))
            columns[name] = pa.array(cells, type=kind)
    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


@st.composite
def table(draw: st.DrawFn, names: tuple[str, ...]) -> bytes:
    """A CSV file with some of these columns."""
    head = [name for name in names if draw(st.integers(0, 9))]
    made = io.StringIO()
    writer = csv.writer(made, delimiter=draw(st.sampled_from(",;\t")))
    writer.writerow(head)
    for _ in range(draw(st.integers(0, 5))):
        writer.writerow([draw(CELLS | TEXTS) for _ in head])
    return made.getvalue().encode("utf-8", "surrogatepass")


def in_lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def in_yaml(command: str, value: Any) -> bytes:
    try:
        text = yaml.safe_dump(value, allow_unicode=True)
    except yaml.YAMLError:
        text = json.dumps(value)
    return f"# {command}\n{text}".encode("utf-8", "surrogatepass")


def inputs() -> dict[str, st.SearchStrategy[bytes]]:
    """A strategy of inputs for each target with a structure."""
    found = {name: st.lists(rows, max_size=3).map(in_lines) for name, rows in ROWS.items()}
    found |= {name: values.map(lambda value: json.dumps(value).encode()) for name, values in WHOLE.items()}
    found |= {name: values.map(_yaml_of(name.partition(" ")[2])) for name, values in YAML.items()}
    found |= {name: table(names) for name, names in TABLES.items()}
    return found | {name: parquet(names) for name, names in COLUMNS.items()}


def _yaml_of(command: str) -> Callable[[Any], bytes]:
    return lambda value: in_yaml(command, value)


def check(name: str, data: bytes) -> None:
    fault = tried(targets()[name.partition(" ")[0]], data)
    assert fault is None, f"{fault.said}\n{fault.trace}"


@pytest.mark.parametrize("name", inputs())
def test_structured_inputs_are_read_or_refused(name: str) -> None:
    SETTINGS(given(inputs()[name])(lambda data: check(name, data)))()


@pytest.mark.slow
@pytest.mark.parametrize("name", inputs())
def test_many_structured_inputs_are_read_or_refused(name: str) -> None:
    MANY(given(inputs()[name])(lambda data: check(name, data)))()
