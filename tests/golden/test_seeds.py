"""Seed queries from a log: what is dropped and joined, the types, the sample, and the mix that generate takes."""

import asyncio
import csv
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from generate_writer import LLMServer, answer, options, serving, write_corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ragbench as rb
from ragbench.core.errors import InputError
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.golden.personal_data import personal_data, without_personal_data
from ragbench.golden.query_types import LOGGED_TYPES, query_type
from ragbench.golden.query_types_by_model import types_by_model
from ragbench.golden.seeds import LoggedQuery, clean, draw, misspellings
from ragbench.io.golden_files import read_golden
from ragbench.models.llm.base import Answer, Request

HERE = Path(__file__).resolve().parent


def log_of(*queries: str, session: str = "") -> SearchLog:
    return SearchLog(tuple(LoggedSearch(f"log.csv:{n}", text, session) for n, text in enumerate(queries, 2)))


@pytest.fixture(scope="module")
def builder(sample_data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop_log_truth", sample_data / "shop" / "build_log.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("where is my order anna.bell@example.com", ["e-mail address"]),
        ("write to tom (at) example.org", ["e-mail address"]),
        ("+44 7700 900142", ["telephone number"]),
        ("07700 900 877 or (212) 555-0199", ["telephone number"] * 2),
        ("212-555-0199 call", ["telephone number"]),
        ("4111 1111 1111 1111", ["card number"]),
        ("DE89 3704 0044 0532 0130 00 refund", ["IBAN"]),
        ("login from 192.0.2.17", ["IP address"]),
        ("power bank 26800 mah", []),
        ("screws 5 x 60 200 pieces", []),
        ("bed linen 135 x 200", []),
        ("ean 4006381333931", []),
        ("whetstone 1000/3000", []),
        ("4111 1111 1111 1112", []),
        ("DE88 3704 0044 0532 0130 02", []),
        ("firmware 10.2.300.4", []),
        ("deal 2026-03-02 to 2026-03-09", []),
        ("1.234.567,89 euros", []),
    ],
)
def test_personal_data_are_found_and_figures_of_products_are_not(text: str, kinds: list[str]) -> None:
    assert [found.kind for found in personal_data(text)] == kinds
    hidden = without_personal_data(text)
    assert hidden.count("[") == len(kinds)
    assert not personal_data(hidden)


def test_everything_planted_in_the_shops_log_is_dropped_and_nothing_else(
    builder: ModuleType, sample_data: Path
) -> None:
    log = rb.read_search_log(sample_data / "shop" / "log.csv")
    cleaned = clean(log)
    lines = {entry.item for entry in cleaned.ledger.of("personal-data")}
    planted = {text for _, text in builder.PERSONAL}
    assert lines == {search.where for search in log if " ".join(search.query.split()) in planted}
    for entry in cleaned.ledger.entries:
        assert not personal_data(entry.reason), entry
    assert len(cleaned.ledger.of("no-word")) == sum(not any(c.isalnum() for c in search.query) for search in log)


def test_the_distinct_queries_of_the_shops_log_are_those_that_were_meant(
    builder: ModuleType, sample_data: Path
) -> None:
    """Slips, cases and stray spaces are joined to the text that they come from."""
    cleaned = clean(rb.read_search_log(sample_data / "shop" / "log.csv"))
    meant = {query.text.lower().strip("?"): query.type for query in builder.read_queries()}
    found = {query.text.lower().strip("?") for query in cleaned.queries}
    assert len(found - set(meant)) <= 0.04 * len(meant)  # rare queries whose only search was misspelt
    assert len(set(meant) - found) <= 0.02 * len(meant)
    assert cleaned.misspelt > 150


def kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's kappa, by its definition."""
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    one, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(one[kind] * other[kind] for kind in one) / n**2
    return (agreed - chance) / (1 - chance)


def test_the_rules_agree_with_labels(builder: ModuleType) -> None:
    """The figures of docs/guides/seeds.md."""
    planted = [(query.type, query_type(query.text)) for query in builder.read_queries()]
    with (HERE / "query_types.csv").open(encoding="utf-8", newline="") as file:
        by_hand = [(row["type"], query_type(row["query"])) for row in csv.DictReader(file)]
    assert Counter(kind for kind, _ in by_hand) == dict.fromkeys(LOGGED_TYPES, 20)
    for pairs, share in ((planted, 0.90), (by_hand, 0.95)):
        assert sum(a == b for a, b in pairs) / len(pairs) == pytest.approx(share, abs=0.015)
        assert kappa(pairs) > 0.85


