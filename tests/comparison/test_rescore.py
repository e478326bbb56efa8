"""Stored rankings are scored again at another relevance level, as an evaluation at that level scores them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.comparison.references import read_references
from ragbench.comparison.rescore import at_level
from ragbench.core.errors import InputError, SettingError


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same two run files, evaluated at level 1 and at level 2."""
    folder = tmp_path_factory.mktemp("levels")
    labels, runs = {}, {"a": {}, "b": {}}
    for q in range(12):
        labels[f"q{q}"] = {f"d{i}": (q + i) % 3 for i in range(6)}
        for name, step in (("a", 5), ("b", 7)):
            runs[name][f"q{q}"] = {f"d{i}": float((i * step + q) % 11) for i in range(6)}
    (folder / "qrels.json").write_text(json.dumps(labels))
    for name, run in runs.items():
        (folder / f"{name}.json").write_text(json.dumps(run))
    retrievers = {name: f"run:path={folder / name}.json" for name in runs}
    for level in (1, 2):
        rb.evaluate(
            golden=folder / "qrels.json", retrievers=retrievers, metrics=["recall@2", "ndcg@3"], level_of=level,
            resamples=200, out=folder / f"level{level}",
        )  # fmt: skip
    return folder / "level1", folder / "level2"


def test_compare_scores_again(folders: tuple[Path, Path]) -> None:
    one, two = folders
    again = rb.compare(one, metrics=["recall@2", "ndcg@3"], level_of=2, resamples=200)
    fresh = rb.compare(two, metrics=["recall(level=2)@2", "ndcg@3"], resamples=200)
    assert [v.metric for v in again.verdicts] == ["recall(level=2)@2", "ndcg@3"]
    assert [(v.difference, v.low, v.p, v.n) for v in again.verdicts] == [
        (v.difference, v.low, v.p, v.n) for v in fresh.verdicts
    ]
    first = rb.compare(one, metrics=["recall@2"], resamples=200).verdicts[0]
    assert first.baseline_mean != again.verdicts[0].baseline_mean


def test_metrics_without_a_cut_off_still_say_where_the_search_cut_them(folders: tuple[Path, Path]) -> None:
    (one,) = [run for run in read_references([str(folders[0])]) if run.name.startswith("a")]
    cut = replace(one, scores=replace(one.scores, cuts={"map": 3}))
    names = ("map(level=2)", "recall(level=2)@2")
    assert at_level(cut, names, 2).scores.cuts == {"map(level=2)": 3}
    assert at_level(one, names, 2).scores.cuts == {}


def test_run_files_and_stored_runs_take_the_same_option(folders: tuple[Path, Path]) -> None:
    one, _ = folders
    files = [one.parent / "a.json", one.parent / "b.json"]
    from_files = rb.compare(*files, qrels=one.parent / "qrels.json", metrics=["recall@2"], level_of=2, resamples=200)
    stored = rb.compare(one, metrics=["recall@2"], level_of=2, resamples=200)
    assert from_files.verdicts[0].difference == stored.verdicts[0].difference


def test_the_gate_scores_again(folders: tuple[Path, Path], ragbench: Any) -> None:
    one, two = folders
    rules = [{"metric": "recall@2", "margin": 0.5}]
    again = rb.gate(f"{one}::b", f"{one}::a", rules=rules, level_of=2)
    fresh = rb.gate(f"{two}::b", f"{two}::a", rules=[{"metric": "recall(level=2)@2", "margin": 0.5}])
    assert [(d.name, d.outcome, d.value, d.low) for d in again.decided] == [
        (d.name, d.outcome, d.value, d.low) for d in fresh.decided
    ]
    done = ragbench("gate", "--candidate", f"{one}::b", "--baseline", f"{one}::a", "--level-of", "0")
    assert done.code == 2
    assert "--level-of is 0; it must be at least 1" in done.err


def test_what_cannot_be_scored_again_is_said(folders: tuple[Path, Path]) -> None:
    with pytest.raises(SettingError, match=r"none of ndcg@10 has a relevance level; name a metric that has one"):
        rb.compare(folders[0], level_of=2)
    held = rb.load_run(f"{folders[0]}::a")[0]
    from dataclasses import replace

    with pytest.raises(InputError, match="a: it has no rankings to score again at level 2"):
        rb.compare(replace(held, run=None), replace(held, name="b"), metrics=["recall@2"], level_of=2)
