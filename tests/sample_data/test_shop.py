"""The sample shop: what is committed is what its texts give, and its judgements hold together."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from ragbench.io.golden_files import native
from ragbench.io.golden_files.common import ReadOptions, WriteOptions
from tests.sample_data.scripts import script

SHOP = Path(__file__).resolve().parents[2] / "datasets" / "shop"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    return script(SHOP / "build.py")


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, str]]:
    with (SHOP / "product_catalog.csv").open(encoding="utf-8", newline="") as file:
        return {row["product_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def golden() -> list[dict]:
    return [json.loads(line) for line in (SHOP / "golden.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_texts_give_the_committed_bytes(builder):
    for name, content in builder.build().items():
        assert (SHOP / name).read_bytes() == content, f"run python datasets/shop/build.py: {name}"


def test_catalogue_is_about_150_products_in_a_dozen_departments(catalogue):
    assert 140 <= len(catalogue) <= 180
    departments = Counter(row["category"] for row in catalogue.values())
    assert len(departments) == 12
    assert min(departments.values()) >= 8
    assert len({row["name"] for row in catalogue.values()}) == len(catalogue)
    assert len({row["description"] for row in catalogue.values()}) == len(catalogue)


def test_descriptions_have_60_to_140_words_and_a_price(catalogue):
    for row in catalogue.values():
        words = len(row["description"].split())
        assert 60 <= words <= 140, f"{row['product_id']} has {words}"
        assert row["description"] == row["description"].strip()
        assert float(row["price"]) > 0


def test_no_two_descriptions_open_alike(catalogue):
    """Prose, not a template: the first four words are hardly ever shared."""
    openings = Counter(" ".join(row["description"].split()[:4]) for row in catalogue.values())
    assert max(openings.values()) == 1


def test_golden_set_has_the_promised_size_and_mix(golden):
    assert len(golden) >= 150
    assert len({item["id"] for item in golden}) == len(golden)
    assert len({item["text"].lower() for item in golden}) == len(golden)
    types = Counter(item["type"] for item in golden)
    assert set(types) == {"attribute", "comparative", "use-case", "question", "keyword", "informal", "unanswerable"}
    assert all(types[kind] >= 10 for kind in ("attribute", "comparative", "use-case", "question"))


def test_every_span_is_its_quote(builder, catalogue, golden):
    """The committed offsets, cut out of the committed CSV, against the quotes a person wrote down."""
    quotes = {query.id: [j for j in query.judgements if j[0] > 0] for query in builder.read_queries()}
    for item in golden:
        spans = [e for e in item["evidence"] if e["grade"] > 0]
        assert len(spans) == len(quotes[item["id"]])
        for span, (grade, product, quote) in zip(spans, quotes[item["id"]], strict=True):
            assert (span["document_id"], span["grade"]) == (product, grade)
            assert catalogue[product]["description"][span["start"] : span["end"]] == quote


def test_every_id_exists_and_has_one_grade(catalogue, golden):
    for item in golden:
        grades: dict[str, set[int]] = {}
        for evidence in item["evidence"]:
            assert evidence["document_id"] in catalogue, item["id"]
            grades.setdefault(evidence["document_id"], set()).add(evidence["grade"])
        assert all(len(found) == 1 for found in grades.values()), f"{item['id']} grades a product twice"
        if "source" in item:
            assert item["source"] in grades, f"{item['id']} does not judge its own source"


def test_grades_and_tempting_zeros(golden):
    grades = Counter(e["grade"] for item in golden for e in item["evidence"])
    assert set(grades) == {0, 1, 2}
    assert min(grades.values()) >= 40
    tempting = [item for item in golden if "metadata" in item]
    assert len(tempting) >= len(golden) / 2
    for item in tempting:
        zeros = {e["document_id"] for e in item["evidence"] if e["grade"] == 0}
        assert set(item["metadata"]["rejected"]) <= zeros


def test_ragbench_writes_the_same_bytes(tmp_path):
    """The committed file is in the form that ragbench itself gives a golden set."""
    native.write(native.read(SHOP / "golden.jsonl", ReadOptions()), tmp_path / "again.jsonl", WriteOptions())
    assert (tmp_path / "again.jsonl").read_bytes() == (SHOP / "golden.jsonl").read_bytes()


def test_unanswerable_queries_are_the_ones_the_card_names(golden):
    assert [i["id"] for i in golden if all(e["grade"] == 0 for e in i["evidence"])] == ["q197", "q198"]
    assert [i["id"] for i in golden if i["type"] == "unanswerable"] == ["q197", "q198"]


def test_seed_queries_are_no_golden_queries(golden):
    seeds = (SHOP / "seed_queries.txt").read_text(encoding="utf-8").splitlines()
    assert len(seeds) >= 40
    assert len(set(seeds)) == len(seeds)
    assert all(seed.strip() for seed in seeds)
    assert not {seed.lower() for seed in seeds} & {item["text"].lower() for item in golden}


def test_card_gives_the_counts_of_the_files(catalogue, golden):
    card = (SHOP / "CARD.md").read_text(encoding="utf-8")
    assert f"{len(catalogue)} products in 12 departments" in card
    assert f"golden set of {len(golden)} queries" in card
    for kind, count in Counter(item["type"] for item in golden).items():
        assert f"| {kind} | {count} |" in card
    for grade, count in Counter(e["grade"] for item in golden for e in item["evidence"]).items():
        assert f"| {grade} | {count} |" in card
    assert f"{sum(len(item.get('metadata', {}).get('rejected', {})) for item in golden)} are tempting" in card
    relevant = {e["document_id"] for item in golden for e in item["evidence"] if e["grade"] > 0}
    assert f"{len(relevant)} of the products are relevant" in card


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2 P999 | a tent", "no product P999"),
        ("2 P001 | words that are not there", "has 0 times the quote"),
        ("2 P001 | the", "times the quote"),
    ],
)
def test_a_wrong_judgement_stops_the_build(builder, line, message):
    queries: list = []
    for text in ("[q001] question @P001", "tent?", line):
        builder.read_line(text, queries, "golden_1.txt:1")
    products = {product.id: product for product in builder.read_products()}
    with pytest.raises(builder.AuthoringError, match=message):
        builder.golden_record(queries[0], products)


def test_a_line_that_is_nothing_stops_the_build(builder):
    queries: list = []
    for text in ("[q001] question", "tent?"):
        builder.read_line(text, queries, "golden_1.txt:1")
    with pytest.raises(builder.AuthoringError, match=r"golden_1.txt:3: cannot read"):
        builder.read_line("3 P001 | a grade that does not exist", queries, "golden_1.txt:3")


def test_catalogue_reads_back_as_one_table(builder):
    rows = list(csv.reader(io.StringIO((SHOP / "product_catalog.csv").read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == builder.COLUMNS
    assert {len(row) for row in rows} == {5}