def test_rules_do_not_depend_on_case_or_spaces() -> None:
    for text in ("led strip", "oled vs qled", "How do I descale it?", "any good kettle 4 my mum?", "tent under 2 kg"):
        assert query_type(text) == query_type(f"  {text.upper()} ") == query_type(text.replace(" ", "  "))


def test_repetitions_of_a_visit_count_once_and_spellings_are_one_query() -> None:
    assert clean(log_of("tent", "Tent ", "tent!", session="s1")).queries == (LoggedQuery("tent", 1),)
    assert clean(log_of("tent", "Tent ", "tent", "TENT?")).queries == (LoggedQuery("tent", 4),)
    assert clean(log_of("blanket", "blanket", "blanket", "blanke", "blnaket")).queries == (LoggedQuery("blanket", 5),)


def test_what_is_no_query_is_dropped_with_its_line() -> None:
    cleaned = clean(log_of("ok", "?!", "https://shop.example/x", "word " * 41, "a\x00b\u200b"), least=1)
    assert [(entry.item, entry.code) for entry in cleaned.ledger.entries] == [
        ("log.csv:3", "no-word"),
        ("log.csv:4", "address"),
        ("log.csv:5", "too-long"),
    ]
    assert {query.text for query in cleaned.queries} == {"ok", "a b"}
    rare = clean(log_of("tent", "tent", "lamp"), least=2)
    assert [query.text for query in rare.queries] == ["tent"]
    assert rare.ledger.counts() == {"rare": 1}


def distance(a: str, b: str) -> int:
    """Optimal string alignment distance by its recursion (Boytsov 2011, section 2.2)."""
    table = {(-1, -1): 0} | {(i, -1): i + 1 for i in range(len(a))} | {(-1, j): j + 1 for j in range(len(b))}
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a) - 1, len(b) - 1]


word = st.text("abc", min_size=3, max_size=7)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.dictionaries(st.lists(word, min_size=1, max_size=2).map(" ".join), st.integers(1, 30), max_size=30))
def test_a_misspelling_is_one_slip_from_what_is_meant(counts: dict[str, int]) -> None:
    """Against the optimal string alignment distance, over all pairs."""
    meant = misspellings(counts)
    for query in counts:
        fitting = []
        for other in counts:
            pairs = [(a, b) for a, b in zip(query.split(), other.split(), strict=False) if a != b]
            if len(query.split()) == len(other.split()) and len(pairs) == 1 and counts[other] >= 3 * counts[query]:
                (a, b) = pairs[0]
                if distance(a, b) == 1 and min(len(a), len(b)) >= 4 and max(len(a), len(b)) >= 5:
                    fitting.append(other)
        if all(len(a) >= 5 for a in query.split()) and all(len(b) >= 5 for other in fitting for b in other.split()):
            assert (query in meant) == bool(fitting)
    assert all(counts[other] >= 3 * counts[query] for query, other in meant.items())


@given(
    st.lists(st.tuples(st.sampled_from(LOGGED_TYPES), st.integers(1, 9)), min_size=1, max_size=60), st.integers(1, 70)
)
def test_a_sample_has_the_shares_of_the_searches(rows: list[tuple[str, int]], size: int) -> None:
    queries = [LoggedQuery(f"q{n}", count, kind) for n, (kind, count) in enumerate(rows)]
    drawn = draw(queries, size, 3)
    assert drawn == draw(queries, size, 3)
    assert len(drawn) == len(set(drawn)) == min(size, len(queries))
    types, available = Counter(query.type for query in drawn), Counter(query.type for query in queries)
    if size >= len(available):
        assert set(types) == set(available)
    weight: Counter[str] = Counter()
    for query in queries:
        weight[query.type] += query.searches
    for kind, count in types.items():
        share = size * weight[kind] / weight.total()
        if all(types[other] < available[other] for other in types) and all(
            size * weight[other] / weight.total() >= 1 for other in available
        ):
            assert abs(count - share) < 1, (kind, count, share)


def test_frequent_queries_are_drawn_more_often() -> None:
    queries = [LoggedQuery("often", 9, "keyword"), *(LoggedQuery(f"q{n}", 1, "keyword") for n in range(9))]
    hits = sum(draw(queries, 1, seed)[0].text == "often" for seed in range(400))
    assert 160 < hits < 240  # half of the searches; 4 standard errors


