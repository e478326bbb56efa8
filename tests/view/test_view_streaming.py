"""Answers of a language model in the playground, as they are written."""

import asyncio
import json
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

sys.path += [str(Path(__file__).resolve().parent.parent / "models")]
from llm_server import LLMServer, serving
from stream_server import DROP, Streaming, streaming

from ragbench.core.errors import InputError
from ragbench.view.sessions import Session
from ragbench.view.settings import Limits
from ragbench.view.uploads import receive_upload

CATALOG = Path(__file__).resolve().parents[2] / "datasets" / "shop" / "product_catalog.csv"
QUESTION = "two-man tent below 2 kilos"
SLOWLY = ["The <b>Tarnfell</b> 2 ", 0.4, "does [1]", 0.4, ", see [9]."]
TEXT = "The <b>Tarnfell</b> 2 does [1], see [9]."
ASKED = {"corpus": 0, "retriever": 0, "question": QUESTION}


def words(url: str) -> tuple[str, ...]:
    return ("--llm", "openai_compatible:small", "--base-url", url)


def names(events: Any) -> list[str]:
    return [name for name, _, _ in events]


def test_answer_streams_after_its_sources_and_is_kept(start: Any, ask: Any, tmp_path: Path, cache: Path) -> None:
    with streaming(Streaming(lambda body, times: SLOWLY)) as server:
        viewer = start(tmp_path, "--corpus", CATALOG, *words(server.url))
        events = ask(viewer.client(), QUESTION)
        again = ask(viewer.client(), QUESTION)
    assert names(events) == ["stage", "sources", "stage", "stage", "text", "text", "text", "done"]
    texts = [(content["text"], at) for name, content, at in events if name == "text"]
    assert "".join(text for text, _ in texts) == TEXT
    assert texts[0][1] + 0.6 < texts[-1][1] <= events[-1][2]
    done = events[-1][1]
    assert (done["answer"], done["cited"]) == (TEXT, [1])
    assert done["text"] == "Written by openai_compatible:small from these sources."
    assert done["notes"] == ["cites [9] of 5 sources"]
    (body,) = server.asked
    sent = json.dumps([message["content"] for message in body["messages"]], ensure_ascii=False)
    sources = events[1][1]["sources"]
    assert all(json.dumps(source["text"], ensure_ascii=False)[1:60] in sent for source in sources)
    assert [content["text"] for name, content, _ in again if name == "text"] == [TEXT]
    assert again[-1][1] == done | {"text": done["text"][:-1] + ", when this was asked before."}
    assert viewer.stop() == 0
    assert not list((cache / "view").glob("view-*/*.sqlite*"))


def test_model_that_answers_whole_is_told_as_one(open_here: Any, ask: Any, tmp_path: Path) -> None:
    with serving(LLMServer(reply=lambda body: "The Tarnfell 2 <b>does</b> [1].", latency=1.0)) as server:
        events = ask(open_here(tmp_path, "--corpus", CATALOG, *words(server.url)).client(), QUESTION)
    at = {name: seconds for name, _, seconds in events}
    assert at["sources"] < at["text"] - 0.8
    assert names(events) == ["stage", "sources", "stage", "stage", "text", "done"]
    assert events[-1][1]["cited"] == [1]
    assert events[-1][1]["text"].endswith("from these sources; this model's answers come whole.")


def test_model_that_fails_is_told(open_here: Any, ask: Any, tmp_path: Path) -> None:
    with serving(LLMServer(fault=lambda body, times: "401")) as server:
        events = ask(open_here(tmp_path, "--corpus", CATALOG, *words(server.url)).client(), "tent")
    assert names(events) == ["stage", "sources", "stage", "fault"]
    assert "openai_compatible:small" in events[-1][1]["text"]


def test_answer_that_breaks_off_is_told_with_what_arrived(open_here: Any, ask: Any, tmp_path: Path) -> None:
    with streaming(Streaming(lambda body, times: ["The Tarn", 0.2, DROP])) as server:
        events = ask(open_here(tmp_path, "--corpus", CATALOG, *words(server.url)).client(), QUESTION)
    assert names(events)[-2:] == ["text", "fault"]
    assert "broke off after 8 characters" in events[-1][1]["text"]
    assert len(server.asked) == 1


def test_who_leaves_ends_the_call_at_the_model(open_here: Any, ask: Any, tmp_path: Path) -> None:
    slow = [step for _ in range(200) for step in ("word ", 0.05)]
    with streaming(Streaming(lambda body, times: ["Done."] if times else slow)) as server:
        client = open_here(tmp_path, "--corpus", CATALOG, *words(server.url)).client()
        with client.stream("POST", "/ask", json=ASKED) as reply:
            next(line for line in reply.iter_lines() if line == "event: text")
        for _ in range(100):
            if server.gone:
                break
            time.sleep(0.05)
        assert server.gone[0] < 4
        assert ask(client, QUESTION)[-1][1]["answer"] == "Done."


