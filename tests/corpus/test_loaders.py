"""Loaders on files that the tests write, and on hostile ones."""

import gzip
import json
import zipfile
from pathlib import Path

import docx
import pandas as pd
import pptx
import pypdf
import pytest
from fpdf import FPDF

from datasets import Dataset, DatasetDict
from ragbench.core.documents import Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.load import load_corpus


def only(path: Path, loader: str | None = None) -> Document:
    (document,) = load_corpus(path, loader).corpus
    return document


def pdf(path: Path, pages: list[str]) -> None:
    writer = FPDF()
    for text in pages:
        writer.add_page()
        writer.set_font("helvetica", size=12)
        if text:
            writer.multi_cell(0, 8, text)
    writer.set_title("Pump manual")
    writer.output(str(path))


def test_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("caf\xe9\r\nnext".encode("cp1252"))
    assert only(tmp_path / "a.txt") == Document("a.txt", "café\nnext", "", {"encoding": "cp1252"})
    assert only(tmp_path / "a.txt", "text:id_from=stem").id == "a"


def test_markdown_takes_the_front_matter_apart(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: The pump\nyear: 2020\nnested: {a: [1]}\n---\n# Other\n\nText.\n")
    (tmp_path / "b.md").write_text("```\n# code\n```\nReal title\n==========\nText.\n")
    (tmp_path / "c.md").write_text("---\nnot: [yaml\n---\ntext\n")
    a, b, c = load_corpus(tmp_path).corpus
    assert (a.title, a.text, a.metadata) == ("The pump", "# Other\n\nText.\n", {"year": 2020, "encoding": "utf-8"})
    assert b.title == "Real title"
    assert c.text.startswith("---\nnot")


def test_html_keeps_paragraphs_and_drops_what_is_not_read(tmp_path: Path) -> None:
    page = """<!doctype html><html><head><title> A \n page </title><style>p{}</style></head><body>
    <nav>Home</nav><script>alert(1)</script><!-- note --><h1>Head</h1><p>One <b>bold</b>, two<br>three&amp;four.</p>
    <ul><li>first<li>second</ul><table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table>
    <pre>  keep\n    this</pre><p hidden>secret</p>tail</body></html>"""
    (tmp_path / "a.html").write_text(page)
    document = only(tmp_path / "a.html")
    assert document.title == "A page"
    assert document.text == (
        "Head\n\nOne bold, two\nthree&four.\n\nfirst\nsecond\n\nk\tv\n1\t2\n\n  keep\n    this\n\ntail"
    )


def test_html_declared_encoding_and_deep_nesting(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="koi8-r"><p>мир</p>'.encode("koi8-r"))
    assert only(tmp_path / "a.html").text == "мир"
    (tmp_path / "b.html").write_text("<div>" * 20_000 + "deep" + "</div>" * 20_000)
    assert only(tmp_path / "b.html").text == "deep"


@pytest.mark.filterwarnings("error")
def test_html_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.xhtml").write_text('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>x</p></html>')
    (tmp_path / "b.html").write_text("http://example.org/page")
    assert [d.text for d in load_corpus(tmp_path).corpus] == ["x", "http://example.org/page"]


def test_pdf_pages_and_empty_pages(tmp_path: Path) -> None:
    pdf(tmp_path / "a.pdf", ["First page.", "", "Third page."])
    loaded = load_corpus(tmp_path / "a.pdf")
    (document,) = loaded.corpus
    assert document.title == "Pump manual"
    assert document.text == "First page.\n\nThird page."
    assert document.metadata == {"pages": [[0, 11], [11, 11], [13, 24]], "empty_pages": [2]}
    assert [(e.item, e.code) for e in loaded.corpus.ledger.entries] == [("a.pdf page 2", "empty-page")]


def test_bad_pdfs_are_errors_alone_and_entries_in_a_folder(tmp_path: Path) -> None:
    pdf(tmp_path / "good.pdf", ["Text."])
    pdf(tmp_path / "scan.pdf", ["", ""])
    (tmp_path / "cut.pdf").write_bytes((tmp_path / "good.pdf").read_bytes()[:300])
    (tmp_path / "no.pdf").write_bytes(b"not a pdf")
    locked = pypdf.PdfWriter(clone_from=tmp_path / "good.pdf")
    locked.encrypt("secret")
    locked.write(tmp_path / "locked.pdf")
    for name, message in [
        ("scan", "no text on any of its 2 pages"),
        ("cut", "not a readable PDF"),
        ("no", "not a readable PDF"),
        ("locked", "password"),
    ]:
        with pytest.raises(InputError, match=rf"{name}\.pdf: .*{message}"):
            load_corpus(tmp_path / f"{name}.pdf")
    loaded = load_corpus(tmp_path)
    assert [d.id for d in loaded.corpus] == ["good.pdf"]
    unread = loaded.corpus.ledger.of("unreadable")
    assert [e.item for e in unread] == ["cut.pdf", "locked.pdf", "no.pdf", "scan.pdf"]


def test_docx(tmp_path: Path) -> None:
    file = docx.Document()
    file.core_properties.title = "Manual"
    file.add_heading("Head", 1)
    file.add_paragraph("Before.")
    table = file.add_table(2, 2)
    for cell, text in zip(table._cells, ["a", "b", "c", "d"], strict=True):
        cell.text = text
    file.add_paragraph("After.")
    file.save(str(tmp_path / "a.docx"))
    assert only(tmp_path / "a.docx") == Document("a.docx", "Head\n\nBefore.\n\na\tb\nc\td\n\nAfter.", "Manual")


def test_pptx_slides_notes_and_groups(tmp_path: Path) -> None:
    file = pptx.Presentation()
    first = file.slides.add_slide(file.slide_layouts[1])
    first.shapes.title.text = "Title"
    first.placeholders[1].text = "Body"
    first.notes_slide.notes_text_frame.text = "Said aloud"
    file.slides.add_slide(file.slide_layouts[6])
    third = file.slides.add_slide(file.slide_layouts[6])
    group = third.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 10, 10).text_frame.text = "Grouped"
    file.save(str(tmp_path / "a.pptx"))
    loaded = load_corpus(tmp_path / "a.pptx")
    (document,) = loaded.corpus
    assert document.text == "Title\n\nBody\n\nSaid aloud\n\nGrouped"
    assert document.metadata["empty_slides"] == [2]
    assert [e.item for e in loaded.corpus.ledger.entries] == ["a.pptx slide 2"]


@pytest.mark.parametrize("ending", ["docx", "pptx"])
def test_office_files_that_are_none_or_unpack_without_end(tmp_path: Path, ending: str) -> None:
    bad = tmp_path / f"bad.{ending}"
    bad.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a readable office file"):
        load_corpus(bad)
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("x.xml", "text")
    with pytest.raises(InputError, match=rf"bad\.{ending}: not a readable (Word|PowerPoint) file"):
        load_corpus(bad)
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(64 << 20))
    with pytest.raises(InputError, match="zip bomb"):
        load_corpus(bad)


