"""``ragbench drift``: exit codes, periods, files of any kind, and wrong words."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def shop(sample_data: Path) -> Path:
    return sample_data / "shop"


def of(log: Path, *more: object) -> list[object]:
    return ["drift", "--reference", log, "--current", log, "--permutations", 199, *more]


AFTER = ("--reference-until", "2026-05-04", "--since", "2026-05-04")
BEFORE = ("--reference-until", "2026-04-06", "--since", "2026-04-06T00:00:00", "--until", "2026-05-04")


def test_the_exit_code_is_asked_for(ragbench: Any, shop: Path, tmp_path: Path) -> None:
    found = ragbench(*of(shop / "log.csv", *AFTER, "--json", "--out", tmp_path / "out"))
    assert found.code == 0
    assert found.json["outcome"] == "drift"
    assert json.loads((tmp_path / "out" / "drift.json").read_text("utf-8")) == found.json
    assert "example.com" not in found.out
    assert ragbench(*of(shop / "log.csv", *AFTER, "--fail")).code == 1
    assert ragbench(*of(shop / "log.csv", *BEFORE, "--fail")).code == 0


def test_the_same_seed_gives_the_same_figures(ragbench: Any, shop: Path) -> None:
    one, other = (ragbench(*of(shop / "log.csv", *BEFORE, "--json")).out for _ in range(2))
    assert one == other


def test_an_evaluation_is_reweighted(ragbench: Any, shop: Path) -> None:
    words = (
        "drift",
        "--reference",
        shop,
        "--current",
        shop / "log.csv",
        "--evaluation",
        "reports/example",
        "--permutations",
        99,
    )
    found = ragbench(*words, "--json").json["weights"]
    assert [one["system"] for one in found["systems"]] == ["bm25:stem=false", "bm25"]
    assert found["systems"][1]["golden"] == pytest.approx(0.661, abs=0.001)
    low, high = (found["systems"][1]["live"][end] for end in ("low", "high"))
    assert 0.4 < low < found["systems"][1]["live"]["mean"] < high < 0.9
    refused = ragbench(*words, "--metric", "ndcg@99")
    assert refused.code == 2
    assert "no scores by ndcg@99" in refused.err


def test_queries_come_from_any_file(ragbench: Any, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(f"led strip {n} m" for n in range(30)), "utf-8")
    (tmp_path / "b.csv").write_text("begriff\n" + "".join(f"tent for {n}\n" for n in range(30)) + "?\n", "utf-8")
    words = (
        "drift",
        "--reference",
        tmp_path / "a.txt",
        "--current",
        tmp_path / "b.csv",
        "--json",
        "--permutations",
        199,
    )
    found = ragbench(*words, "--columns", "query=begriff").json
    assert found["searches"] == [30, 30]
    assert found["has_sessions"] is False
    assert found["skipped"] == {"no-word": 1}
    assert found["outcome"] == "drift"
    golden = ragbench("drift", "--reference", shop / "golden.jsonl", "--current", shop / "seed_queries.txt", "--json",
                      "--permutations", 99)  # fmt: skip
    assert golden.json["searches"] == [198, 42]
    assert golden.json["sessions"][0] < 198


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--since", "yesterday"], "--since"),
        (["--since", "2027-01-01"], "no search in this period"),
        (["--near", "1.5"], "--near"),
        (["--permutations", "5"], "--permutations"),
        (["--metric", "ndcg@10"], "--evaluation"),
        (["--embedder", "minilmm"], "minilm"),
        (["--columns", "query=nope"], "nope"),
    ],
)
def test_wrong_words_are_refused(ragbench: Any, shop: Path, more: list[str], says: str) -> None:
    done = ragbench("drift", "--reference", shop, "--current", shop / "log.csv", *more)
    assert done.code == 2
    assert says in done.err


def test_a_catalogue_is_no_golden_set(ragbench: Any, shop: Path) -> None:
    words = ["drift", "--reference", shop, "--current", shop / "product_catalog.csv", "--permutations", "99"]
    done = ragbench(*words)
    assert done.code == 2
    assert "--columns query=NAME" in done.err
    assert ragbench(*words, "--columns", "query=name", "--json").json["searches"] == [198, 166]


def test_a_period_needs_times(ragbench: Any, shop: Path) -> None:
    done = ragbench("drift", "--reference", shop, "--current", shop / "seed_queries.txt", "--since", "2026-05-04")
    assert done.code == 2
    assert "--since" in done.err
