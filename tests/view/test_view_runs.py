"""The list of evaluations and their reports."""

import html
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

CATALOG = Path(__file__).resolve().parents[2] / "datasets" / "shop" / "product_catalog.csv"


def test_list_is_newest_first_and_names_what_is_broken(open_here: Any, runs: Path) -> None:
    for at, name in enumerate(("later/second", "half", "first", "cut", "stopped")):
        os.utime(runs / name / "results.json", (1_700_000_000 + at, 1_700_000_000 + at))
    page = html.unescape(open_here(runs).client().get("/").text)
    items = re.findall(r'<li class="run(?: broken)?".*?</li>', page, re.DOTALL)
    names = [re.search(r"<h2[^>]*>(?:<a[^>]*>)?([^<]+?)(?:</a>)? ", item)[1].strip() for item in items]  # type: ignore[index]
    assert names == ["stopped", "cut", "first", "half", "later/second"]
    faults = dict(zip(names, (re.findall(r'class="error"[^>]*>([^<]*)', item) for item in items), strict=True))
    assert faults["stopped"] == ["the evaluation was interrupted; run it again"]
    assert "is no result of 'ragbench eval'" in faults["cut"][0]
    assert faults["half"] == ["scores.parquet missing; evaluate again"]
    assert faults["first"] == faults["later/second"] == []
    told = json.loads((runs / "first" / "results.json").read_text("utf-8"))
    mean = told["arms"][0]["metrics"]["ndcg@10"]["mean"]
    assert f"{mean:.3f}".lstrip("0") in items[2]


def test_report_is_the_page_of_the_command(
    open_here: Any, runs: Path, golden: Path, ragbench: Any, keys_of: Any
) -> None:
    client = open_here(runs, "--corpus", CATALOG, "--golden", golden).client()
    key = keys_of(client)["first"]
    reply = client.get("/report/page", params={"runs": key})
    out = runs / "report.html"
    assert ragbench("report", runs / "first", "--corpus", CATALOG, "--golden", golden, "--out", out).code == 0
    assert reply.content == out.read_bytes()
    assert "frame-ancestors 'self'" in reply.headers["content-security-policy"]


@pytest.fixture
def stones(tmp_path: Path, ragbench: Any) -> Path:
    """An evaluation of files that must be told how to be read."""
    (tmp_path / "stones.csv").write_text("key,said\na,the big stone is grey\nb,the wet stone is black\n", "utf-8")
    (tmp_path / "g.csv").write_text("frage,stelle\nwhich stone is wet,b\n", "utf-8")
    corpus = ("--corpus", tmp_path / "stones.csv", "--loader", "csv:text_column=said,id_column=key")
    golden = ("--golden", tmp_path / "g.csv", "--golden-columns", "query=frage,document=stelle")
    words = ("--retriever", "bm25", "--resamples", "100", "--out", tmp_path / "runs" / "stones")
    done = ragbench("eval", *corpus, *golden, *words)
    assert done.code == 0, done.err
    return tmp_path


def test_what_was_moved_is_read_as_the_evaluation_read_it(open_here: Any, stones: Path, keys_of: Any) -> None:
    (stones / "stones.csv").rename(stones / "kept.csv")
    (stones / "g.csv").rename(stones / "moved.csv")
    client = open_here(stones / "runs", "--corpus", stones / "kept.csv", "--golden", stones / "moved.csv").client()
    key = keys_of(client)["stones"]
    page = client.get("/report/page", params={"runs": key}).text
    assert "--golden-columns document=stelle,query=frage" in re.sub(r"\s*\\\n\s*", " ", html.unescape(page))
    assert "not shown" not in page
    assert client.get("/data/queries", params={"run": key}).json()["file"] == str(stones / "moved.review.csv")


