"""A catalogue is checked against a schema, and every row that breaks a rule is named by its line."""

import json
import random
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import ragbench as rb
from ragbench.cli import app
from ragbench.corpus.checks.rules import Checked
from ragbench.corpus.checks.schema import KINDS, read_schema
from ragbench.corpus.checks.table import read_catalogue
from ragbench.corpus.checks.values import is_mojibake, is_null, parse_value
from ragbench.stats.jaccard import similar_sets

SHOP = Path("datasets/shop/product_catalog.csv")
TODAY = "2026-11-29"
TENT = "The tent has room for two people and withstands heavy rain in the mountains of the north"
ROWS = [
    f'P1,Trekking tent,199.5,true,"{TENT}.",2026-11-28',
    'P2,Rain jacket,12x,true,"<p>A jacket with <b>hood</b>&nbsp;for cold days in the rain and at sea.</p>",2026-11-20',
    'P2,CafÃ© mug,9,yes,"A mug for coffee and tea, made of steel, with a lid that keeps the drink hot.",2025-01-01',
    'P4,,15,maybe,"Die Lampe leuchtet zwölf Stunden und lässt sich an der Decke des Zeltes aufhängen.",01.02.2026',
    f'P5,Trekking tent red,199.5,false,"{TENT}!",2026-11-28',
    "P6,Stove,49,true",
]
RULES = """columns:
  product_id: {unique: true, max_null: 0, pattern: 'P\\d+'}
  name: {max_length: 15}
  price: {type: number, min: 10}
  in_stock: {type: boolean}
  description: {min_length: 40, languages: {en: 0.9}, max_near_duplicates: 0.1}
  updated: {type: date, newest_days: 7, oldest_days: 300}
  brand: {}
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    head = "product_id,name,price,in_stock,description,updated"
    (tmp_path / "bad.csv").write_text("\n".join([head, *ROWS]) + "\n", encoding="utf-8")
    (tmp_path / "schema.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", "check", *map(str, words)], standalone_mode=True)


def by_name(checks: "tuple[Checked, ...]") -> dict[str, Checked]:
    return {one.name: one for one in checks}


def test_every_fault_is_found_on_its_line(catalogue: Path) -> None:
    found = rb.data.check(catalogue / "bad.csv", catalogue / "schema.yaml", TODAY)
    checks = by_name(found.checks)
    lines = {
        name: [int(one.where.rpartition(":")[2]) for one in checks[name].findings]
        for name in checks
        if checks[name].outcome == "fail" and name != "brand: required"
    }
    assert lines == {
        "cells": [7],
        "product_id: unique": [4],
        "name: null": [5],
        "name: length": [6],
        "name: mojibake": [4],
        "price: type": [3],
        "price: range": [4],
        "in_stock: type": [5],
        "description: null": [7],
        "description: html": [3],
        "description: in English": [5],
        "description: near duplicates": [6],
        "updated: null": [7],
        "updated: type": [5],
        "updated: age": [4],
    }
    assert checks["brand: required"].outcome == "fail"
    assert (found.outcome, found.exit_code, found.rows) == ("fail", 1, 6)
    assert checks["updated: newest"].outcome == checks["product_id: pattern"].outcome == "pass"
    # 16 December 2025 is more than a week, and 1 January 2025 is 697 days, before the day that was given.
    assert "697" in checks["updated: age"].findings[0].problem


def test_the_command_ends_as_a_gate_does_and_writes_junit(catalogue: Path) -> None:
    done = run(
        catalogue / "bad.csv", "--schema", catalogue / "schema.yaml", "--today", TODAY, "--junit", catalogue / "x.xml"
    )
    assert done.exit_code == 1
    assert f"{catalogue / 'bad.csv'}:3" in "".join(done.output.split())
    suite = ET.parse(catalogue / "x.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("32", "16", "0")
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert "price: type" in failed
    assert len(failed) == 16
    told = json.loads(
        run(catalogue / "bad.csv", "--schema", catalogue / "schema.yaml", "--today", TODAY, "--json").stdout
    )
    assert (told["outcome"], told["exit_code"], told["rows"]) == ("fail", 1, 6)
    assert {one["name"] for one in told["checks"] if one["outcome"] == "fail"} == failed
    assert run(SHOP).exit_code == 0


def test_nothing_to_measure_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,day\na,\nb,\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text("max_null: 1\ncolumns:\n  day: {type: date, newest_days: 7}\n", encoding="utf-8")
    assert run(tmp_path / "t.csv", "--schema", tmp_path / "s.yaml").exit_code == 3


def catalogue_with_gaps(folder: Path) -> Path:
    (folder / "gaps.csv").write_text("id,name\na,Tent\nb,\n", encoding="utf-8")
    return folder / "gaps.csv"


def test_a_proposed_schema_is_looser_than_the_first_check_and_the_output_says_so(tmp_path: Path) -> None:
    schema, gaps = tmp_path / "schema.yaml", catalogue_with_gaps(tmp_path)
    first = run(gaps, "--write-schema", schema)
    assert first.exit_code == 1
    assert "max_null" in first.stdout
    again = run(gaps, "--schema", schema)
    assert again.exit_code == 0
    assert "max_null" not in again.stdout


def test_a_proposed_schema_is_kept_by_the_rows_it_comes_from(tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    assert run(SHOP, "--write-schema", schema).exit_code == 0
    assert run(SHOP, "--schema", schema).exit_code == 0
    written = schema.read_bytes()
    refused = run(catalogue_with_gaps(tmp_path), "--write-schema", schema)
    assert isinstance(refused.exception, rb.InputError)
    assert schema.read_bytes() == written
    read = read_schema(schema).columns
    assert read["product_id"].unique
    assert (read["price"].type, read["price"].min) == ("number", 0)
    assert read["description"].languages.keys() == {"en"}
    assert read["category"].values is not None
    # Another price than a number breaks it.
    text = SHOP.read_text(encoding="utf-8")
    row = text.splitlines()[3]
    (tmp_path / "changed.csv").write_text(text.replace(row, row.rpartition(",")[0] + ",unknown"), encoding="utf-8")
    found = rb.data.check(tmp_path / "changed.csv", schema)
    assert [(one.name, [f.where for f in one.findings]) for one in found.checks if one.outcome == "fail"] == [
        ("price: type", [f"{tmp_path / 'changed.csv'}:4"])
    ]


def test_columns_of_json_lines_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    names = [f"{letter}{number}" for letter in "zyx" for number in range(8)]
    rows = [dict.fromkeys(names, 1), {"last": 2, "first": 3}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert list(read_catalogue(tmp_path / "t.jsonl").columns) == [*names, "last", "first"]


def test_a_column_that_is_half_empty_fails_unless_the_schema_allows_it(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"id": "a", "x": 1}\n{"id": "b"}\n', encoding="utf-8")
    found = rb.data.check(tmp_path / "t.jsonl")
    assert found.outcome == "fail"
    assert by_name(found.checks)["x: null"].findings[0].where.endswith("t.jsonl:2")
    # The proposal has room for what is there.
    assert found.schema.columns["x"].max_null == 0.55
    assert rb.data.check(tmp_path / "t.jsonl", found.schema).outcome == "pass"


def test_tables_of_other_formats_give_the_same_result(tmp_path: Path) -> None:
    rows = [{"id": f"p{at}", "price": at if at != 3 else "free", "text": TENT} for at in range(6)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "t.json").write_text(json.dumps(rows), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist([{**row, "price": str(row["price"])} for row in rows]), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text(
        "id;price;text\n" + "".join(f"{r['id']};{r['price']};{TENT}\n" for r in rows), encoding="utf-8"
    )
    schema = {"columns": {"id": {"unique": True}, "price": {"type": "integer"}}}
    places = {}
    for name in ("t.jsonl", "t.json", "t.parquet", "t.csv"):
        failed = [one for one in rb.data.check(tmp_path / name, schema).checks if one.outcome == "fail"]
        assert [one.name for one in failed] == ["price: type"], name
        places[name] = failed[0].findings[0].where.removeprefix(str(tmp_path / name))
    assert places == {"t.jsonl": ":4", "t.json": " item 4", "t.parquet": " row 4", "t.csv": ":5"}


def test_documents_are_checked_too(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text(TENT, encoding="utf-8")
    (tmp_path / "docs" / "b.txt").write_text(TENT + " again", encoding="utf-8")
    schema = {"columns": {"id": {"unique": True}, "text": {"max_near_duplicates": 0, "similarity": 1}}}
    with pytest.raises(rb.SettingError, match="similarity"):
        rb.data.check(tmp_path / "docs", schema)
    schema["columns"]["text"].pop("similarity")
    found = by_name(rb.data.check(tmp_path / "docs", schema).checks)
    assert [one.where for one in found["text: near duplicates"].findings] == ["b.txt"]


def test_cleaned_html_passes(catalogue: Path) -> None:
    rules = {"columns": {"description": {}}}
    assert by_name(rb.data.check(catalogue / "bad.csv", rules).checks)["description: html"].outcome == "fail"
    assert (
        by_name(rb.data.check(catalogue / "bad.csv", rules, clean="html").checks)["description: html"].outcome == "pass"
    )


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id,name\na,Café\n".encode("cp1252"))
    assert by_name(rb.data.check(tmp_path / "t.csv").checks)["encoding"].outcome == "fail"
    assert rb.data.check(tmp_path / "t.csv", {"encoding": "any"}).outcome == "pass"


def test_every_fault_of_a_schema_is_listed(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "colums: {}\ncolumns:\n  a: {tpye: int}\n  b: {type: integer, min_length: 3, max_null: 4}\n"
        "  c: {languages: {xx: 1}, pattern: '('}\n  d: 3\n  e: {type: int, values: [], min: soon}\n",
        encoding="utf-8",
    )
    with pytest.raises(rb.SettingError) as refused:
        read_schema(tmp_path / "s.yaml")
    assert len(str(refused.value).splitlines()) == 10
    assert "did you mean 'columns'" in str(refused.value)
    assert "did you mean 'type'" in str(refused.value)


def test_usage_errors(catalogue: Path) -> None:
    bad = catalogue / "bad.csv"
    with pytest.raises(rb.SettingError, match="today"):
        rb.data.check(bad, today="yesterday")
    with pytest.raises(rb.SettingError, match="write_schema"):
        rb.data.check(bad, {"columns": {}}, write_schema=catalogue / "x.yaml")
    with pytest.raises(rb.InputError):
        rb.data.check(catalogue / "missing.csv")
    (catalogue / "empty.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(rb.InputError, match="no row"):
        rb.data.check(catalogue / "empty.csv")
    (catalogue / "twice.csv").write_text("a,a\n1,2\n", encoding="utf-8")
    with pytest.raises(rb.InputError, match="twice"):
        rb.data.check(catalogue / "twice.csv")


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("3", "text integer number"),
        ("-2.5e3", "text number"),
        ("1", "text integer number boolean"),
        ("True", "text boolean"),
        ("no", "text boolean"),
        ("2026-01-31", "text date"),
        ("2026-01-31T10:00:00Z", "text date"),
        ("2026-02-30", "text"),
        ("20260131", "text integer number"),
        ("1_000", "text"),
        ("nan", "text"),
        ("1,5", "text"),
        (3, "integer number"),
        (3.0, "integer number"),
        (3.5, "number"),
        (True, "boolean"),
        (float("inf"), ""),
        ([], ""),
        (date(2026, 1, 1), "date"),
        (Decimal("1.5"), "number"),
        pytest.param(10**400, "integer number", id="long"),
    ],
)
def test_the_types_of_a_value(value: object, kinds: str) -> None:
    assert {kind for kind in KINDS if not parse_value(value, kind).fault} == set(kinds.split())  # type: ignore[arg-type]


def test_dates_of_another_form() -> None:
    assert parse_value("31.01.2026", "date", "%d.%m.%Y").fault == ""
    assert parse_value("2026-01-31", "date", "%d.%m.%Y").fault


def test_what_counts_as_empty() -> None:
    assert all(is_null(value) for value in (None, "", "  ", float("nan")))
    assert not any(is_null(value) for value in (0, False, "N/A", "0"))
    assert is_null(" N/A ", ("N/A",))


@pytest.mark.parametrize(
    "text", ["Café", "naïve", "Größe 3–4", "“quoted” – it’s", "日本語", "Привет", "Â", "10 €", "São Paulo"]
)
def test_mojibake_is_what_two_encodings_disagree_about(text: str) -> None:
    assert not is_mojibake(text)
    broken = text.encode("utf-8").decode("cp1252", "ignore") if text != "Â" else "caf\ufffd"
    assert is_mojibake(broken) or broken.isascii()


def test_bounded_similarity_finds_pairs_of_the_whole_search() -> None:
    rng = random.Random(0)
    words = [f"w{at}" for at in range(400)]
    sets = [frozenset(rng.sample(words, 30)) for _ in range(200)]
    sets += [one - {min(one)} for one in sets[:20]]
    every = similar_sets(sets, 0.9)
    assert len(every) == 20
    assert similar_sets(sets, 0.9, most=100) == every
    # By hand: 29 of 30 words.
    assert every[200] == {0: 29 / 30}
