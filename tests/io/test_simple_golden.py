"""The simple format: exactly three keys, chunk labels, and a card for what they cannot hold."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ragbench as rb
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import project_labels
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.chunk_labels import label_chunker, label_chunks, with_chunk_labels
from ragbench.io.golden_files import read_golden, write_golden

WORDS = [f"word{n:03d}" for n in range(400)]
CORPUS = Corpus((Document("1001", " ".join(WORDS)), Document("1002", "a small red kettle")))
TEAM = [
    {"query": "first words", "relevant_product_id": 1001, "source_chunk_id": 0},
    {"query": "last words", "relevant_product_id": 1001, "source_chunk_id": 3},
    {"query": "kettle", "relevant_product_id": 1002, "source_chunk_id": 0},
]


def put(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def labels_of(golden: GoldenSet, spec: str, counted: str = "recursive") -> dict[str, dict[str, int]]:
    chunks = label_chunks(CORPUS, spec)
    labelled = with_chunk_labels(golden, label_chunks(CORPUS, counted), counted)
    return project_labels(labelled, chunks, unit="chunk").judgements.to_dict()


def test_a_number_is_exactly_that_chunk_under_its_chunker(tmp_path: Path) -> None:
    """Chunks overlap, and the last is short: by the overlap rule alone its neighbour would be relevant too."""
    golden = read_golden(put(tmp_path / "g.jsonl", TEAM))
    assert labels_of(golden, "recursive") == {"q0001": {"1001#0": 1}, "q0002": {"1001#3": 1}, "q0003": {"1002#0": 1}}
    chunks = chunk(CORPUS, choose_chunker("recursive", passages=False).chunker)[0]
    span = [e for item in with_chunk_labels(golden, chunks, "recursive") for e in item.evidence][1]
    assert CORPUS.by_id["1001"].text[span.start : span.end] == chunks[chunks.row["1001#3"]].text
    # Cut in another way, the chunk counts like any span.
    finer = labels_of(golden, "recursive:size=300,overlap=0")["q0002"]
    assert all(id_.startswith("1001#") for id_ in finer)
    assert len(finer) > 1


def test_ids_of_chunks_and_lists_are_labels_too(tmp_path: Path) -> None:
    rows = [
        {"query": "a", "relevant_product_id": 1001, "source_chunk_id": "1001#2"},
        {"query": "b", "relevant_product_id": 1001, "source_chunk_id": [0, 2.0]},
        {"query": "c", "relevant_product_id": [1001, 1002], "source_chunk_id": [1, 0]},
        {"query": "d", "relevant_product_id": 1001, "source_chunk_id": 1},
        {"query": "d", "relevant_product_id": 1001, "source_chunk_id": 2},
    ]
    golden = read_golden(put(tmp_path / "g.jsonl", rows))
    assert labels_of(golden, "recursive") == {
        "q0001": {"1001#2": 1},
        "q0002": {"1001#0": 1, "1001#2": 1},
        "q0003": {"1001#1": 1, "1002#0": 1},
        "q0004": {"1001#1": 1, "1001#2": 1},
    }
    assert not golden.ledger.entries


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            {"relevant_product_id": 1001, "source_chunk_id": 4},
            r"g\.jsonl:4: source_chunk_id is 4, but 1001 has chunks 0",
        ),
        ({"relevant_product_id": 1002, "source_chunk_id": 1}, r"g\.jsonl:4: .*1002 has chunk 0 alone \(recursive\)"),
        ({"relevant_product_id": 1002, "source_chunk_id": -1}, r"g\.jsonl:4: source_chunk_id is -1"),
        ({"relevant_product_id": 1002, "source_chunk_id": "1001#0"}, r"g\.jsonl:4: source_chunk_id is '1001#0'"),
        ({"relevant_product_id": [1001, 1002], "source_chunk_id": 0}, r"g\.jsonl:4: 2 documents and source_chunk_id 0"),
    ],
)
def test_a_chunk_that_does_not_exist_is_named_with_its_line(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    golden = read_golden(put(tmp_path / "g.jsonl", [*TEAM, {"query": "lid", **row}]))
    with pytest.raises(InputError, match=says):
        labels_of(golden, "recursive")


@pytest.mark.parametrize("chunk_", [1.5, True, {"n": 1}])
def test_a_chunk_label_of_another_kind_is_refused(tmp_path: Path, chunk_: object) -> None:
    path = put(tmp_path / "g.jsonl", [{"query": "x", "relevant_product_id": "P", "source_chunk_id": chunk_}])
    with pytest.raises(InputError, match=r"g\.jsonl:1: 'source_chunk_id' must be"):
        read_golden(path)


def test_the_teams_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    path = put(tmp_path / "g.jsonl", TEAM)
    assert not write_golden(read_golden(path), tmp_path / "again.jsonl", "simple").entries
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()
    assert not (tmp_path / "again.card.jsonl").exists()


def test_what_does_not_fit_is_in_the_card_and_comes_back(tmp_path: Path, sample_data: Path) -> None:
    golden = rb.load_golden(sample_data / "shop")
    chunks = label_chunks(rb.load_corpus(sample_data / "shop" / "product_catalog.csv"), "recursive:size=300,overlap=50")
    told = write_golden(golden, tmp_path / "s.jsonl", "simple", chunks=chunks, chunker="recursive:size=300,overlap=50")
    assert told.counts() == {"in-card": 1}
    rows = rows_of(tmp_path / "s.jsonl")
    assert {tuple(row) for row in rows} == {("query", "relevant_product_id", "source_chunk_id")}
    assert all(isinstance(row["source_chunk_id"], int) for row in rows)
    again = read_golden(tmp_path / "s.jsonl")
    assert again.items == golden.items
    assert again.fingerprint == golden.fingerprint
    assert label_chunker(again, None) == "recursive:size=300,overlap=50"
    # Every quote is in the chunk that its line names, up to the part that an overlap cuts off.
    spans = {(i.text, e.document_id): e for i in golden for e in i.evidence if e.grade > 0}
    for row in rows:
        found = chunks[chunks.row[f"{row['relevant_product_id']}#{row['source_chunk_id']}"]]
        own = [e for i in golden if i.text == row["query"] for e in i.evidence if e.document_id == found.document_id]
        assert any(min(found.end, e.end) > max(found.start, e.start) for e in own if e.end is not None), row
    assert len(spans) <= len(rows)


def test_lines_that_were_edited_count(tmp_path: Path) -> None:
    items = (
        GoldenItem("a", "tent", "keyword", evidence=(Evidence("P1", 0, 4),)),
        GoldenItem("b", "bag", "keyword", evidence=(Evidence("P2", 0, 4),)),
        GoldenItem("c", "not sold", "unanswerable"),
    )
    path = tmp_path / "g.jsonl"
    write_golden(GoldenSet(items), path, "simple")
    rows = rows_of(path)
    rows[1]["relevant_product_id"] = "P3"
    put(path, [*rows, {"query": "new", "relevant_product_id": "P4", "source_chunk_id": 1}])
    golden = read_golden(path)
    assert golden.items[:2] == (items[0], items[2])
    assert [(item.text, item.evidence) for item in golden.items[2:]] == [
        ("bag", (Evidence("P3"),)),
        ("new", (Evidence("P4"),)),
    ]
    assert [(entry.item, entry.code) for entry in golden.ledger.entries] == [("q0002", "card-differs")]


def test_a_card_of_the_team_names_the_chunker(tmp_path: Path) -> None:
    path = put(tmp_path / "g.jsonl", TEAM)
    put(tmp_path / "g.card.jsonl", [{"chunker": "fixed:size=100"}])
    golden = read_golden(path)
    assert label_chunker(golden, None) == "fixed:size=100"
    assert label_chunker(golden, "whole") == "whole"
    write_golden(golden, tmp_path / "again.jsonl", "simple")
    assert label_chunker(read_golden(tmp_path / "again.jsonl"), None) == "fixed:size=100"
    put(tmp_path / "g.card.jsonl", [{"format": "something else"}])
    with pytest.raises(InputError, match=r"g\.card\.jsonl:1: this is no card"):
        read_golden(path)
    put(tmp_path / "g.card.jsonl", [{"format_version": 2}])
    with pytest.raises(InputError, match="format version 2"):
        read_golden(path)


def test_a_set_without_anything_relevant_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no relevant document for any query"):
        write_golden(GoldenSet((GoldenItem("a", "x"),)), tmp_path / "g.jsonl", "simple")


ids = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
grades = st.integers(-1, 3)
evidence = st.builds(Evidence, ids, grade=grades) | st.builds(
    Evidence, ids, st.integers(0, 5), st.integers(6, 9), grades, st.booleans()
)
queries = st.builds(
    GoldenItem,
    id=ids,
    text=ids.filter(str.strip),
    type=st.sampled_from(["", "keyword"]),
    answer=st.none() | ids,
    evidence=st.lists(evidence, max_size=4).map(tuple),
    masked=st.lists(st.builds(Span, ids, st.just(0), st.just(3)), max_size=1).map(tuple),
    metadata=st.dictionaries(ids, st.integers() | ids, max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(queries, min_size=1, max_size=6, unique_by=lambda item: item.id))
def test_no_set_loses_anything_in_a_round_trip(tmp_path_factory: pytest.TempPathFactory, items: list) -> None:
    known = GoldenItem("known", "known", evidence=(Evidence("P"),))
    golden = GoldenSet((*(item for item in items if item.id != "known"), known))
    path = tmp_path_factory.mktemp("simple") / "g.jsonl"
    write_golden(golden, path, "simple")
    again = read_golden(path)
    assert sorted(again.items, key=lambda item: item.id) == sorted(golden.items, key=lambda item: item.id)
    if len({item.text for item in golden}) == len(golden):
        assert again.items == golden.items


def test_labelled_chunks_survive_the_native_format_and_datasets(tmp_path: Path) -> None:
    golden = GoldenSet((GoldenItem("a", "x", evidence=(Evidence("P", 0, 9, 2, chunk=True), Evidence("Q"))),))
    plain = GoldenSet((replace(golden.items[0], evidence=(Evidence("P", 0, 9, 2), Evidence("Q"))),))
    assert golden.fingerprint != plain.fingerprint
    for format in ("native", "hf"):
        write_golden(golden, tmp_path / format, format)
        assert read_golden(tmp_path / format).items == golden.items


def test_several_ids_in_a_cell_and_several_rows(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text(
        'query,relevant_product_id,source_chunk_id\none,P1; P2,0;3\ntwo,"[""a;b"", ""c""]",\n'
        "three,P1,2\nthree,P2,0\nfour,P9,\n"
    )
    one, two, three, four = read_golden(path).items
    assert one.evidence == (Evidence("P1"), Evidence("P2"))
    assert one.metadata == {"source_chunk_id": {"P1": 0, "P2": 3}}
    assert two.evidence == (Evidence("a;b"), Evidence("c"))
    assert three.metadata == {"source_chunk_id": {"P1": 2, "P2": 0}}
    assert (four.source, four.metadata) == ("P9", {})
    path.write_text('query,relevant_product_id\none,"[""a"""\n')
    with pytest.raises(InputError, match=r"set\.csv:2: the cell .* begins like a JSON list and is none"):
        read_golden(path)


