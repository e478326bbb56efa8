import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.io.run_files import read_run

RANKINGS = {"q1": {"a": 0.1, "b": 3.0, "c": float("inf")}, "q2": {'x"y': -1.5, "ü": 1e-20}}


@pytest.mark.parametrize("name", ["run.trec", "run.json", "run.json.gz", "run.parquet", "run.txt.gz"])
def test_every_format_is_read(tmp_path: Path, name: str) -> None:
    rows = [(query, item, score) for query, ranking in RANKINGS.items() for item, score in ranking.items()]
    if name.endswith(".parquet"):
        pd.DataFrame(rows, columns=["query_id", "item_id", "score"]).to_parquet(tmp_path / name)
    else:
        lines = "".join(f"{query} Q0 {item} 0 {score} tag\n" for query, item, score in rows)
        content = (json.dumps(RANKINGS) if ".json" in name else lines).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    run = read_run(tmp_path / name)
    assert run.to_dict() == RANKINGS
    assert run.unit == "document"


def test_json_keeps_queries_without_a_ranking(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"q": {"a": 0.1}, "empty": {}}')
    assert read_run(tmp_path / "run.json").query_ids == ["q", "empty"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", r"run\.json:1: not JSON"),
        ("[]", "a JSON run is an object"),
        ('{"q": ["a"]}', "query 'q' holds no object"),
        ('{"q": {"a": "1"}}', "query 'q', item 'a': the score '1' is no number"),
        ('{"q": {"a": true}}', "is no number"),
        ('{"q": {"a": NaN}}', "NaN.*item 'a' of query 'q'"),
        ('{"q": {"a": 1, "a": 2}}', "the key 'a' stands twice"),
    ],
)
def test_a_wrong_json_run_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=says):
        read_run(tmp_path / "run.json")


def test_a_wrong_parquet_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_text("no parquet")
    with pytest.raises(InputError, match="no readable Parquet"):
        read_run(path)
    pq.write_table(pa.table({"query_id": ["q"], "doc": ["d"], "score": [1.0]}), path)
    with pytest.raises(InputError, match="no column item_id; it has query_id, doc, score"):
        read_run(path)
    pq.write_table(pa.table({"query_id": ["q"], "item_id": ["d"], "score": ["1"]}), path)
    with pytest.raises(InputError, match="score holds string"):
        read_run(path)
    pq.write_table(pa.table({"query_id": ["q"], "item_id": ["d"], "score": [float("nan")]}), path)
    with pytest.raises(InputError, match=r"run\.parquet.*NaN"):
        read_run(path)
    pq.write_table(pa.table({"query_id": [7], "item_id": [None], "score": [1]}), path)
    with pytest.raises(InputError, match="1 rows have no item_id"):
        read_run(path)


def test_parquet_ids_may_be_numbers_or_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    ids = pa.array(["a", "b"]).dictionary_encode()
    pq.write_table(pa.table({"query_id": [7, 7], "item_id": ids, "score": [1, 2]}), path)
    assert read_run(path).to_dict() == {"7": {"b": 2.0, "a": 1.0}}


def test_unknown_format_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_run(tmp_path / "run.json")
    with pytest.raises(InputError, match="is a folder"):
        read_run(tmp_path)
    (tmp_path / "x").write_text("q Q0 d 1 1 t\n")
    with pytest.raises(SettingError, match="did you mean 'parquet'"):
        read_run(tmp_path / "x", "parqet")
    assert read_run(tmp_path / "x").to_dict() == {"q": {"d": 1.0}}
