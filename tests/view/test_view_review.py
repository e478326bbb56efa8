"""Decisions are written as 'ragbench golden review import' reads them."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CATALOG = Path(__file__).resolve().parents[2] / "datasets" / "shop" / "product_catalog.csv"


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def decide(client: Any, run: str, id_: str, decision: str, **more: Any) -> Any:
    return client.post("/decisions", json={"run": run, "id": id_, "decision": decision, **more})


def test_decisions_beside_the_golden_set_can_be_imported(
    open_here: Any, runs: Path, golden: Path, ragbench: Any, keys_of: Any
) -> None:
    client = open_here(runs, "--corpus", CATALOG, "--golden", golden).client()
    by_name = keys_of(client)
    table = golden.parent / "shop.review.csv"
    assert client.get("/data/queries", params={"run": by_name["first"]}).json()["file"] == str(table)
    assert decide(client, by_name["first"], "q001", "accept", grade="3").status_code == 200
    assert decide(client, by_name["first"], "q002", "edit", edited_text="  a tent \n for two ").status_code == 200
    # Another evaluation on the same set writes into the same table.
    done = decide(client, by_name["later/second"], "q003", "reject", comment="=HYPERLINK(1)")
    assert done.json()["row"] == {"decision": "reject", "edited_text": "", "grade": "", "comment": "=HYPERLINK(1)"}
    assert decide(client, by_name["first"], "q004", "marked", comment="ask Ann").status_code == 200
    found = {row["id"]: row for row in rows(table)}
    assert list(found) == ["q001", "q002", "q003", "q004"]
    assert found["q003"]["comment"] == "'=HYPERLINK(1)"
    assert found["q001"]["evidence"].startswith("[P003] ")
    assert found["q004"]["decision"] == ""
    shown = client.get("/data/queries", params={"run": by_name["later/second"]}).json()
    assert shown["decisions"]["q003"]["comment"] == "=HYPERLINK(1)"
    assert shown["decisions"]["q004"]["comment"] == "ask Ann"
    out = golden.parent / "reviewed"
    done = ragbench("golden", "review", "import", "--decisions", table, "--golden", golden, "--out", out, "--json")
    assert done.code == 0, done.err
    assert done.json["decisions"] == {"accept": 1, "edit": 1, "reject": 1}
    assert done.json["undecided"] == ["q004"]
    assert done.json["rejected"] == ["q003"]
    items = {item["id"]: item for item in map(json.loads, (out / "golden.jsonl").read_text("utf-8").splitlines())}
    assert items["q002"]["text"] == "a tent for two"
    assert {e["grade"] for e in items["q001"]["evidence"]} - {0} == {3}


def test_without_the_golden_set_they_lie_in_the_run(
    open_here: Any, runs: Path, golden: Path, ragbench: Any, keys_of: Any
) -> None:
    client = open_here(runs).client()
    key = keys_of(client)["later/second"]
    assert decide(client, key, "q010", "reject").status_code == 200
    table = runs / "later" / "second" / "review.csv"
    assert [(row["id"], row["decision"]) for row in rows(table)] == [("q010", "reject")]
    words = ("golden", "review", "import", "--decisions", table, "--golden", golden, "--out", golden.parent / "new")
    assert ragbench(*words).code == 0
    # Evaluated again, it is still an evaluation that can be read.
    assert keys_of(client)["later/second"] == key


def test_what_could_not_be_imported_is_refused_and_changes_nothing(
    open_here: Any, runs: Path, golden: Path, keys_of: Any
) -> None:
    client = open_here(runs, "--golden", golden).client()
    key = keys_of(client)["first"]
    text = client.get("/data/queries", params={"run": key}).json()["queries"][0]["text"]
    assert decide(client, key, "q001", "accept").status_code == 200
    table = golden.parent / "shop.review.csv"
    before = table.read_bytes()
    refused = [
        (decide(client, key, "q001", "edit"), "'edited_text' is empty"),
        (decide(client, key, "q001", "edit", edited_text=f" {text} "), "the text is that of the query"),
        (decide(client, key, "q001", "accept", grade="0"), "nothing would be relevant"),
        (decide(client, key, "q999", "accept"), "has no query 'q999'"),
        (decide(client, key, "../q001", "accept"), "has no query"),
        (decide(client, "0" * 16, "q001", "accept"), "in the folder"),
        (decide(client, key, "q001", "maybe"), "decision"),
        (decide(client, key, "q001", "accept", grade="7"), "grade"),
        (decide(client, key, "q001", "accept", path="/etc"), "path"),
        (client.post("/decisions", content=b'{"run":"x","id":"\\ud800","decision":"accept"}',
                     headers={"Content-Type": "application/json"}), "fault"),
        (client.post("/decisions", content=b"[" * 5_000, headers={"Content-Type": "application/json"}), "fault"),
    ]  # fmt: skip
    for reply, said in refused:
        assert reply.status_code in (400, 422), reply.text
        assert said in reply.text
    assert table.read_bytes() == before
    assert not [path.name for path in golden.parent.iterdir() if path.name.startswith(".")]


def test_taking_a_mark_away_removes_its_row_and_then_the_table(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    key = keys_of(client)["first"]
    table = runs / "first" / "review.csv"
    decide(client, key, "q001", "marked")
    decide(client, key, "q002", "accept")
    assert decide(client, key, "q002", "").json()["row"] is None
    assert [row["id"] for row in rows(table)] == ["q001"]
    decide(client, key, "q001", "")
    assert not table.exists()
    assert decide(client, key, "q001", "").status_code == 200


def test_table_that_a_spreadsheet_wrote_back_is_kept(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    key = keys_of(client)["first"]
    table = runs / "first" / "review.csv"
    table.write_text(
        "\ufeffid;decision;edited_text;grade;comment;who\r\nq005;reject;;;off topic;Ann\r\n", encoding="utf-8"
    )
    assert decide(client, key, "q006", "accept").status_code == 200
    found = {row["id"]: row for row in rows(table)}
    assert found["q005"]["who"] == "Ann"
    assert found["q005"]["decision"] == "reject"
    assert found["q006"]["decision"] == "accept"
    table.write_text("something else\r\n", encoding="utf-8")
    assert "no table of decisions" in decide(client, key, "q007", "accept").json()["fault"]
    assert table.read_text("utf-8").strip() == "something else"


def test_decisions_at_the_same_time_are_all_kept(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    key = keys_of(client)["first"]
    ids = [f"q{number:03d}" for number in range(1, 25)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda id_: decide(client, key, id_, "accept"), ids))
    assert {reply.status_code for reply in replies} == {200}
    assert sorted(row["id"] for row in rows(runs / "first" / "review.csv")) == ids


def test_values_of_the_list_are_those_of_the_evaluation(open_here: Any, runs: Path, keys_of: Any) -> None:
    client = open_here(runs).client()
    data = client.get("/data/queries", params={"run": keys_of(client)["first"]}).json()
    assert data["systems"] == ["bm25", "bm25:stem=false"]
    told = json.loads((runs / "first" / "results.json").read_text("utf-8"))
    for at, arm in enumerate(told["arms"]):
        values = [query["values"][at] for query in data["queries"] if query["values"][at] is not None]
        expected = arm["metrics"][data["metric"]]
        assert len(values) == expected["n"]
        assert abs(sum(values) / len(values) - expected["mean"]) < 1e-4


def test_labels_of_ranked_items_go_back_into_the_golden_set(
    open_here: Any, runs: Path, golden: Path, ragbench: Any, keys_of: Any
) -> None:
    client = open_here(runs, "--corpus", CATALOG, "--golden", golden).client()
    key = keys_of(client)["first"]

    def shown(id_: str) -> dict[str, Any]:
        reply = client.get("/data/query", params={"run": key, "query": id_})
        assert reply.status_code == 200, reply.text
        return {item["id"]: item for item in reply.json()["items"]}

    before = shown("q001")
    trec = (line.split() for line in (runs / "first" / "qrels.trec").read_text("utf-8").splitlines())
    judged = {item: int(label) for query, _, item, label in trec if query == "q001"}
    assert {id_: item["label"] for id_, item in before.items()} == {id_: judged.get(id_) for id_ in before}
    unjudged = [id_ for id_, item in before.items() if item["label"] is None]
    better, worse = unjudged[:2]
    labels = [{"item": better, "grade": 2}, {"item": worse, "grade": 0}]
    assert decide(client, key, "q001", "accept", labels=labels).status_code == 200
    # A later decision changes only the labels that it names.
    done = decide(client, key, "q001", "accept", labels=[{"item": better, "grade": 3}])
    assert sorted(line[0] for line in done.json()["row"]["labels"].split("\n")) == ["0", "3"]
    assert (shown("q001")[better]["given"], shown("q001")[worse]["given"]) == (3, 0)
    out, table = golden.parent / "reviewed", golden.parent / "shop.review.csv"
    words = ("golden", "review", "import", "--decisions", table, "--golden", golden, "--out", out, "--reviewer", "Ann")
    assert ragbench(*words).code == 0
    again = ragbench("eval", "--corpus", CATALOG, "--golden", out, "--retriever", "bm25", "--out", runs / "again")
    assert again.code == 0, again.err
    trec = (line.split() for line in (runs / "again" / "qrels.trec").read_text("utf-8").splitlines())
    after = {item: int(label) for query, _, item, label in trec if query == "q001"}
    assert after == {**judged, better: 3, worse: 0}
    items = {item["id"]: item for item in map(json.loads, (out / "golden.jsonl").read_text("utf-8").splitlines())}
    entry = items["q001"]["metadata"]["people"][-1]
    assert entry["reviewer"] == "Ann"
    assert sorted(line[0] for line in entry["labels"]) == ["0", "3"]
    assert decide(
        client, key, "q001", "accept", labels=[{"item": id_, "grade": None} for id_ in (better, worse)]
    ).json()["row"] == {"decision": "accept", "edited_text": "", "grade": "", "comment": ""}


def test_labels_that_could_not_be_imported_are_refused(open_here: Any, runs: Path, golden: Path, keys_of: Any) -> None:
    client = open_here(runs, "--corpus", CATALOG, "--golden", golden).client()
    key = keys_of(client)["first"]
    found = client.get("/data/query", params={"run": key, "query": "q001"}).json()
    assert found["evidence"][0]["text"]
    relevant = [{"item": one["id"], "grade": 0} for one in found["items"] if (one["label"] or 0) > 0]
    some = [{"item": found["items"][0]["id"], "grade": 2}]
    refused = [
        (decide(client, key, "q001", "accept", labels=relevant), "nothing would be relevant"),
        (decide(client, key, "q001", "marked", labels=some), "labels without a decision"),
        (decide(client, key, "q001", "accept", labels=[{"item": "nothing", "grade": 2}]), "have no item 'nothing'"),
        (decide(client, key, "q001", "accept", labels=[{"item": "P001", "grade": 4}]), "grade"),
        (client.get("/data/query", params={"run": key, "query": "q999"}), "has no query"),
    ]
    for reply, said in refused:
        assert reply.status_code == 422, reply.text
        assert said in reply.text
    assert not (golden.parent / "shop.review.csv").exists()