def test_error_that_nobody_foresaw_ends_the_stream_with_its_name(start: Any, ask: Any, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(
        "def make(chunks):\n    raise ZeroDivisionError('no tents\\nleft')\n", encoding="utf-8"
    )
    viewer = start(tmp_path, "--corpus", CATALOG, "--retriever", "langchain:object=failing:make", cwd=tmp_path)
    events = ask(viewer.client(), QUESTION)
    assert names(events) == ["stage", "fault"]
    assert "ZeroDivisionError: no tents left" in events[-1][1]["text"]
    viewer.stop()
    assert "failing.py" in viewer.errors


def test_ready_index_is_asked_while_another_is_built(start: Any, ask: Any, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\nfrom langchain_core.retrievers import BaseRetriever\n"
        "class Nothing(BaseRetriever):\n"
        "    def _get_relevant_documents(self, query, *, run_manager):\n        return []\n"
        "def make(chunks):\n    time.sleep(6)\n    return Nothing()\n",
        encoding="utf-8",
    )
    offered = ("--retriever", "bm25", "--retriever", "langchain:object=slow:make")
    viewer = start(tmp_path, "--corpus", CATALOG, *offered, cwd=tmp_path)
    ask(viewer.client(), QUESTION)
    ended: list[tuple[str, float]] = []
    began = time.monotonic()

    def put(retriever: int) -> None:
        kind = ask(viewer.client(), QUESTION, retriever=retriever)[-1][1]["kind"]
        ended.append((kind, time.monotonic() - began))

    building = threading.Thread(target=put, args=(1,))
    building.start()
    time.sleep(0.7)
    put(0)
    building.join()
    assert [kind for kind, _ in ended] == ["extract", "nothing"]
    assert ended[0][1] < 5 < ended[1][1]


def test_pdf_that_takes_too_long_is_refused_and_its_reader_ended(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="pip install pypdf")
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    stream = DecodedStreamObject()
    stream.set_data(b"BT /F 9 Tf " + b"(a) Tj 1 0 0 1 0 0 Tm " * 1_500_000 + b"ET")
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(100, 100)
    kind = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in kind.items()})
    fonts = DictionaryObject({NameObject("/F"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    writer.write(tmp_path / "slow.pdf")
    content = (tmp_path / "slow.pdf").read_bytes()
    session = Session(tmp_path / "space")

    async def body() -> Any:
        yield content

    async def stays() -> None:
        await asyncio.Event().wait()

    async def leaves() -> None:
        await asyncio.sleep(1)

    for left, said in ((stays, r"^slow\.pdf: not read within 2 s"), (leaves, "the browser left before")):

        async def main(left: Any = left) -> None:
            await receive_upload(session, "slow.pdf", len(content), body(), Limits(read_seconds=2), left)

        began = time.monotonic()
        with pytest.raises(InputError, match=said):
            asyncio.run(main())
        assert time.monotonic() - began < 15
        assert (session.taken, session.uploads, list(session.space.iterdir())) == (0, [], [])
        assert not [one for one in psutil.Process().children() if "read_files" in " ".join(one.cmdline())]


def test_damaged_evaluation_is_named_where_its_queries_are_asked_for(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    key = keys_of(client)["first"]
    path = runs / "first" / "results.json"
    told = json.loads(path.read_text("utf-8"))
    # As an earlier version wrote it, without a checksum.
    del told["arms"][1]["failed_queries"], told["checksum"]
    path.write_text(json.dumps(told), encoding="utf-8")
    for reply in (
        client.get("/data/queries", params={"run": key}),
        client.post("/decisions", json={"run": key, "id": "q001", "decision": "accept"}),
    ):
        assert reply.status_code == 422
        assert "first is damaged (KeyError: 'failed_queries')" in reply.json()["fault"]


def test_unknown_evaluations_are_skipped_and_counted(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    by_name = keys_of(client)
    shutil.rmtree(runs / "later" / "second")
    wanted = [by_name["first"], by_name["later/second"], "a&b"]
    reply = client.get("/compare", params={"runs": wanted})
    page = client.get(reply.headers["location"])
    assert page.status_code == 200
    assert re.search(r'role="status">2 of ', page.text)
    assert f'data-page="/report/page?runs={by_name["first"]}"' in page.text
    assert client.get("/report/page", params={"runs": wanted}).status_code == 200
    assert client.get("/report", params={"runs": wanted[1:]}).status_code == 422
