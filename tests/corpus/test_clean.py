"""HTML in the cells of a catalogue becomes the text that a reader sees, and everything else stays as it is."""

import json
import time
from pathlib import Path

import click
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

import ragbench as rb
from ragbench.cli import app
from ragbench.core.documents import Document
from ragbench.corpus.clean import clean_documents, html_in, without_html
from ragbench.io.inputs import found
from ragbench.render.html.texts import CORPUS

CELLS = [
    "<p>Tent for <b>two</b>.</p><p>Weighs 2&nbsp;kg &amp; packs small.</p>",
    "<ul><li>red</li><li>blue</li></ul>",
    'A <a href="x.html" title="1 > 0">link</a><br/>and a line',
    "<div><h2>Care</h2>Wash &lt;30&deg;C</div><!-- internal --><script>track()</script>",
    "plain <em>and</em> marked",
]
PLAIN = [
    "R&D for AT&T",
    "List<String> and a < b > c",
    "5 <3",
    "x &unknown; y",
    "two\n\nparagraphs  with   blanks",
    "",
    "<3 & >",
]


@pytest.mark.parametrize("cell", CELLS)
def test_the_words_are_those_of_another_parser(cell: str) -> None:
    soup = BeautifulSoup(cell, "html.parser")
    for hidden in soup(["script", "style"]):
        hidden.decompose()
    assert without_html(cell).split() == soup.get_text(" ").replace("\xa0", " ").replace(" .", ".").split()
    assert without_html(without_html(cell)) == without_html(cell)


@pytest.mark.parametrize("cell", PLAIN)
def test_text_without_html_stays_as_it_is(cell: str) -> None:
    assert not html_in(cell)
    assert without_html(cell) == cell


def test_tags_and_entities_are_counted() -> None:
    assert html_in(CELLS[0]) == (6, 2)
    assert html_in("<b>List<String></b><!-- no -->") == (3, 0)


def test_lines_of_the_text_stay_where_the_markup_has_none() -> None:
    assert without_html("first <b>line</b>\nsecond line") == "first line\nsecond line"
    assert without_html("<p>first\nline</p>\n<p>second</p>") == "first line\n\nsecond"
    assert without_html("<b>List<String></b> &amp; more") == "List<String> & more"


def test_markup_that_was_escaped_once_more_is_cleaned_too() -> None:
    assert without_html("&lt;p&gt;Tent&amp;nbsp;for two&lt;/p&gt;") == "Tent for two"
    # A text about HTML keeps the names of its elements.
    assert without_html("the element &lt;b&gt; is bold") == "the element <b> is bold"


def test_documents_are_cleaned_with_counts() -> None:
    documents = [
        Document(
            "a", "<p>Tent</p>", "The &amp; tent", {"category": "<b>Outdoor</b>", "price": 3, "tags": ["<i>x</i>"]}
        ),
        Document("b", "nothing to clean"),
        Document("c", "<img src='x.png'>", "Only a title"),
        Document("d", "<br>"),
    ]
    kept, cleaned, skipped = clean_documents(documents)
    assert kept[0] == Document("a", "Tent", "The & tent", {"category": "Outdoor", "price": 3, "tags": ["x"]})
    assert kept[1] is documents[1]
    assert kept[2] == Document("c", "Only a title")
    assert (cleaned.documents, cleaned.tags, cleaned.entities) == (3, 8, 1)
    assert [(entry.item, entry.code) for entry in skipped] == [("d", "no-text")]


@pytest.mark.parametrize(
    "hostile", ["<b " * 50_000, "<!--" * 50_000, "&amp;" * 50_000 + "lt;b&gt;", "<p>" * 50_000, "&lt;" * 50_000]
)
def test_time_grows_with_the_length_alone(hostile: str) -> None:
    began = time.perf_counter()
    without_html(hostile)
    assert time.perf_counter() - began < 5


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    rows = [("p1", "Tent", "<p>A <b>red</b> tent&nbsp;for two</p>"), ("p2", "Stove", "<p>A stove for gas</p>"),
            ("p3", "Lamp", "no markup here, a lamp")]  # fmt: skip
    text = "id,title,text\n" + "".join(f'{one},{title},"{cell}"\n' for one, title, cell in rows)
    (tmp_path / "catalogue.csv").write_text(text, encoding="utf-8")
    golden = [{"query_id": "q1", "query": "red tent", "relevant_product_id": "p1"},
              {"query_id": "q2", "query": "gas stove", "relevant_product_id": "p2"}]  # fmt: skip
    (tmp_path / "golden.jsonl").write_text("".join(json.dumps(one) + "\n" for one in golden), encoding="utf-8")
    return tmp_path


def test_every_command_that_reads_documents_has_the_option() -> None:
    for words in (
        ["eval"],
        ["generate"],
        ["chunk"],
        ["answer"],
        ["score"],
        ["export"],
        ["golden", "audit"],
        ["golden", "corpus"],
    ):
        command: click.Command = app
        for word in words:
            command = command.get_command(click.Context(command), word)  # type: ignore[attr-defined]
        assert "clean" in {parameter.name for parameter in command.params}, words


def test_an_evaluation_carries_the_option(catalogue: Path) -> None:
    runs = {}
    for name, more in (("raw", []), ("clean", ["--clean", "html"])):
        words = ["eval", "--corpus", str(catalogue / "catalogue.csv"), "--golden", str(catalogue / "golden.jsonl"),
                 "--retriever", "bm25", "--out", str(catalogue / name), "--cache", str(catalogue / "cache"),
                 *more]  # fmt: skip
        done = CliRunner().invoke(app, words, standalone_mode=False)
        assert done.exception is None, done.output
        runs[name] = (done.output, json.loads((catalogue / name / "results.json").read_text(encoding="utf-8")))
    assert "cleaned HTML in 2 of 3 documents: 6 tags and 1 entity" in runs["clean"][0]
    prints = [runs[name][1]["manifest"]["chunks"]["fingerprint"] for name in runs]
    assert prints[0] != prints[1]
    recorded = found(runs["clean"][1]["manifest"], "corpus", catalogue / "clean")
    assert recorded is not None
    assert recorded.options == {"clean": "html"}
    # The page finds the texts again, which it shows only if their fingerprint is the one that was evaluated.
    page = catalogue / "page.html"
    rb.report(catalogue / "clean", out=page)
    assert "are not shown" not in page.read_text(encoding="utf-8")
    assert CORPUS.fingerprint(CORPUS.read(recorded)) == prints[1]


def test_the_call_cleans_too(catalogue: Path) -> None:
    corpus = rb.load_corpus(catalogue / "catalogue.csv", clean="html")
    assert corpus.by_id["p1"].text == "A red tent for two"
    with pytest.raises(rb.SettingError, match="clean"):
        rb.chunk(corpus, clean="html")


def test_ready_chunks_are_refused(catalogue: Path) -> None:
    rb.chunk(catalogue / "catalogue.csv", out=catalogue / "chunks.jsonl")
    with pytest.raises(rb.InputError, match="ready chunks"):
        rb.load_corpus(catalogue / "chunks.jsonl", clean="html")