def test_golden_set_that_nothing_can_read_is_told_at_the_start(stones: Path, ragbench: Any) -> None:
    (stones / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    done = ragbench("view", stones / "runs", "--no-open", "--golden", stones / "other.csv")
    assert (done.code, "other.csv" in done.err, "Traceback" in done.err) == (2, True, False)


def test_page_follows_the_inputs_that_were_recorded(open_here: Any, stones: Path, keys_of: Any) -> None:
    client = open_here(stones / "runs").client()
    asked = {"runs": keys_of(client)["stones"]}
    before = client.get("/report/page", params=asked).text
    assert "not there any more" not in before
    (stones / "g.csv").rename(stones / "away.csv")
    assert "g.csv, which was evaluated, is not there any more" in client.get("/report/page", params=asked).text
    (stones / "away.csv").rename(stones / "g.csv")
    assert client.get("/report/page", params=asked).text == before


def test_comparison_has_the_oldest_as_the_baseline(open_here: Any, runs: Path, keys_of: Any) -> None:
    os.utime(runs / "later/second" / "results.json", (1, 1))
    client = open_here(runs).client()
    by_name = keys_of(client)
    reply = client.get("/compare", params={"runs": [by_name["first"], by_name["later/second"]]})
    assert reply.status_code == 303
    frame = client.get(reply.headers["location"]).text
    page = client.get(html.unescape(re.search(r'data-page="(/report/page[^"]+)"', frame)[1])).text  # type: ignore[index]
    assert "<title>later/second against first</title>" in page
    assert "difference to bm25:b=0.2" in page.replace("<wbr>", "")
    turned = html.unescape(re.search(r'href="([^"]+)">Swap', frame)[1])  # type: ignore[index]
    assert client.get(turned.replace("/report?", "/report/page?")).text.count("difference to bm25<") == 1


def test_broken_and_missing_evaluations_are_refused_with_a_reason(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    broken = re.findall(r'class="run broken" data-key="([0-9a-f]+)"', client.get("/").text)
    assert len(broken) == 3
    for key in broken:
        for path in (
            f"/report?runs={key}",
            f"/report/page?runs={key}",
            f"/queries?run={key}",
            f"/data/queries?run={key}",
        ):
            assert client.get(path).status_code == 422, path
    assert "in the folder" in client.get("/report?runs=0123456789abcdef").text
    (runs / "first" / "queries.parquet").write_bytes(b"PAR1 nonsense")
    reply = client.get("/report", params={"runs": keys_of(client)["first"]})
    assert reply.status_code == 422
    assert "queries.parquet: was changed since it was written" in reply.text


def test_different_queries_are_compared_only_when_asked_for(
    open_here: Any, runs: Path, ragbench: Any, keys_of: Any
) -> None:
    lines = (CATALOG.parent / "golden.jsonl").read_text("utf-8").splitlines()[:40]
    (runs / "fewer.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = ("--corpus", CATALOG, "--golden", runs / "fewer.jsonl")
    assert ragbench("eval", *files, "--retriever", "bm25:b=0.9", "--out", runs / "fewer").code == 0
    client = open_here(runs).client()
    by_name = keys_of(client)
    reply = client.get("/report", params={"runs": [by_name["first"], by_name["fewer"]]})
    assert reply.status_code == 422
    again = html.unescape(re.search(r'href="([^"]+)">Compare them on the queries', reply.text)[1])  # type: ignore[index]
    assert again.endswith("&intersect=true")


def test_names_of_folders_stay_text(open_here: Any, runs: Path) -> None:
    name = '<img src=x onerror="alert(1)">'
    (runs / "first").rename(runs / name)
    (runs / "later").rename(os.fsdecode(os.fsencode(runs) + b"/caf\xe9"))
    page = open_here(runs).client().get("/").text
    assert "<img" not in page
    assert html.escape(name, quote=False).split("=")[0] in page
    assert r"caf\xe9/second" in page


def test_folder_without_evaluations_says_what_to_do(open_here: Any, tmp_path: Path, ragbench: Any) -> None:
    assert "Make one with" in open_here(tmp_path).client().get("/").text
    done = ragbench("view", tmp_path / "none", "--no-open")
    assert done.code == 2
    assert "no such folder" in done.err
    done = ragbench("view", tmp_path, "--no-open", "--golden", tmp_path / "none")
    assert done.code == 2
    done = ragbench("view", tmp_path, "--no-open", "--retriever", "bm52")
    assert done.code == 2
    assert "did you mean 'bm25'" in done.err


def test_taken_port_is_named(start: Any, tmp_path: Path, ragbench: Any) -> None:
    viewer = start(tmp_path)
    done = ragbench("view", tmp_path, "--no-open", "--port", viewer.host.split(":")[1])
    assert done.code == 2
    assert "0 takes a free port" in done.err


def test_load_is_listed_with_its_summary(open_here: Any, tmp_path: Path) -> None:
    """As 'ragbench load' writes it: no metric, and other requests in each level."""
    folder = tmp_path / "runs" / "load"
    folder.mkdir(parents=True)
    arm = {"name": "concurrency=4", "status": "ok", "metrics": {}, "latency_ms": {"p50": 1234.56, "n": 20}}
    content = {"arms": [arm], "manifest": {"kind": "load", "complete": True}}
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    for name in ("scores.parquet", "queries.parquet"):
        (folder / name).write_bytes(b"")
    client = open_here(tmp_path / "runs").client()
    page = client.get("/").text
    assert "1,234.6" in page
    assert "/report?" not in page
    link = html.unescape(re.search(r'href="(/summary[^"]+)"', page)[1])  # type: ignore[index]
    assert client.get(link).status_code == 422
    (folder / "summary.md").write_text("# <b>Load</b>", encoding="utf-8")
    assert "# &lt;b&gt;Load&lt;/b&gt;" in client.get(link).text
    reply = client.get(link.replace("/summary?run=", "/report?runs="))
    assert (reply.status_code, "a load has a summary" in reply.text) == (422, True)


def test_list_follows_the_folder(open_here: Any, runs: Path, keys_of: Any) -> None:
    """What was read is kept only as long as the files look the same."""
    client = open_here(runs).client()
    assert set(keys_of(client)) == {"first", "later/second"}
    (runs / "later" / "second").rename(runs / "third")
    assert set(keys_of(client)) == {"first", "third"}
    (runs / "third" / "queries.parquet").rename(runs / "away")
    assert set(keys_of(client)) == {"first"}
    (runs / "away").rename(runs / "third" / "queries.parquet")
    results = runs / "first" / "results.json"
    results.write_text(results.read_text("utf-8").replace('"complete": true', '"complete": false'), encoding="utf-8")
    assert set(keys_of(client)) == {"third"}


def test_limits_that_are_none_are_refused(tmp_path: Path, ragbench: Any) -> None:
    for value in ("0", "-1", "nan", "inf"):
        done = ragbench("view", tmp_path, "--no-open", "--max-file-mb", value)
        assert done.code == 2
        assert "--max-file-mb is" in done.err
