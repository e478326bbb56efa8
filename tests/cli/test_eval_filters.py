"""``ragbench eval`` with filters: for all systems, for one system, for each query, in a file and in Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb

CORPUS = [
    {"id": "a", "title": "Steel kettle", "text": "A kettle that boils water.", "price": 20, "sold": True},
    {"id": "b", "title": "Glass kettle", "text": "A kettle that boils water fast.", "price": "45.50", "sold": False},
    {"id": "c", "title": "Red kettle", "text": "A kettle that whistles.", "price": 90, "sold": True},
    {"id": "d", "title": "Tent", "text": "A tent for two with a kettle.", "sold": True},
]
GOLDEN = [
    {"id": "q1", "text": "boiling water", "evidence": [{"document_id": "a"}], "metadata": {"only": "price<30"}},
    {"id": "q2", "text": "kettle that whistles", "evidence": [{"document_id": "c"}], "metadata": {"only": "sold=true"}},
    {"id": "q3", "text": "tent and kettle", "evidence": [{"document_id": "d"}]},
]  # fmt: skip
Rankings = dict[str, set[str]]


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return lines(tmp_path / "corpus.jsonl", CORPUS)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    return lines(tmp_path / "golden.jsonl", GOLDEN)


@pytest.fixture
def run(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> Callable[..., Any]:
    """Evaluate BM25, or what is asked, and return the results."""

    def ran(*options: object, retriever: str = "bm25") -> dict[str, Any]:
        out = tmp_path / "out"
        systems = () if "--config" in options else ("--retriever", retriever)
        done = ragbench(
            "eval", "--corpus", corpus, "--golden", golden, *systems, *options, "--out", out, "--force", "--k", 3
        )
        assert done.code == 0, done.err
        content = json.loads((out / "results.json").read_text())
        content["printed"] = done.out
        content["found"] = {arm["name"]: rankings(out / "runs" / f"{arm['name']}.trec") for arm in content["arms"]}
        return content

    return ran


def rankings(path: Path) -> Rankings:
    found: Rankings = {}
    for line in path.read_text().splitlines():
        query, _, item, *_ = line.split()
        found.setdefault(query, set()).add(item)
    return found


@pytest.mark.parametrize("retriever", ["bm25", "dense"])
def test_a_filter_of_all_systems(run: Any, retriever: str) -> None:
    got = run("--filter", "price<80", retriever=retriever)
    assert set().union(*got["found"][retriever].values()) == {"a", "b"}
    assert got["manifest"]["settings"]["filter"] == "price<80"
    removed = [entry["item"] for entry in got["ledger"]["entries"] if entry["code"] == "filter-removes"]
    assert removed == ["q2", "q3"]
    assert "filtered by price<80" in " ".join(got["printed"].split())
    # Labels that a filter removes stay: their queries score 0.
    assert got["arms"][0]["metrics"]["recall@3"]["mean"] == pytest.approx(1 / 3)


def test_a_filter_of_each_query(run: Any) -> None:
    got = run("--filter-column", "only")
    found = got["found"]["bm25"]
    assert found == {"q1": {"a"}, "q2": {"a", "c", "d"}, "q3": {"a", "b", "c", "d"}}
    assert "filter-removes" not in got["ledger"]["counts"]
    both = run("--filter-column", "only", "--filter", "price>=20")
    assert both["found"]["bm25"] == {"q1": {"a"}, "q2": {"a", "c"}, "q3": {"a", "b", "c"}}


def test_filters_in_a_file(run: Any, tmp_path: Path) -> None:
    config = tmp_path / "experiments.yaml"
    config.write_text(
        "filter: price > 10\n"
        "retrievers:\n"
        "  all: bm25\n"
        "  sold: {retriever: bm25, filter: sold = true}\n"
        "  cheap: {retriever: dense, reranker: 'rerank:depth=20', filter: 'price < 30'}\n"
    )
    got = run("--config", config)
    seen = {name: set().union(*found.values()) for name, found in got["found"].items()}
    assert seen == {"all": {"a", "b", "c"}, "sold": {"a", "c"}, "cheap": {"a"}}
    assert [arm["setup"]["filter"] for arm in got["arms"]] == [None, "sold = true", "price < 30"]
    assert [len(arm["warnings"]) for arm in got["arms"] if arm["name"] == "sold"] == [0]
    assert any("q2" in warning for arm in got["arms"] if arm["name"] == "cheap" for warning in arm["warnings"])


def test_stored_rankings_know_their_filters(run: Any, golden: Path, corpus: Path, tmp_path: Path) -> None:
    def stored(*options: object) -> bool:
        return bool(run(*options, "--cache", tmp_path / "cache")["arms"][0]["from_store"])

    assert [stored(), stored("--filter", "price<80"), stored("--filter", "price < 80")] == [False, False, True]
    assert [stored("--filter-column", "only"), stored("--filter-column", "only")] == [False, True]
    swapped = [
        {**row, "metadata": {"only": other}} for row, other in zip(GOLDEN, ["sold=true", "price<30"], strict=False)
    ]
    lines(golden, [*swapped, GOLDEN[2]])
    assert not stored("--filter-column", "only")
    # The field of the filter decides, and other metadata do not.
    lines(corpus, [{**row, "colour": "red"} for row in CORPUS])
    assert stored("--filter", "price<80")
    lines(corpus, [{**row, "price": 10} for row in CORPUS])
    assert not stored("--filter", "price<80")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--filter", "prise<3"), "price"),
        (("--filter", "price<<3"), "character 7"),
        (("--filter", "price<1"), "no document"),
        (("--filter", "price=cheap"), "no number"),
        (("--filter-column", "onyl"), "only"),
    ],
)
def test_what_cannot_be_a_filter_is_refused(
    ragbench: Any, corpus: Path, golden: Path, options: tuple[str, str], says: str
) -> None:
    done = ragbench("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", *options)
    assert done.code == 2
    assert options[0] in done.err
    assert says in done.err


def test_a_filter_of_a_query_that_cannot_be_read_names_the_query(ragbench: Any, corpus: Path, tmp_path: Path) -> None:
    for bad, says in (("price<", "character 7"), ("prise<3", "price"), (["price<3"], "text")):
        golden = lines(tmp_path / "golden.jsonl", [GOLDEN[0], {**GOLDEN[1], "metadata": {"only": bad}}])
        done = ragbench(
            "eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--filter-column", "only"
        )
        assert done.code == 2
        assert "'q2'" in done.err
        assert says in done.err


def test_a_system_that_cannot_filter_has_an_error_and_others_a_score(ragbench: Any, corpus: Path, golden: Path) -> None:
    done = ragbench(
        "eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--retriever", "command:command=cat",
        "--filter", "price<80", "--json",
    )  # fmt: skip
    assert done.code == 2
    arms = json.loads(done.out)["arms"]
    assert [arm["status"] for arm in arms] == ["ok", "error"]
    assert "price < 80" in arms[1]["error"]


def test_filters_need_a_corpus(ragbench: Any, golden: Path, tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_text("q1 Q0 a 1 3 x\n")
    done = ragbench(
        "eval", "--golden", golden, "--retriever", f"run:path={tmp_path / 'a.trec'}", "--filter", "price<80"
    )
    assert done.code == 2
    assert "--filter" in done.err


def test_filters_in_python(corpus: Path, golden: Path, cache: Path) -> None:
    found = rb.evaluate(
        corpus, golden, {"all": "bm25", "sold": {"retriever": "bm25", "filter": "sold=true"}}, filter="price<80", k=3
    )
    means = [arm.metrics["recall@3"].mean for arm in found.arms]
    assert means == pytest.approx([1 / 3, 1 / 3])
    with pytest.raises(rb.SettingError, match="filter"):
        rb.evaluate(corpus, golden, {"x": {"retriever": "bm25", "filter": 3}})
