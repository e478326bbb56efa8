"""Events to units: against pandas, over both file types, and what is left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ragbench.comparison.ab import events, units
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.events import open_events
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.ab.units import Units, read_units
from ragbench.core.errors import InputError


def table(rows: int = 5000, users: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    user = rng.integers(0, users, rows)
    value = np.where(rng.random(rows) < 0.3, rng.lognormal(2, 1, rows), np.nan)
    return pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in user],
            "variant_id": np.array(["control", "treatment"])[user % 2],
            "order_value": value,
            "converted": (~np.isnan(value)).astype(int),
            "timestamp": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 864_000, rows), unit="s"),
        }
    )


def read(path: Path) -> Units:
    return read_units(open_events(path), "user_id", "variant_id", ["order_value", "converted"], "timestamp")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("block", [64, 1 << 20])
def test_units_are_those_of_a_pandas_groupby(
    tmp_path: Path, suffix: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small blocks and an early merge take the same path as a file of many millions of rows.
    monkeypatch.setattr(events, "BLOCK_ROWS", block)
    monkeypatch.setattr(events, "BLOCK_BYTES", block * 64)
    monkeypatch.setattr(units, "MERGE_ROWS", block * 4)
    frame, path = table(), tmp_path / f"events.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    found = read(path)
    wanted = frame.groupby("user_id", sort=False).agg(
        variant=("variant_id", "first"), events=("variant_id", "size"), total=("order_value", "sum"),
        known=("order_value", "count"), converted=("converted", "sum"), first=("timestamp", "min"),
    )  # fmt: skip
    assert found.names == ("control", "treatment")
    assert [found.names[at] for at in found.variant] == wanted["variant"].tolist()
    assert found.events.tolist() == wanted["events"].tolist()
    assert found.sums["order_value"] == pytest.approx(wanted["total"].to_numpy())
    assert found.counts["order_value"].tolist() == wanted["known"].tolist()
    assert found.sums["converted"].tolist() == wanted["converted"].tolist()
    assert found.first is not None
    assert found.first == pytest.approx((wanted["first"] - pd.Timestamp(0)).dt.total_seconds().to_numpy())
    facts = found.facts["order_value"]
    assert (facts.empty, facts.binary) == (int(frame["order_value"].isna().sum()), False)
    assert facts.low == pytest.approx(frame["order_value"].min())
    assert found.facts["converted"].binary


def test_units_in_two_variants_and_rows_without_a_name_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "user_id,variant_id,converted,order_value,timestamp\n"
        "a,control,1,2,2026-01-01\n"
        "b,treatment,0,,2026-01-02\n"
        "a,treatment,0,3,2026-01-03\n"
        ",control,1,2,2026-01-04\n"
        "c,,1,2,2026-01-04\n"
        "d, control ,1,2.5,2026-01-05\n"
    )
    found = read(path)
    assert (found.mixed, found.mixed_first, found.nameless, found.rows) == (1, ("a",), 2, 6)
    assert found.names == ("control", "treatment")
    assert found.variant.tolist() == [1, 0]
    assert found.sums["order_value"].tolist() == [0, 2.5]


@pytest.mark.parametrize("ids", [[1, 2, 2], [1.0, 2.0, 2.0], ["1", "2", "2"], pd.Categorical(["1", "2", "2"])])
def test_ids_of_units_may_have_any_type(tmp_path: Path, ids: object) -> None:
    path = tmp_path / "events.parquet"
    frame = pd.DataFrame({"user_id": ids, "variant_id": [0, 1, 1], "converted": [True, False, True]})
    frame.to_parquet(path)
    found = read_units(open_events(path), "user_id", "variant_id", ["converted"], "")
    assert found.names == ("0", "1")
    assert found.sums["converted"].tolist() == [1, 1]
    assert found.events.tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.inf, "abc"])
def test_a_bad_cell_of_a_parquet_file_is_named_by_its_row(tmp_path: Path, value: object) -> None:
    path = tmp_path / "events.parquet"
    cells = [str(i) for i in range(9)] if isinstance(value, str) else [float(i) for i in range(9)]
    frame = pd.DataFrame({"user_id": range(10), "variant_id": ["a", "b"] * 5, "converted": [*cells, value]})
    frame.to_parquet(path)
    with pytest.raises(InputError, match=r"row 10, column 'converted'"):
        read_units(open_events(path), "user_id", "variant_id", ["converted"], "")


@pytest.mark.parametrize("column", ["user_id", "variant_id"])
def test_a_column_of_lists_names_no_units_and_no_variants(tmp_path: Path, column: str) -> None:
    path = tmp_path / "events.parquet"
    frame = table(rows=20)
    frame[column] = [[value] for value in frame[column]]
    frame.to_parquet(path)
    with pytest.raises(InputError, match=column):
        read(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_time_of_day_is_no_time_of_an_event(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events.{suffix}"
    frame = table(rows=60, users=30)
    frame["timestamp"] = frame["timestamp"].dt.time
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    assert not open_events(path).tells_time("timestamp")
    result = analyse(path, AbSettings())
    assert any("'timestamp' holds no dates" in note for note in result.notes)