def test_csv_usual_names_metadata_and_rows_without_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b'\xef\xbb\xbfproduct_id,name,description,price\r\n007,Cup,"red, 2\r\nlines",3\r\n8,,,\r\n9,NA,NA,\r\n'
    )
    loaded = load_corpus(path)
    assert list(loaded.corpus) == [
        Document("007", "red, 2\nlines", "Cup", {"price": "3"}),
        Document("9", "NA", "NA"),
    ]
    assert [(e.item, e.code) for e in loaded.corpus.ledger.entries] == [("a.csv row 2", "no-text")]
    assert loaded.passages


def test_csv_named_columns_delimiters_and_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("Key;Caf\xe9;n\n1;cr\xe8me, na\xefve;x\n".encode("cp1252"))
    document = only(path, "csv:id_column=key,text_column=café")
    assert document == Document("1", "crème, naïve", "", {"n": "x", "encoding": "cp1252"})
    (tmp_path / "b.tsv").write_text("text\tmore\na, b\tc\n")
    assert only(tmp_path / "b.tsv", "csv:id_column=row").id == "1"


@pytest.mark.parametrize(
    ("content", "loader", "message"),
    [
        ("id,abstract\n1,a\n", None, "no column looks like the text; its columns are 'id', 'abstract'"),
        ("text\na\n", None, "no column looks like the id.*id_column=row"),
        ("id,text\n1,a\n", "csv:text_column=body", "text_column='body' is not there; the columns are 'id', 'text'"),
        ("id,text\n1,a\n2,b,c,d\n", None, "Expected 2 fields in line 3, saw 4"),
        ("id,text\n1,a,x\n2,b,c\n", None, "more values than the header"),
        ('id,text\n1,"a\n', None, "not a readable table"),
        ("id,text\n,a\n", None, "row 1: column 'id' is empty"),
        ("id,text\n1,a\n1,b\n", None, "1 document ids occur more than once: 1"),
        ("id,text\n", None, "the corpus is empty"),
        ("", None, "the file is empty"),
    ],
)
def test_csv_errors(tmp_path: Path, content: str, loader: str | None, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        load_corpus(tmp_path / "a.csv", loader)


def test_jsonl_json_and_gzip(tmp_path: Path) -> None:
    rows = [
        {"_id": 1, "title": "T", "text": "one", "metadata": {"year": 2020}, "tags": ["a"]},
        {"_id": "2", "title": "only a title", "text": ""},
        {"_id": "3", "title": "", "text": " "},
        {"_id": "4"},
    ]
    expected = [Document("1", "one", "T", {"year": 2020, "tags": ["a"]}), Document("2", "only a title")]
    lines = "\n\n".join(map(json.dumps, rows)).encode()
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + lines)
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "b.json").write_bytes(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    for name in ("a.jsonl", "a.json", "b.json", "a.jsonl.gz"):
        loaded = load_corpus(tmp_path / name)
        assert list(loaded.corpus) == expected
        assert [e.code for e in loaded.corpus.ledger.entries] == ["no-text", "no-text"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"id":"1","text":"a"}\n{"id":\n', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", b'{"id":"1","text":"a"}\n[1]\n', r"a\.jsonl:2: a JSON object was expected, not an array"),
        ("a.jsonl", b'{"id":"1","text":["a"]}\n', r"a\.jsonl:1: 'text' holds a list, not text"),
        ("a.jsonl", b'{"id":"1","text":"a"}\n{"text":"b"}\n', r"a\.jsonl:2: has no 'id'"),
        ("a.jsonl", b'{"id":null,"text":"a"}\n', r"a\.jsonl:1: column 'id' is empty"),
        ("a.jsonl", b'{"id":"1","text":"caf\xe9"}\n', r"a\.jsonl:1: not UTF-8"),
        ("a.jsonl", b'{"id":' + b"[" * 200_000 + b"\n", r"a\.jsonl:1: (nested too deep|not JSON)"),
        ("a.json", b'[{"id":"1"},\n 3]', "item 1: no column looks like the text"),
        ("a.json", b'[{"id":"1","text":"a"},\n 3]', "item 2: a JSON object was expected, not a number"),
        ("a.json", b'[{"id":"1"},\n', r"a\.json:\d: not JSON"),
        ("a.jsonl.gz", b"no gzip", "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"id":"1","text":"a"}')[:-12], "cannot be read"),
    ],
)
def test_json_errors_name_the_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_corpus(tmp_path / name)


def test_gzip_is_bounded_by_what_it_unpacks_to(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((b'{"id":"1","text":"a"}' + b" " * 100_000 + b"\n") * 50))
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        load_corpus(tmp_path / "a.jsonl.gz", "jsonl:max_bytes=1000000")


def test_lone_surrogates_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"id":"1","text":"a\ud800b 😀"}')
    assert only(tmp_path / "a.jsonl").text == "a\ufffdb 😀"