def test_a_sheet_that_nobody_filled_in_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "query_id,query,document_id,label\nq1,tent,P1,\nq2,lamp,P2,\n", encoding="utf-8"
    )
    with pytest.raises(rb.InputError, match="'label' is empty in every row"):
        rb.load_golden(tmp_path / "labels.csv")


def test_queries_beside_qrels_may_be_those_of_beir_or_of_an_evaluation(tmp_path: Path) -> None:
    (tmp_path / "qrels.txt").write_text("1 0 a 1\n2 0 b 1\n")
    put(tmp_path / "queries.jsonl", [{"_id": "1", "text": "one", "metadata": {"m": 1}}, {"_id": 2, "text": "two"}])
    golden = read_golden(tmp_path)
    assert [(item.id, item.text, item.metadata) for item in golden] == [("1", "one", {"m": 1}), ("2", "two", {})]


def test_an_evaluation_is_a_golden_set(tmp_path: Path, sample_data: Path) -> None:
    catalogue, out = sample_data / "shop" / "product_catalog.csv", tmp_path / "run"
    first = rb.evaluate(catalogue, sample_data / "shop", ["bm25"], out=out)
    again = rb.evaluate(catalogue, out, ["bm25"])
    assert again.arms[0].metrics["ndcg@10"].mean == first.arms[0].metrics["ndcg@10"].mean


def test_answers_may_name_queries_by_their_id(tmp_path: Path, sample_data: Path) -> None:
    path = put(tmp_path / "answers.jsonl", [{"query": "q001", "answer": "The Tarnfell 2 Winter tent."}])
    scores = rb.score_answers(path, sample_data / "shop", "exact_match")
    assert scores.metrics["exact_match"].mean * scores.metrics["exact_match"].n == pytest.approx(1)
    assert "shelter for two" in rb.answer(golden=sample_data / "shop", answers=path, out=tmp_path / "o").items[0].query
