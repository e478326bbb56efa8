"""Gates and A/B tests on the page of a report."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb

RULES = "rules:\n  - {metric: ndcg@10, margin: 0.02}\n  - {metric: recall@10, min: 0.5, name: '<b>floor</b>'}\n"
PAIRED = """{"version": 1, "decision": "promote", "control": "a", "challenger": "b", "reasons": [], "guardrails": [],
"comparisons": %s}"""


@pytest.fixture(scope="module")
def made(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluations, a gate on them, and the outcomes of two tests."""
    root = tmp_path_factory.mktemp("decisions")
    shop = sample_data / "shop"
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false")
    words = ("--corpus", shop / "product_catalog.csv", "--golden", shop, "--k", "10", "--resamples", "500")
    assert ragbench("eval", *words, *arms, "--out", root / "runs").code == 0
    (root / "rules.yaml").write_text(RULES, "utf-8")
    pair = (f"{root}/runs::bm25", f"{root}/runs::bm25:stem=false")
    gate = ("--baseline", pair[0], "--candidate", pair[1], "--rules", root / "rules.yaml", "--out", root / "gate")
    assert ragbench("gate", *gate).code == 1
    events = ragbench(
        "ab", sample_data / "experiment" / "events.csv", "--guardrail", "latency_ms:max_increase=5%", "--json"
    )
    (root / "events.json").write_text(events.out, "utf-8")
    paired = ragbench("ab", "--runs", *pair, "--guardrail", "p95:max_increase=500%", "--json")
    (root / "paired.json").write_text(paired.out, "utf-8")
    return root


def section(page: str) -> str:
    found = re.search(r'<section id="decisions".*?</section>', page, re.DOTALL)
    assert found is not None
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<wbr>|<[^>]*>", " ", found[0])))


def test_what_was_decided_stands_on_the_page(ragbench: Any, made: Path, tmp_path: Path) -> None:
    files = ("--gate", made / "gate", "--ab", made / "events.json", "--ab", made / "paired.json")
    done = ragbench("report", made / "runs", *files, "--out", tmp_path / "r.html", "--figures", tmp_path / "figures")
    assert done.code == 0, done.err
    page = (tmp_path / "r.html").read_text("utf-8")
    said = section(page)
    gate = json.loads((made / "gate" / "gate.json").read_text("utf-8"))
    assert gate["sentence"] in said
    assert all(rule["reason"] in said for rule in gate["rules"] if rule["outcome"] != "pass")
    assert "<b>floor</b>" not in page
    assert "&lt;b&gt;floor&lt;/b&gt;" in page
    assert "another golden set" not in said
    for name in ("events", "paired"):
        found = json.loads((made / f"{name}.json").read_text("utf-8"))
        reasons = found["recommendation"]["reasons"] if name == "events" else found["reasons"]
        assert all(reason in said for reason in reasons)
    assert "Verdict: promote treatment" in said
    assert "at most +5% treatment kept" in said
    # Two kinds of rules, two outcomes and a guardrail; each drawing has a place of its own.
    figures = re.findall(r'data-chart="(\d+)"', page)
    assert sorted(map(int, figures)) == list(range(len(figures)))
    # The page has tables with bars and colours for these.
    pictures = [path.stem for path in (tmp_path / "figures").glob("*.svg")]
    assert len([name for name in pictures if name != "leaderboard" and not name.startswith("slice")]) == len(figures)
    alone = ragbench("report", made / "runs", "--out", tmp_path / "alone.html")
    assert alone.code == 0
    before = (tmp_path / "alone.html").read_text("utf-8")
    assert len(figures) == len(re.findall('data-chart="', before)) + 6
    assert 'id="decisions"' not in before


def test_objects_of_a_notebook_give_the_same_page(made: Path, tmp_path: Path) -> None:
    gate = rb.gate(f"{made}/runs::bm25:stem=false", f"{made}/runs::bm25", made / "rules.yaml")
    pages = [
        rb.report(made / "runs", out=tmp_path / f"{at}.html", gate=one)
        for at, one in enumerate((gate, [made / "gate" / "gate.json"], str(made / "gate")))
    ]
    assert len({page.read_bytes() for page in pages}) == 1


def test_a_gate_on_other_queries_is_told(ragbench: Any, made: Path, tmp_path: Path) -> None:
    content = json.loads((made / "gate" / "gate.json").read_text("utf-8"))
    content["candidate"]["fingerprints"]["golden"] = "0" * 32
    (tmp_path / "gate.json").write_text(json.dumps(content), "utf-8")
    done = ragbench("report", made / "runs", "--gate", tmp_path, "--out", tmp_path / "r.html")
    assert done.code == 0, done.err
    assert "on another golden set than the evaluations of this page" in section(
        (tmp_path / "r.html").read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--gate", None, "no such file; write it with 'ragbench gate --json > FILE'"),
        ("--gate", "{", "is not the output of 'ragbench gate --json'"),
        ("--gate", "[]", "it holds no JSON object"),
        ("--gate", '{"version": 1, "decision": "promote"}', "is not the output of 'ragbench gate --json'"),
        ("--gate", '{"schema_version": 1, "rules": [{}]}', "is not the output of 'ragbench gate --json': outcome"),
        ("--ab", '{"schema_version": 1, "rules": []}', "is not the output of 'ragbench ab --json'"),
        ("--ab", '{"version": 1, "decision": "promote"}', "is not the output of 'ragbench ab --json': source"),
        ("--ab", '{"version": 1, "decision": "win", "comparisons": []}', "is not the output of 'ragbench ab --json'"),
        ("--ab", PAIRED % '["x"]', "is not the output of 'ragbench ab --json': comparisons.0: "),
        ("--ab", PAIRED % "null", "is not the output of 'ragbench ab --json': comparisons: "),
        ("--ab", PAIRED % '[{"sentences": null}]', "'ragbench ab --json': comparisons.0.sentences: "),
        ("--ab", "[" * 100_000, "is not the output of 'ragbench ab --json'"),
        ("--gate", "[" * 100_000, "is not the output of 'ragbench gate --json'"),
    ],
)
def test_wrong_files_are_refused(
    ragbench: Any, made: Path, tmp_path: Path, option: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "x.json").write_text(content, "utf-8")
    done = ragbench("report", made / "runs", option, tmp_path / "x.json", "--out", tmp_path / "r.html")
    assert (done.code, said in done.err) == (2, True), done.err