def test_beir_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id":"d1","title":"T","text":"x"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id":"q1","text":"a query"}\n')
    assert only(tmp_path) == Document("d1", "x", "T")
    assert load_corpus(tmp_path, "beir").passages
    with pytest.raises(InputError, match="not a BEIR folder"):
        load_corpus(tmp_path.parent, "beir")
    with pytest.raises(InputError, match="reads folders"):
        load_corpus(tmp_path / "corpus.jsonl", "beir")


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"docid": [1, 2], "contents": ["a", None], "when": pd.to_datetime(["2020-01-02", None])})
    frame.to_parquet(tmp_path / "a.parquet")
    loaded = load_corpus(tmp_path / "a.parquet")
    assert list(loaded.corpus) == [Document("1", "a", "", {"when": "2020-01-02T00:00:00"})]
    assert loaded.corpus.ledger.counts() == {"no-text": 1}
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"b\.parquet: not a readable Parquet file"):
        load_corpus(tmp_path / "b.parquet")


def test_hugging_face_data_sets_on_disk(tmp_path: Path) -> None:
    rows = Dataset.from_dict({"id": ["1", "2"], "text": ["a", "b"], "n": [1, 2]})
    rows.save_to_disk(str(tmp_path / "one"))
    DatasetDict({"corpus": rows, "other": rows}).save_to_disk(str(tmp_path / "dict"))
    DatasetDict({"train": rows, "test": rows}).save_to_disk(str(tmp_path / "two"))
    expected = [Document("1", "a", "", {"n": 1}), Document("2", "b", "", {"n": 2})]
    assert list(load_corpus(tmp_path / "one").corpus) == expected
    assert list(load_corpus(tmp_path / "dict").corpus) == expected
    assert list(load_corpus(tmp_path / "two", "hf:split=test").corpus) == expected
    with pytest.raises(InputError, match=r"several splits; choose one with split=\.\.\., it has test, train"):
        load_corpus(tmp_path / "two")
    state = tmp_path / "one" / "state.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "_data_files": [{"filename": "../two/x.arrow"}]}))
    with pytest.raises(InputError, match="outside of the folder"):
        load_corpus(tmp_path / "one")


def test_settings_are_checked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,a\n")
    for written, message in [
        ("csw", "did you mean 'csv'"),
        ("csv:textcolumn=a", "did you mean 'text_column'"),
        ("csv:delimiter=ab", "one character"),
        ("csv:max_bytes=0", "max_bytes must be above 0"),
        ("text:id_from=name", "id_from"),
    ]:
        with pytest.raises(SettingError, match=message):
            load_corpus(tmp_path / "a.csv", written)
