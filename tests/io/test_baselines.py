import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ragbench import api
from ragbench.core.errors import InputError
from ragbench.io.baselines import list_baselines, read_baseline, set_baseline, show_baseline
from ragbench.io.scored_runs import read_scored
from ragbench.render.evaluation import ReportFolder


@pytest.fixture(scope="module")
def evaluated(sample_data: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    chunks = api.chunk(api.load_corpus(sample_data / "shop" / "product_catalog.csv"), "whole")
    dead = "http:url=http://127.0.0.1:9/search"  # no service answers there
    found = api.evaluate(chunks, api.load_golden(sample_data / "shop"), ["bm25", dead, "bm25:k1=2"], cache=cache)
    out = ReportFolder(tmp_path_factory.mktemp("shop") / "out")
    for arm in found.arms:
        out.arm(arm)
    out.finish(found)
    return out.folder


def test_a_baseline_is_the_arm_it_was_made_from(evaluated: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    set_baseline("main", f"{evaluated}::bm25:k1=2", store)
    (theirs,) = read_scored(f"{evaluated}::bm25:k1=2")
    ours = read_baseline("main", store)
    assert ours.name == "bm25:k1=2"
    np.testing.assert_array_equal(ours.scores.values, theirs.scores.values)
    assert list(ours.queries.ids) == list(theirs.queries.ids)
    assert ours.run is not None
    assert theirs.run is not None
    assert ours.run.to_dict() == theirs.run.to_dict()
    assert ours.latency_ms == theirs.latency_ms
    assert ours.manifest["golden"] == theirs.manifest["golden"]
    files = sorted(path.name for path in (store / "main").rglob("*") if path.is_file())
    assert [name for name in files if name.endswith(".trec")] == ["bm25_k1=2.trec", "qrels.trec"]
    assert {entry["code"] for entry in _ledger(store / "main")} == {"no-relevant"}


def test_the_same_arm_gives_the_same_bytes_and_takes_the_old_place(evaluated: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    set_baseline("main", f"{evaluated}::bm25", store)
    first = _bytes(store)
    set_baseline("main", f"{evaluated}::bm25", store)
    assert _bytes(store) == first
    set_baseline("main", f"{evaluated}::bm25:k1=2", store)
    assert show_baseline("main", store).arm == "bm25:k1=2"
    assert not (store / "main" / "runs" / "bm25.trec").exists()
    assert [path.name for path in store.iterdir()] == ["main"]


def test_a_baseline_that_a_killed_process_had_moved_away_comes_back(
    evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    set_baseline("main", f"{evaluated}::bm25", store)
    first = _bytes(store)

    class Killed(BaseException):
        pass

    def killed(new: Path, place: Path, aside: Path) -> None:
        place.rename(aside)
        # What a kill leaves: the temporary folder, which nobody holds.
        shutil.copytree(aside.parent, tmp_path / "kept")
        raise Killed

    monkeypatch.setattr("ragbench.io.baselines._put", killed)
    with pytest.raises(Killed):
        set_baseline("main", f"{evaluated}::bm25:k1=2", store)
    (tmp_path / "kept").rename(store / ".main.abcdefgh.part")
    assert not (store / "main").exists()
    assert show_baseline("main", store).arm == "bm25"
    assert _bytes(store) == first
    assert [path.name for path in store.iterdir()] == ["main"]


def test_names_are_sorted_and_found(evaluated: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert list_baselines(store) == ()
    for name in ("next", "main"):
        set_baseline(name, f"{evaluated}::bm25", store)
    assert [one.name for one in list_baselines(store)] == ["main", "next"]
    assert show_baseline("main", store).metrics["ndcg@10"]["mean"] == pytest.approx(0.661, abs=0.001)
    with pytest.raises(InputError, match=r"no baseline 'mian' in .*did you mean 'main'"):
        show_baseline("mian", store)
    with pytest.raises(InputError, match=r"is no folder, and no baseline in .*did you mean 'main'"):
        read_baseline("mian", store)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 101, "-x"])
def test_names_that_are_no_folders(name: str, evaluated: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot name a baseline"):
        set_baseline(name, f"{evaluated}::bm25", tmp_path)


def test_what_cannot_be_a_baseline_leaves_the_old_one(evaluated: Path, tmp_path: Path) -> None:
    set_baseline("main", f"{evaluated}::bm25", tmp_path)
    with pytest.raises(InputError, match="has 3 systems; name one of them"):
        set_baseline("main", evaluated, tmp_path)
    with pytest.raises(InputError, match="did not run, so it can be no baseline"):
        set_baseline("main", f"{evaluated}::http:url=http://127.0.0.1:9/search", tmp_path)
    with pytest.raises(InputError, match="nothing: no such file or folder; name a folder that"):
        set_baseline("main", tmp_path / "nothing", tmp_path)
    assert show_baseline("main", tmp_path).arm == "bm25"


@pytest.mark.parametrize("damaged", ["x", {"golden": "x"}, {"golden": {"path": 5}}, {"golden": {"path": "a\0/b"}}])
def test_inputs_that_somebody_damaged_are_none(damaged: object, evaluated: Path, tmp_path: Path) -> None:
    copy = tmp_path / "edited"
    shutil.copytree(evaluated, copy)
    results = json.loads((copy / "results.json").read_text())
    whole = {"corpus": {"path": "shop.csv"}}
    del results["checksum"]  # as in a folder of an earlier version
    results["manifest"]["inputs"] = damaged if isinstance(damaged, str) else {**whole, **damaged}
    (copy / "results.json").write_text(json.dumps(results))
    kept = set_baseline("main", f"{copy}::bm25", tmp_path / "store").manifest["inputs"]
    assert kept == ({} if isinstance(damaged, str) else {"corpus": {"path": "../../edited/shop.csv"}})


def test_a_broken_baseline_says_so(evaluated: Path, tmp_path: Path) -> None:
    set_baseline("main", f"{evaluated}::bm25", tmp_path)
    (tmp_path / "main" / "results.json").write_text("{}")
    with pytest.raises(InputError, match=r"is damaged.* set it again"):
        show_baseline("main", tmp_path)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _ledger(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
