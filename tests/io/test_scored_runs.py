import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench import api
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Evaluation
from ragbench.io.scored_runs import check_evaluation, read_scored
from ragbench.render.evaluation import ReportFolder


@pytest.fixture(scope="module")
def evaluation(sample_data: Path, cache: Path) -> Evaluation:
    chunks = api.chunk(api.load_corpus(sample_data / "shop" / "product_catalog.csv"), "whole")
    # A source that no service answers at, so that one arm fails.
    dead = "http:url=http://127.0.0.1:9/search"
    arms = ["bm25", dead, "bm25:k1=2"]
    found = api.evaluate(chunks, api.load_golden(sample_data / "shop"), arms, metrics="judged@10", cache=cache)
    assert found.scored[0].scores.direction("judged@10") == "none"
    return found


@pytest.fixture
def folder(evaluation: Evaluation, tmp_path: Path) -> Path:
    out = ReportFolder(tmp_path / "shop")
    for arm in evaluation.arms:
        out.arm(arm)
    out.finish(evaluation)
    return tmp_path / "shop"


def test_what_is_read_is_what_was_measured(evaluation: Evaluation, folder: Path) -> None:
    read = read_scored(folder)
    assert [one.name for one in read] == [one.name for one in evaluation.scored]
    for mine, theirs in zip(read, evaluation.scored, strict=True):
        assert mine.error == theirs.error
        assert list(mine.queries.units) == list(theirs.queries.units)
        assert mine.scores.metrics == theirs.scores.metrics
        assert mine.scores.directions == theirs.scores.directions
        np.testing.assert_array_equal(mine.scores.values, theirs.scores.values)
        if theirs.run is not None:
            assert mine.run is not None
            assert mine.run.at_precision("single").to_dict() == theirs.run.at_precision("single").to_dict()
            assert mine.judgements is not None
            assert theirs.judgements is not None
            assert mine.judgements.to_dict() == theirs.judgements.to_dict()
            assert mine.latency_ms == theirs.latency_ms
            assert mine.queries.columns == theirs.queries.columns


def test_an_arm_that_did_not_run_says_why(folder: Path) -> None:
    _, dead, _ = read_scored(folder)
    assert dead.error is not None
    assert len(dead.queries) == 0


def test_one_arm_by_name(folder: Path) -> None:
    assert [one.name for one in read_scored(f"{folder}::bm25:k1=2")] == ["bm25:k1=2"]
    with pytest.raises(InputError, match="no system 'bm26'; did you mean 'bm25'"):
        read_scored(f"{folder}::bm26")


def test_a_folder_of_evaluations_lists_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "reports" / "second")
    shutil.copytree(folder, tmp_path / "reports" / "demo" / "first")
    with pytest.raises(InputError) as refused:
        read_scored(tmp_path / "reports")
    found = ", ".join(str(tmp_path / "reports" / name) for name in ("demo/first", "second"))
    assert str(refused.value) == (
        f"{tmp_path / 'reports'}: is no evaluation, but contains some; name one of them: {found}"
    )


def test_selected_rows_keep_their_order(evaluation: Evaluation) -> None:
    first = evaluation.scored[0]
    part = first.select(np.array([5, 2]))
    assert list(part.queries.ids) == [first.queries.ids[5], first.queries.ids[2]]
    np.testing.assert_array_equal(part.scores.values, first.scores.values[[5, 2]])
    assert part.run is not None
    assert first.run is not None
    assert part.run.ranking(0) == first.run.ranking(5)


def test_a_folder_that_holds_no_finished_evaluation(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a folder that 'ragbench eval --out' wrote"):
        read_scored(tmp_path / "nothing")
    results = folder / "results.json"
    content = json.loads(results.read_text())
    content["manifest"]["complete"] = False
    results.write_text(json.dumps(content))
    with pytest.raises(InputError, match="interrupted"):
        read_scored(folder)
    for text in ("[]", '{"manifest": {"complete": true}}', '{"manifest": {"complete": true}, "arms": [3]}'):
        results.write_text(text)
        with pytest.raises(InputError, match="is no result of 'ragbench eval'"):
            read_scored(folder)


def without_checksums(folder: Path) -> None:
    """Make the folder one of an earlier version."""
    content = json.loads((folder / "results.json").read_text())
    del content["checksum"], content["manifest"]["files"]
    (folder / "results.json").write_text(json.dumps(content))


def test_a_folder_of_an_earlier_version_is_read(evaluation: Evaluation, folder: Path) -> None:
    without_checksums(folder)
    assert [one.name for one in read_scored(folder)] == [one.name for one in evaluation.scored]
    check_evaluation(folder)


def test_line_ends_that_git_changes_are_no_damage(folder: Path) -> None:
    for path in (folder / "qrels.trec", folder / "ledger.jsonl", folder / "results.json"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    check_evaluation(folder)
    assert len(read_scored(folder)) == 3


@pytest.mark.parametrize(
    "name", ["scores.parquet", "queries.parquet", "latency.parquet", "qrels.trec", "ledger.jsonl", "runs/bm25.trec"]
)
def test_a_file_that_was_altered_is_named(name: str, folder: Path) -> None:
    whole = (folder / name).read_bytes()
    draw = random.Random(name)
    for _ in range(20):
        raw = bytearray(whole)
        raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        (folder / name).write_bytes(raw)
        for read in (read_scored, check_evaluation):
            with pytest.raises(InputError, match=f"{name}: was changed since it was written; evaluate again"):
                read(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        read_scored(folder)
    assert [(store.sound, store.damaged) for store in rb.doctor(folder).stores] == [(0, 1)]


def test_altered_results_are_refused(folder: Path) -> None:
    results = folder / "results.json"
    whole = results.read_text()
    figure = f'"mean": {json.loads(whole)["arms"][0]["metrics"]["judged@10"]["mean"]}'
    assert figure in whole
    results.write_text(whole.replace(figure, '"mean": 0.999', 1))
    with pytest.raises(InputError, match=r"results\.json: was changed since it was written"):
        read_scored(folder)
    assert not rb.doctor(folder).healthy


@pytest.mark.parametrize(("file", "column"), [("scores.parquet", "arm"), ("queries.parquet", "text")])
def test_a_table_that_is_another_one_is_named(folder: Path, tmp_path: Path, file: str, column: str) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    without_checksums(changed)
    (changed / file).write_bytes(
        (folder / {"scores.parquet": "queries.parquet"}.get(file, "scores.parquet")).read_bytes()
    )
    with pytest.raises(InputError, match=f"{file}: has no column '{column}'"):
        read_scored(changed)
    (changed / file).unlink()
    with pytest.raises(InputError, match=f"{file}: cannot be read .no such file"):
        read_scored(changed)