class Scripted:
    """A model that knows the type of some queries, and answers the rest badly."""

    def __init__(self, types: dict[str, str]) -> None:
        self.types = types

    async def ask(self, request: Request) -> Answer:
        (text,) = [line for line in request.messages[1].text.splitlines() if line.startswith("query ")]
        return Answer({"type": self.types[text]} if text in self.types else {"type": "nonsense"})


def test_a_model_classifies_and_the_rules_help_out() -> None:
    texts = [f"query {n}" for n in range(45)]
    known = {text: LOGGED_TYPES[n % 6] for n, text in enumerate(texts) if n != 41}
    found, missing = asyncio.run(types_by_model(texts, Scripted(known), seed=0))
    assert missing == 1
    assert found == {**known, "query 41": query_type("query 41")}


def test_the_command_writes_seeds_whose_mix_generate_takes(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    out, corpus, golden = tmp_path / "seeds.txt", write_corpus(tmp_path / "corpus.jsonl", 6), tmp_path / "golden"
    done = ragbench("seeds", sample_data / "shop" / "log.csv", "--size", 60, "--out", out)
    assert done.code == 0, done.err
    assert "60 seed queries written to" in done.out
    first = {path.name: path.read_bytes() for path in (out, out.with_suffix(".json"))}
    counts = json.loads(first["seeds.json"])
    assert len(first["seeds.txt"].splitlines()) == 60
    assert sum(own["seeds"] for own in counts["types"].values()) == 60
    assert sum(counts["shares"].values()) == pytest.approx(1)
    assert counts["dropped"]["personal-data"] == 25
    assert b"@example" not in first["seeds.txt"] + first["seeds.json"]
    assert ragbench("seeds", sample_data / "shop" / "log.csv", "--size", 60, "--out", out).code == 0
    assert first == {path.name: path.read_bytes() for path in (out, out.with_suffix(".json"))}
    with serving(LLMServer(reply=answer)) as server:
        words = ("--seed-queries", out, "--mix", "seeds", "--stage", "schema")
        done = ragbench(*options(corpus, server, golden, *words))
    assert done.code == 0, done.err
    assert "mix of the seed queries: attribute 0.25, comparative 0.09" in done.out
    types = Counter(item.type for item in read_golden(golden))
    assert set(types) == set(LOGGED_TYPES)
    assert abs(types["attribute"] / types.total() - counts["shares"]["attribute"]) < 1 / types.total()


def test_the_mix_of_other_seeds_is_that_of_the_rules(ragbench: Any, tmp_path: Path) -> None:
    corpus, seeds = write_corpus(tmp_path / "corpus.jsonl", 4), tmp_path / "mine.txt"
    seeds.write_text("tent\nlamp\nstove\nhow long does the tent last?\n")
    with serving(LLMServer(reply=answer)) as server:
        words = options(corpus, server, tmp_path / "golden", "--seed-queries", seeds, "--mix", "seeds", "--dry-run")
        done = ragbench(*words)
        assert done.code == 0, done.err
        assert "mix of the seed queries: keyword 0.75, question 0.25" in done.out
        (tmp_path / "mine.json").write_text('{"format": "ragbench-seeds", "version": 9}')
        done = ragbench(*words)
        assert done.code == 2
        assert "mine.json: no counts of seed queries that this ragbench reads" in done.err
        assert not server.asked
    done = ragbench("generate", "--corpus", corpus, "--out", tmp_path / "x", "--mix", "seeds")
    assert done.code == 2
    assert "--mix seeds needs --seed-queries" in done.err


def test_faults_of_a_log_are_named(ragbench: Any, tmp_path: Path) -> None:
    for content, says in (
        ("term,who\na,b\n", "log.csv: no column holds the queries"),
        ("query\n", "log.csv: there is no row in it"),
        ('query\n"?"\n', "no query is left of 1"),
        ("query,timestamp\ntent,yesterday\n", "log.csv:2: 'timestamp' is 'yesterday'"),
    ):
        (tmp_path / "log.csv").write_text(content)
        done = ragbench("seeds", tmp_path / "log.csv")
        assert done.code == 2
        assert says in done.err
    (tmp_path / "log.csv").write_text("term,who\nled strip,b\n")
    done = ragbench("seeds", tmp_path / "log.csv", "--columns", "query=term", "--json")
    assert done.json["seeds"] == [{"text": "led strip", "type": "keyword", "searches": 1}]
    with pytest.raises(InputError, match="is a folder"):
        rb.read_search_log(tmp_path)
