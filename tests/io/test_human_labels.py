"""Labels of annotators in every kind of file say the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import ragbench as rb
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.io.golden_files import write_golden
from ragbench.io.human_labels import read_human_labels
from ragbench.io.spreadsheet import read_workbook
from ragbench.io.trec import write_qrels

LABELS = {"q1": {"a": 2, "b": 0}, "q2": {"c": 1, "=d": 3}}
PAIRS = [(query, item, label) for query, row in LABELS.items() for item, label in row.items()]
GOLDEN = GoldenSet(
    tuple(
        GoldenItem(
            query, f"text of {query}", evidence=tuple(Evidence(item, grade=label) for item, label in row.items())
        )
        for query, row in LABELS.items()
    )
)


def qrels(folder: Path) -> Path:
    write_qrels(rb.Judgements.from_dict(LABELS), folder / "human.qrels")
    return folder / "human.qrels"


def nested(folder: Path) -> Path:
    (folder / "human.json").write_text(json.dumps(LABELS))
    return folder / "human.json"


def golden_folder(folder: Path) -> Path:
    write_golden(GOLDEN, folder / "set")
    return folder / "set"


def golden_lines(folder: Path) -> Path:
    write_golden(GOLDEN, folder / "golden.jsonl")
    return folder / "golden.jsonl"


def evaluation(folder: Path) -> Path:
    (folder / "run").mkdir()
    write_qrels(rb.Judgements.from_dict(LABELS), folder / "run" / "qrels.trec")
    return folder / "run"


def beir(folder: Path) -> Path:
    write_golden(GOLDEN, folder / "beir", "beir")
    return folder / "beir"


def table(folder: Path) -> Path:
    rows = [f"{query};'{item};{label}" if item[0] == "=" else f"{query};{item};{label}" for query, item, label in PAIRS]
    (folder / "labels.csv").write_text("\n".join(["query_id;item_id;label", *rows, "q3;e;"]) + "\n")
    return folder / "labels.csv"


def lines(folder: Path) -> Path:
    rows = [{"qid": query, "docno": item, "relevance": label, "by": "Ann"} for query, item, label in PAIRS]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, [*rows, {"qid": "q3", "docno": "e"}])) + "\n")
    return folder / "labels.jsonl"


def workbook(folder: Path) -> Path:
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="writes the workbook")
    book = xlsxwriter.Workbook(folder / "labels.xlsx", {"strings_to_formulas": False})
    sheet = book.add_worksheet()
    for at, row in enumerate([("query_id", "comment", "item_id", "label"), *((q, "", d, n) for q, d, n in PAIRS)]):
        sheet.write_row(at, 0, row)
    book.close()
    return folder / "labels.xlsx"


KINDS = [qrels, nested, golden_folder, golden_lines, evaluation, beir, table, lines, workbook]


@pytest.mark.parametrize("write", KINDS, ids=lambda write: write.__name__)
def test_every_kind_of_file_gives_the_same_labels(write: Callable[[Path], Path], tmp_path: Path) -> None:
    assert read_human_labels(write(tmp_path)).judgements.to_dict() == LABELS


def test_a_simple_golden_set_labels_its_relevant_items(tmp_path: Path) -> None:
    path = tmp_path / "simple.jsonl"
    rows = [{"id": "q1", "query": "red", "relevant_product_id": ["a", "b"], "label": 2}, {"id": "q2", "query": "blue"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read_human_labels(path).judgements.to_dict() == {"q1": {"a": 2, "b": 2}, "q2": {}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "query_id,item_id,label\nq1,a,high\n", r"x\.csv:2: the label of item 'a' for query 'q1' is 'high'"),
        ("x.csv", "query_id,item_id,label\nq1,,1\n", r"x\.csv:2: the label '1' has no 'item_id'"),
        ("x.csv", "query_id,item_id,label\nq1,a,\n", r"x\.csv: no row has a label; write whole numbers"),
        ("x.csv", "query_id,item_id,label\nq1,a,1\nq1,a,0\n", r"x\.csv:3: item 'a' is labelled 0 .* and 1 further up"),
        ("x.csv", "id,decision,edited_text,grade,comment\nq1,accept,,,\n", "ragbench golden review import"),
        ("x.jsonl", '{"qid": "q1", "docno": "a", "label": 1.5}\n', r"x\.jsonl:1: the label of item 'a'"),
        ("x.xlsx", "no workbook", r"x\.xlsx: not a readable \.xlsx file .*; save the sheet as CSV"),
    ],
)
def test_errors_name_file_and_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_human_labels(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        read_human_labels(tmp_path / "nowhere")


def test_a_workbook_keeps_texts_numbers_and_empty_cells(tmp_path: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="writes the workbook")
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    sheet.write_row(0, 0, ["a", "b", "c"])
    sheet.write_rich_string(2, 0, "plain ", bold, "bold", " é <&>")
    sheet.write_number(2, 2, 2)
    sheet.write_formula(3, 1, "=1+1", None, 2)
    book.add_worksheet().write(0, 0, "second sheet")
    book.close()
    table = read_workbook(path)
    assert (table.header, table.lines) == (["a", "b", "c"], [3, 4])
    assert table.cells == [["plain bold é <&>", None, "2"], [None, "2", None]]


def test_labels_of_documents_are_refused_where_chunks_are_judged() -> None:
    golden = GoldenSet(tuple(GoldenItem(f"q{i}", "x", evidence=(Evidence(f"d{i}"),)) for i in range(12)))
    run = rb.Run.from_dict({f"q{i}": {f"d{i}#0": 1.0, f"d{i}#1": 0.5} for i in range(12)})
    labels = rb.Judgements.from_dict({f"q{i}": {f"d{i}#0": 1} for i in range(12)})
    from ragbench.core.scored import QueryTable, ScoredRun

    ids = list(labels.query_ids)
    scores = rb.score(run, labels, "ndcg@10")
    one, two = (ScoredRun(name, scores, QueryTable(ids, ids, ids, ids), run, labels) for name in ("one", "two"))
    with pytest.raises(InputError, match=r"no labelled item \(d0, d1, d10, \.\.\.\) is an item of the evaluation"):
        rb.compare(one, two, human=golden)
