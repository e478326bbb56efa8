"""The energy-and-AI set: the PDFs say what the questions rest on."""

import ast
import csv
import importlib.util
import json
import operator
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "datasets" / "energy_ai"
COLUMNS = [
    *("id", "question", "answer", "answer_value", "answer_unit"),
    *("ref_id", "ref_url", "supporting_materials", "explanation"),
]
BLANK = "is_blank"
RANGE = re.compile(r"\[(-?[\d.]+),(-?[\d.]+)\]")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ids(text: str) -> list[str]:
    return [] if text == BLANK else ast.literal_eval(text)


@pytest.fixture(scope="module")
def pages() -> dict[str, list[str]]:
    """The text of each page as pypdf reads it, blanks and line ends evened out."""
    pypdf = pytest.importorskip("pypdf")
    return {
        path.stem: [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages]
        for path in sorted((FOLDER / "pdf").glob("*.pdf"))
    }


@pytest.fixture(scope="module")
def texts(pages) -> dict[str, str]:
    return {id_: " ".join(parts) for id_, parts in pages.items()}


def numbers(text: str) -> set[float]:
    """Every number in a text, ``1,284`` read as 1284."""
    return {float(found.replace(",", "")) for found in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)}


def evaluate(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
    assert isinstance(node, ast.Constant)
    return float(node.value)


def test_pdfs_come_out_the_same_again():
    fpdf = pytest.importorskip("fpdf", reason="fpdf2 is not installed; the PDFs are read by pypdf in the other tests")
    spec = importlib.util.spec_from_file_location("energy_ai_pdfs", FOLDER / "make_pdfs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if fpdf.__version__ != module.FPDF_VERSION:
        pytest.skip(f"fpdf2 {fpdf.__version__} may set lines otherwise than {module.FPDF_VERSION}")
    made = module.build()
    assert sorted(made) == sorted(path.name for path in (FOLDER / "pdf").iterdir())
    for name, content in made.items():
        assert (FOLDER / "pdf" / name).read_bytes() == content, f"run python datasets/energy_ai/make_pdfs.py: {name}"


def test_every_word_of_the_sources_is_in_the_pdf(texts):
    """Independent of the script: the Markdown's words, in order, against what pypdf extracts."""
    for path in sorted((FOLDER / "sources").glob("*.md")):
        body = re.sub(
            r"<!--.*?-->|^#+ |^\|[-|]+\|$|^_|_$|\|", " ", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        for line in body.splitlines():
            words = " ".join(line.split())
            parts = re.split(r"(?<=[.:;]) ", words)  # a page break may fall between two sentences
            assert all(part in texts[path.stem] for part in parts), f"{path.name}: {words}"


def test_reports_have_two_to_four_pages_and_one_is_empty(pages):
    assert all(2 <= len(parts) <= 4 for parts in pages.values())
    empty = [(id_, at) for id_, parts in pages.items() for at, text in enumerate(parts, start=1) if not text]
    assert empty == [("quill2023", 2)]


def test_every_other_page_has_its_header(pages):
    for id_, parts in pages.items():
        source = (FOLDER / "sources" / f"{id_}.md").read_text(encoding="utf-8")
        header = re.findall(r"<!-- header: (.+) -->", source)[0]
        for at, text in enumerate(parts, start=1):
            assert not text or text.startswith(f"{header} Page {at} "), (id_, at)


def test_metadata_names_the_reports(pages):
    metadata = rows("metadata.csv")
    assert list(metadata[0]) == ["id", "type", "title", "year", "citation", "url"]
    assert [row["id"] for row in metadata] == sorted(pages)
    for row in metadata:
        assert row["title"] in pages[row["id"]][0]
        assert row["url"].startswith("https://example.org/")
        assert row["url"] in row["citation"]


def test_questions_cover_every_kind_of_answer():
    questions = rows("train_QA.csv")
    assert list(questions[0]) == COLUMNS
    assert len({row["id"] for row in questions}) == len(questions) >= 30
    kinds = Counter(kind_of(row) for row in questions)
    assert set(kinds) == {"a number", "a range", "true or false", "a word or name", "unanswerable"}
    assert min(kinds.values()) >= 5
    card = (FOLDER / "CARD.md").read_text(encoding="utf-8")
    assert f"{len(questions)} questions with answers" in card
    for kind, count in kinds.items():
        assert f"| {kind} | {count} |" in card, (kind, count)


def kind_of(row: dict[str, str]) -> str:
    if row["ref_id"] == BLANK:
        return "unanswerable"
    if row["question"].startswith("True or False:"):
        return "true or false"
    if RANGE.fullmatch(row["answer_value"]):
        return "a range"
    return "a number" if re.fullmatch(r"[\d.]+", row["answer_value"]) else "a word or name"


def test_references_exist_and_match_their_urls():
    url = {row["id"]: row["url"] for row in rows("metadata.csv")}
    for row in rows("train_QA.csv"):
        assert [url[id_] for id_ in ids(row["ref_id"])] == ids(row["ref_url"]), row["id"]


def test_evidence_stands_in_a_referenced_report(texts):
    for row in rows("train_QA.csv"):
        refs = ids(row["ref_id"])
        used = set()
        for quote in re.findall(r'"(.+?)"(?: \.\.\. |$)', row["supporting_materials"]):
            found = {id_ for id_ in refs if " ".join(quote.split()) in texts[id_]}
            assert found, f"{row['id']}: {quote}"
            used |= found
        assert used == set(refs), f"{row['id']} cites a report without evidence"


def test_every_value_stands_in_the_evidence_or_is_calculated_from_it(texts):
    for row in rows("train_QA.csv"):
        kind, value = kind_of(row), row["answer_value"]
        text = " ".join(texts[id_] for id_ in ids(row["ref_id"]))
        if row["explanation"].startswith("Calculation: "):
            tree = ast.parse(row["explanation"].removeprefix("Calculation: "), mode="eval").body
            assert evaluate(tree) == pytest.approx(float(value)), row["id"]
            operands = {float(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            assert operands - {1000.0} <= numbers(row["supporting_materials"]), row["id"]
        elif kind == "a number":
            assert float(value) in numbers(row["supporting_materials"]), row["id"]
        elif kind == "a range":
            assert {float(end) for end in json.loads(value)} <= numbers(row["supporting_materials"]), row["id"]
        elif kind == "true or false":
            assert (row["answer"], value) in {("TRUE", "1"), ("FALSE", "0")}, row["id"]
        elif kind == "a word or name":
            assert value in text, row["id"]


def test_unanswerable_questions_are_blank_throughout():
    blank = [row for row in rows("train_QA.csv") if kind_of(row) == "unanswerable"]
    for row in blank:
        assert row["answer"] == "Unable to answer with confidence based on the provided documents."
        assert {row[c] for c in ("answer_value", "ref_url", "supporting_materials", "explanation")} == {BLANK}


def test_test_questions_have_no_answers():
    questions = rows("test_Q.csv")
    assert list(questions[0]) == COLUMNS
    assert not {row["id"] for row in questions} & {row["id"] for row in rows("train_QA.csv")}
    assert all(not row["answer"] and not row["ref_id"] and row["question"] for row in questions)


@pytest.mark.shared_data
def test_columns_are_those_of_the_competition(shared_data):
    for name, encoding in (("metadata.csv", "cp1252"), ("train_QA.csv", "utf-8-sig"), ("test_Q.csv", "utf-8-sig")):
        with (shared_data / "wattbot" / name).open(encoding=encoding, newline="") as file:
            assert list(rows(name)[0]) == next(csv.reader(file))
