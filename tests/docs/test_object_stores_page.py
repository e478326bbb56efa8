"""The commands of docs/guides/object-stores.md run, in order, against an S3 server of this machine."""

from pathlib import Path
from typing import Any

import pytest

from tests.docs.shown_commands import ROOT, shown_in
from tests.io.object_stores import Store, moto_port, store  # noqa: F401 (fixtures)

SHOP = ROOT / "datasets" / "shop"


@pytest.mark.slow
def test_the_commands_of_the_page_run(
    ragbench: Any,
    store: Store,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ragbench.environment, "RAGBENCH_CACHE", str(tmp_path / "cache"))
    for name, value in store.environment.items():
        monkeypatch.setitem(ragbench.environment, name, value)
    for name in ("product_catalog.csv", "golden.jsonl"):
        store.put(f"shop/{name}", SHOP / name)
    commands = list(shown_in(ROOT / "docs" / "guides" / "object-stores.md"))
    for shown in commands:
        done = ragbench(*shown.words[1:], cwd=tmp_path)
        assert done.code == 0, done.err
        assert str(tmp_path) not in done.out + done.err
    assert len(commands) == 3
    assert {"reports/bm25/results.json", "reports/unstemmed/results.json"} <= set(store.keys("reports/"))
