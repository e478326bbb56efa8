"""The quality figures that the documentation promises, on real collections (SciFact's: tests/test_readme.py)."""

from pathlib import Path

import pytest

from benchmarks.quality import COLLECTIONS, Named, measured

BY_NAME = {collection.name: collection for collection in COLLECTIONS}
pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


def found(collection: Named, data: Path) -> dict[tuple[str, str], float]:
    return {
        (figure.what.removeprefix(f"{collection.name}, "), figure.measure): figure.value
        for figure in measured(collection, data)
    }


@pytest.mark.parametrize("name", ["MED", "ADI"])
def test_rerank_is_not_below_hybrid(shared_data: Path, name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGBENCH_CACHE", str(cache))
    values = found(BY_NAME[name], shared_data)
    assert values["rerank", "nDCG@10"] >= values["hybrid", "nDCG@10"]
