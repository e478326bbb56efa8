"""Asking a corpus, and files of a browser session."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.context import Context
from ragbench.core.runs import Query
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.retrievers.bm25 import BM25

CATALOG = Path(__file__).resolve().parents[2] / "datasets" / "shop" / "product_catalog.csv"
ZEBRA = b"The zebra Zuri lives in the north paddock. It eats hay."


def upload(client: Any, name: str, content: bytes) -> Any:
    return client.post("/upload", params={"name": name}, content=content)


def spaces(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "view").glob("view-*/*/*") if path.is_file())


@pytest.fixture(scope="module")
def shop(open_here_for_module: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return open_here_for_module(tmp_path_factory.mktemp("none"), "--corpus", CATALOG)


def test_sources_are_those_of_the_retriever_with_their_words_marked(ask: Any, shop: Any) -> None:
    question = "lightest tents for two people"
    events = ask(shop.client(), question, k=3)
    assert [name for name, _, _ in events] == ["stage", "sources", "piece", "piece", "piece", "done"]
    loaded = load_corpus(CATALOG)
    chunks = chunk_corpus(loaded).chunks
    run = BM25().index(chunks, Context()).search([Query("q", question)], 3)
    sources = events[1][1]["sources"]
    assert [source["id"] for source in sources] == [run.item_ids[row] for row in run.items]
    assert [source["title"] for source in sources] == [loaded.corpus.by_id[source["id"]].title for source in sources]
    marked = {source["text"][start:end].lower() for source in sources for start, end in source["marks"]}
    assert marked <= {"light", "lightest", "tent", "tents", "two", "people"}
    assert {"two", "people"} <= marked
    for _, piece, _ in events[2:5]:
        assert piece["text"] in sources[piece["source"] - 1]["text"]
    assert events[-1][1]["kind"] == "extract"
    assert "No language model wrote this" in events[-1][1]["text"]


def test_sessions_never_see_each_others_files(ask: Any, shop: Any) -> None:
    ann, bob = shop.client(), shop.client()
    assert upload(ann, "zebra.txt", ZEBRA).json()["files"][0]["name"] == "zebra.txt"
    assert upload(bob, "owl.md", b"# Owls\n\nThe owl Otto sleeps in the zebra barn by day.").status_code == 200
    assert [file["name"] for file in ann.get("/data/uploads").json()["files"]] == ["zebra.txt"]
    assert [file["name"] for file in bob.get("/data/uploads").json()["files"]] == ["owl.md"]
    for _ in range(2):
        assert [s["text"] for s in ask(ann, "zebra", corpus=-1)[1][1]["sources"]] == [ZEBRA.decode()]
        assert ["Otto" in s["text"] for s in ask(bob, "zebra", corpus=-1)[1][1]["sources"]] == [True]
    assert ask(shop.client(), "zebra", corpus=-1)[-1][0] == "fault"
    assert "Zuri" not in json.dumps([event[1] for event in ask(bob, "zebra Zuri paddock", corpus=0)])
    assert ann.post("/uploads/clear").json()["files"] == []
    assert ask(ann, "zebra", corpus=-1)[-1][0] == "fault"
    assert ask(bob, "zebra", corpus=-1)[-1][0] == "done"


def test_indexes_of_files_that_have_changed_take_no_places(start: Any, ask: Any, tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(
        "from langchain_core.retrievers import BaseRetriever\n"
        "class Nothing(BaseRetriever):\n"
        "    def _get_relevant_documents(self, query, *, run_manager):\n        return []\n"
        "def make(chunks):\n    open('built', 'a').write(f'{len(chunks)}\\n')\n    return Nothing()\n",
        encoding="utf-8",
    )
    viewer = start(tmp_path, "--corpus", CATALOG, "--retriever", "langchain:object=counting:make", cwd=tmp_path)
    client = viewer.client()
    assert ask(client, "tent", corpus=0)[-1][1]["kind"] == "nothing"
    for number in range(7):
        upload(client, f"{number}.txt", ZEBRA)
        assert ask(client, "zebra", corpus=-1)[-1][1]["kind"] == "nothing"
    ask(client, "tent", corpus=0)
    assert (tmp_path / "built").read_text("utf-8").split() == ["166", *"1234567"]


def test_dense_retriever_keeps_vectors_of_uploads_in_the_session(ask: Any, shop: Any, cache: Path) -> None:
    client = shop.client()
    upload(client, "zebra.txt", ZEBRA)
    before = {path for path in cache.rglob("*") if path.is_file() and "view" not in path.relative_to(cache).parts}
    assert ask(client, "where does the animal live?", corpus=-1, retriever=1)[-1][1]["kind"] == "extract"
    after = {path for path in cache.rglob("*") if path.is_file() and "view" not in path.relative_to(cache).parts}
    assert not [path for path in after - before if "vectors" in path.as_posix()]


def test_pdf_is_read_and_a_broken_one_refused(ask: Any, shop: Any, cache: Path) -> None:
    fpdf = pytest.importorskip("fpdf", reason="pip install fpdf2")
    paper = fpdf.FPDF()
    paper.add_page()
    paper.set_font("helvetica", size=12)
    paper.cell(text="The zebra Zuri lives in the north paddock.")
    client = shop.client()
    told = upload(client, "Zebra report.pdf", bytes(paper.output())).json()
    assert told["files"][0]["characters"] == 42
    assert ask(client, "zebra", corpus=-1)[1][1]["sources"][0]["id"] == "Zebra report.pdf#0"
    reply = upload(client, "broken.pdf", b"%PDF-1.4 nothing")
    assert reply.status_code == 422
    assert reply.json()["fault"].startswith("broken.pdf: not a readable PDF")
    assert str(cache) not in reply.text
    assert client.get("/data/uploads").json()["taken"] == told["taken"]


def test_kinds_of_documents_that_the_command_reads_are_taken(ask: Any, shop: Any, tmp_path: Path) -> None:
    docx = pytest.importorskip("docx", reason="pip install 'ragbench[office]'")
    file = docx.Document()
    file.add_paragraph("The zebra Zuri lives in the north paddock.")
    file.save(tmp_path / "zebra.docx")
    client = shop.client()
    told = upload(client, "zebra.docx", (tmp_path / "zebra.docx").read_bytes()).json()
    assert told["files"][0]["characters"] == 42
    assert ask(client, "zebra", corpus=-1)[1][1]["sources"][0]["id"] == "zebra.docx#0"
    assert upload(client, "owl.html", b"<h1>Owls</h1><p>Otto sleeps by day.").status_code == 200
    reply = upload(client, "zebra.csv", b"id,text\n1,zebra\n")
    assert (reply.status_code, "Word" in reply.json()["fault"], ".docx" in reply.json()["fault"]) == (422, True, True)
    assert ".docx" in client.get("/playground").text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/cron.d/evil.txt", "evil.txt"),
        ("C:\\Windows\\evil.md", "evil.md"),
        ("a\x00b\r\nc\u202e.txt", "abc.txt"),
        ("...txt", "file.txt"),
        (".txt", "file.txt"),
        ("<script>alert(1)</script>.txt", "script>.txt"),
        ("x" * 500 + ".txt", "x" * 116 + ".txt"),
        ("emoji 👩‍👩‍👧.TXT", "emoji 👩👩👧.TXT"),
    ],
)
def test_hostile_names_never_reach_the_disk(shop: Any, cache: Path, name: str, shown: str) -> None:
    client = shop.client()
    before = set(spaces(cache))
    reply = upload(client, name, ZEBRA)
    assert reply.status_code == 200, reply.text
    assert [file["name"] for file in reply.json()["files"]] == [shown]
    (made,) = set(spaces(cache)) - before
    assert made.stem.isdigit()
    assert made.parent.parent.stat().st_mode & 0o077 == 0
    assert made.parent.stat().st_mode & 0o077 == 0


def test_files_of_one_name_are_told_apart(shop: Any) -> None:
    client = shop.client()
    for number in range(3):
        told = upload(client, "a.txt", f"zebra {number}".encode()).json()
    assert [file["name"] for file in told["files"]] == ["a.txt", "a (2).txt", "a (3).txt"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.exe", b"MZ", "only text, Markdown, HTML, PDF"),
        ("a", b"text", "only text, Markdown, HTML, PDF"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"  \n ", "no document"),
        ("a.csv", b"id,text\n1,x", "only text, Markdown, HTML, PDF"),
    ],
)
def test_other_files_are_refused(shop: Any, name: str, content: bytes, said: str) -> None:
    client = shop.client()
    reply = upload(client, name, content)
    assert reply.status_code == 422
    assert said in reply.json()["fault"]
    assert client.get("/data/uploads").json()["taken"] == 0


def test_limits_of_files_and_sessions(open_here: Any, tmp_path: Path, cache: Path) -> None:
    viewer = open_here(tmp_path, "--max-file-mb", "0.1", "--max-session-mb", "0.25")
    client = viewer.client()
    before = set(spaces(cache))
    text = b"word " * 20_000
    assert upload(client, "a.txt", text + b"x" * 4858).status_code == 413
    assert upload(client, "a.txt", text).status_code == 200
    assert upload(client, "b.txt", text).status_code == 200
    reply = upload(client, "c.txt", text)
    assert reply.status_code == 422
    assert "0.25 MB are the most" in reply.json()["fault"]
    assert len(set(spaces(cache)) - before) == 2
    assert upload(viewer.client(), "c.txt", text).status_code == 200
    client.post("/uploads/clear")
    assert upload(client, "c.txt", text).status_code == 200
    assert len(set(spaces(cache)) - before) == 2


def test_upload_that_breaks_off_leaves_nothing(shop: Any, cache: Path) -> None:
    client = shop.client()
    before = set(spaces(cache))
    (cookie,) = client.cookies.items()
    head = (
        f"POST /upload?name=a.txt HTTP/1.1\r\nHost: {shop.host}\r\nOrigin: {shop.base}\r\n"
        f"Cookie: {cookie[0]}={cookie[1]}\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(shop.host.split(":")[1]))) as connection:
        connection.sendall(head.encode() + b"only this")
        time.sleep(0.3)
    for _ in range(50):
        if client.get("/data/uploads").json()["taken"] == 0:
            break
        time.sleep(0.1)
    assert client.get("/data/uploads").json() == {"files": [], "taken": 0, "room": 50 << 20}
    assert set(spaces(cache)) == before


@pytest.mark.parametrize("asked", [
    {"corpus": 5, "retriever": 0, "question": "x"}, {"corpus": 0, "retriever": 9, "question": "x"},
    {"corpus": 0, "retriever": 0, "question": " "},
])  # fmt: skip
def test_question_that_cannot_be_asked_is_a_fault(shop: Any, asked: dict[str, Any]) -> None:
    reply = shop.client().post("/ask", json=asked)
    assert reply.status_code == 200
    assert [line for line in reply.text.split("\n") if line.startswith("event")] == ["event: fault"]


@pytest.mark.parametrize(
    "more", [{"question": "x" * 2001}, {"retriever": "bm25"}, {"k": 10_000}, {"corpus": -2}, {"x": 1}]
)
def test_malformed_question_is_refused(shop: Any, more: dict[str, Any]) -> None:
    asked = {"corpus": 0, "retriever": 0, "question": "x", **more}
    assert shop.client().post("/ask", json=asked).status_code == 422
