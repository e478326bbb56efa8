"""Logs of a search service: a row per search, or a row per result, in three formats."""

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.io.search_logs import read_search_log


def test_the_shops_log(sample_data: Path) -> None:
    log = read_search_log(sample_data / "shop" / "log.csv")
    assert (len(log), log.name) == (5165, "log")
    one = log.searches[1]
    assert (one.session, one.user, one.query) == ("s00000", "u0459", "standing desk")
    assert one.time == datetime(2026, 3, 2, 0, 31)
    assert (len(one.results), one.clicks, one.carts, one.randomised) == (10, ("P061",), (), False)
    assert sum(search.randomised is True for search in log) == 776


def test_the_same_search_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "q,session,time,shown,clicked,randomized\nred tent,s1,2026-03-02T08:00:00+01:00,P1; P2,P2,1\n"
    )
    row = {"search_term": "red tent", "session_id": "s1", "timestamp": 1772434800, "results": ["P1", "P2"],
           "clicks": ["P2"], "is_random": True}  # fmt: skip
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n")
    pq.write_table(pa.Table.from_pylist([{**row, "timestamp": datetime(2026, 3, 2, 7)}]), tmp_path / "c.parquet")
    (tmp_path / "d.csv").write_text(
        'query,session,time,results,clicks,randomised\nred tent,s1,1772434800000,"[""P1"", ""P2""]",P2,true\n'
    )
    found = [read_search_log(tmp_path / name).searches[0] for name in ("a.csv", "b.jsonl", "c.parquet", "d.csv")]
    for search in found:
        assert search.time == datetime(2026, 3, 2, 7)
        assert (search.query, search.session) == ("red tent", "s1")
        assert (search.results, search.clicks, search.randomised) == (("P1", "P2"), ("P2",), True)


@pytest.mark.parametrize("flags", [("True", "False"), ("1", "0"), ("yes", "no"), ("TRUE", "")])
def test_a_row_for_each_result(tmp_path: Path, flags: tuple[str, str]) -> None:
    yes, no = flags
    path = tmp_path / "log.csv"
    path.write_text(
        "session_id,query,product_id,position,clicked,purchased\n"
        f"s1,tent,P2,2,{yes},{no}\ns1,tent,P1,1,{no},{no}\ns1,tent,P3,3,{yes},{yes}\ns2,tent,P1,1,{no},{no}\n"
    )
    one, two = read_search_log(path).searches
    assert (one.results, one.clicks, one.purchases) == (("P1", "P2", "P3"), ("P2", "P3"), ("P3",))
    assert (two.session, two.results, two.clicks) == ("s2", ("P1",), ())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("query,randomised\na,perhaps\n", r"log\.csv:2: 'randomised' is 'perhaps'; write True or False, or 1 or 0"),
        ("query,position\na,first\n", r"log\.csv:2: 'position' is 'first', which is no number"),
        ("query,time\na,1e300\n", r"log\.csv:2: 'time' is '1e300', which is no moment"),
        ('query,results\na,"[1"\n', r"log\.csv:2: 'results' begins like a JSON list and is none"),
        ("a,b\n1,2\n", r"no column holds the queries .* --columns query=NAME"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_search_log(path)


def test_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("begriff\nzelt\n")
    assert read_search_log(path, {"query": "begriff"}).searches[0].query == "zelt"
    with pytest.raises(SettingError, match="no column 'begrif'; did you mean 'begriff'"):
        read_search_log(path, {"query": "begrif"})
    with pytest.raises(InputError, match="no such file"):
        read_search_log(tmp_path / "nothing.csv")
