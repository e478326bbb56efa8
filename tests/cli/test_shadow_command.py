"""``ragbench shadow``: retrievers, a service without a corpus, run files and folders; and the files it writes."""

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb

EXAMPLE = Path("reports/example")


@pytest.fixture(scope="module")
def shop(sample_data: Path) -> Path:
    return sample_data / "shop"


@pytest.fixture(scope="module")
def written(ragbench: Any, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A shadow test of two retrievers on a part of the log."""
    out = tmp_path_factory.mktemp("shadow") / "out"
    done = ragbench(
        "shadow", "bm25:stem=false", "bm25", "--queries", shop / "log.csv", "--corpus", shop / "product_catalog.csv",
        "--sample", "300", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    return done.json, out


def test_the_figures_are_those_of_the_rankings(written: tuple[Any, Path]) -> None:
    found, out = written
    first, second = (rb.read_run(out / "runs" / f"{side}.trec").to_dict() for side in ("first", "second"))
    weight, changed, shared, differ = 0, 0, 0.0, {}
    for line in (out / "queries.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        tops = [sorted(run.get(row["query_id"], {}).items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:10]
                for run in (first, second)]  # fmt: skip
        one, other = ([item for item, _ in top] for top in tops)
        weight += row["searches"]
        changed += row["searches"] * (one[:1] != other[:1])
        size = max(len(one), len(other))
        shared += row["searches"] * (len(set(one) & set(other)) / size if size else 1.0)
        differ[row["query_id"]] = one != other
    assert 250 < weight == found["searches"] <= 300
    assert found["changed"]["1"]["mean"] == pytest.approx(changed / weight)
    assert found["overlap"]["10"]["mean"] == pytest.approx(shared / weight)
    assert all(differ[one["query_id"]] for one in found["disagreements"])
    assert "by_query" not in found["first"]["latency"]


def test_a_filled_sheet_is_a_golden_set(ragbench: Any, shop: Path, written: tuple[Any, Path], tmp_path: Path) -> None:
    found, out = written
    with (out / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["query_id"] for row in rows} == {one["query_id"] for one in found["disagreements"]}
    assert all(row["item_text"] and not row["label"] for row in rows)
    wanted = rows[0]["query_id"]
    for row in rows:
        row["label"] = "2" if row is rows[0] else "0" if row["query_id"] == wanted else ""
    path = tmp_path / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    (item,) = rb.load_golden(path)
    assert (item.id, item.text) == (wanted, rows[0]["query"])
    assert {e.document_id for e in item.evidence if e.grade == 2} == {rows[0]["document_id"]}
    assert not item.metadata
    # A sheet that somebody has begun to fill in is not written over.
    again = tmp_path / "again"
    again.mkdir()
    path.rename(again / "labels.csv")
    words = ("shadow", "bm25", "dense", "--queries", "nothing.csv", "--corpus", shop / "product_catalog.csv")
    refused = ragbench(*words, "--out", again)
    assert refused.code == 2
    assert "labels.csv exists already" in refused.err


def test_a_judge_can_compare_the_results(written: tuple[Any, Path]) -> None:
    _, out = written
    first, second = (rb.load_answers(out / f"{side}.jsonl") for side in ("first", "second"))
    assert [one.query_id for one in first] == [one.query_id for one in second]
    assert 50 < len(first) <= 200
    assert all(one.answer != other.answer for one, other in zip(first, second, strict=True))
    plan = rb.prefer(first, second, rubrics="results", dry_run=True, judge="openai_compatible:m",
                     base_url="http://localhost:8000/v1")  # fmt: skip
    assert plan.estimate.calls == 2 * len(first)


def test_candidates_can_be_reviewed(ragbench: Any, shop: Path, written: tuple[Any, Path], tmp_path: Path) -> None:
    found, out = written
    candidates = rb.load_golden(out / "candidates.jsonl")
    assert len(candidates) == len(found["disagreements"])
    first = candidates.items[0]
    assert first.metadata["results"]["bm25"] == found["disagreements"][0]["second"]  # type: ignore[index]
    (tmp_path / "decisions.csv").write_text(f"id,decision,edited_text,grade,comment\n{first.id},reject,,,\n")
    applied = rb.review.apply(tmp_path / "decisions.csv", candidates)
    assert len(applied.golden) == len(candidates) - 1


def test_files_and_folders_are_matched_by_query_id(ragbench: Any, shop: Path) -> None:
    words = ("--queries", shop / "golden.jsonl", "--json")
    folder = ragbench("shadow", f"{EXAMPLE}::bm25:stem=false", f"{EXAMPLE}::bm25", *words).json
    files = ragbench(
        "shadow", *(EXAMPLE / "runs" / f"{name}.trec" for name in ("bm25_stem=false", "bm25")), *words
    ).json
    assert folder["rbo"] == files["rbo"]
    assert folder["queries"] == 198
    assert folder["slower"]["n"] > 0
    assert files["first"]["latency"] is None
    refused = ragbench("shadow", f"{EXAMPLE}::bm25", "bm25", "--queries", shop / "log.csv", "--corpus",
                       shop / "product_catalog.csv")  # fmt: skip
    assert refused.code == 2
    assert "log.csv:2: the query has no id" in refused.err


@pytest.fixture
def services() -> Iterator[tuple[str, str]]:
    """Two deployed services with documents of their own. The second answers in another order, and fails for tents."""
    servers = []

    def start(reverse: bool) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
                ids = ["x", "y", "z"][:: -1 if reverse else 1]
                failed = reverse and "tent" in query
                raw = json.dumps({"results": [{"id": id_} for id_ in ids]}).encode()
                self.send_response(400 if failed else 200)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http:url=http://127.0.0.1:{server.server_port}/,returns=document"

    yield start(False), start(True)
    for server in servers:
        server.shutdown()
        server.server_close()


def test_services_need_no_corpus(ragbench: Any, services: tuple[str, str], tmp_path: Path) -> None:
    queries = tmp_path / "live.txt"
    queries.write_text("lamp\ntent\nlamp\nkettle\n")
    found = ragbench("shadow", *services, "--queries", queries, "--json").json
    assert (found["searches"], found["queries"], found["compared"]) == (4, 3, 3)
    assert found["failed_more"]["mean"] == 0.25
    assert found["changed"]["1"]["mean"] == 1.0
    assert found["changed"]["3"]["mean"] == 0.0
    assert found["first"]["latency"]["n"] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([f"{EXAMPLE}::bm25", f"{EXAMPLE}::bm25"], "::bm25 twice"),
        (["bm25"], "names 1 system;"),
        (["bm25", "dense"], "--corpus is not given, and bm25 needs documents"),
        ([EXAMPLE, f"{EXAMPLE}::bm25"], "has 2 systems"),
        ([f"{EXAMPLE}::bm52", f"{EXAMPLE}::bm25"], "bm25"),
        (["bm25", "dense", "--k", "0"], "--k"),
        (["bm25", "dense", "--sample", "0"], "--sample"),
    ],
)
def test_wrong_words_are_refused(ragbench: Any, shop: Path, words: list[object], says: str) -> None:
    done = ragbench("shadow", *words, "--queries", shop / "seed_queries.txt")
    assert done.code == 2
    assert says in done.err


def test_the_queries_are_asked_for(ragbench: Any) -> None:
    done = ragbench("shadow", f"{EXAMPLE}::bm25:stem=false", f"{EXAMPLE}::bm25")
    assert done.code == 2
    assert "--queries is not given" in done.err
