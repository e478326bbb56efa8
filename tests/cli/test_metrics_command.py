"""``ragbench metrics``: what docs/guides/metrics-of-run-files.md shows."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "guides" / "metrics-of-run-files.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", DOC, flags=re.DOTALL)
SHOWN = re.findall(r"```text\n(.*?)```", DOC, flags=re.DOTALL)


@pytest.mark.parametrize("at", range(len(CONSOLE)))
def test_the_page_shows_what_is_printed(ragbench: Any, at: int) -> None:
    done = ragbench(*shlex.split(CONSOLE[at])[1:], cwd=ROOT)
    assert done.code == 0
    assert [line.rstrip() for line in done.out.splitlines()] == SHOWN[at].splitlines()


def test_the_call_takes_objects(tmp_path: Path) -> None:
    labels = rb.Judgements.from_dict({"q": {"a": 1}})
    first, second = rb.Run.from_dict({"q": {"a": 1.0}}), rb.Run.from_dict({"q": {"b": 2.0, "a": 1.0}})
    scored = rb.score_runs(labels, [first, second], metrics=["mrr"])
    assert {name: one.means()["mrr"] for name, one in scored.scores.items()} == {"run 1": 1.0, "run 2": 0.5}


def test_wrong_input_is_named(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q 0 a 1\n")
    (tmp_path / "run").write_text("q Q0 a 1 2.0 t\n")
    for words, says in (
        (("qrels", "absent"), "absent: no such file"),
        (("qrels", "run", "-M", "0"), "--depth is 0; it must be at least 1"),
        (("qrels", "run", "-l", "0"), "--level-of is 0; it must be at least 1"),
        (("qrels", "run", "-m", "official"), "no metric 'official'"),
        (("-", "-"), "standard input (-) can be read once"),
        (("run", "run"), "run:1: 6 fields where 4 belong"),
    ):
        done = ragbench("metrics", *words, cwd=tmp_path)
        assert done.code == 2
        assert says in done.err


@pytest.mark.parametrize(("names", "label"), [(("q_id", "doc_id"), "score"), (("qid", "docno"), "label")])
def test_parquet_of_ranx_and_pyterrier(ragbench: Any, tmp_path: Path, names: tuple[str, str], label: str) -> None:
    import pandas as pd

    query, item = names
    run = pd.DataFrame({query: ["1", "1", "2"], item: ["a", "b", "a"], "score": [1.0, 2.0, 3.0], "rank": [1, 0, 0]})
    run.to_parquet(tmp_path / "run.parquet")
    pd.DataFrame({query: ["1", "2"], item: ["a", "a"], label: [1, 2]}).to_parquet(tmp_path / "qrels.parquet")
    done = ragbench("metrics", tmp_path / "qrels.parquet", tmp_path / "run.parquet", "-m", "mrr", "--json")
    assert done.json["runs"][0]["metrics"]["mrr"] == {"mean": 0.75, "n": 2}


def test_runs_take_names(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q 0 a 1\n")
    for name in ("one.trec", "k=5.trec"):
        (tmp_path / name).write_text("q Q0 a 1 2.0 t\n")
    done = ragbench("metrics", "qrels", "base=one.trec", "k=5.trec", "new=k=5.trec", "--json", cwd=tmp_path)
    # A file that exists is no name.
    assert [one["name"] for one in done.json["runs"]] == ["base", "k=5", "new"]
    done = ragbench("metrics", "qrels", "a=one.trec", "a=k=5.trec", cwd=tmp_path)
    assert (done.code, "two runs are called 'a'" in done.err) == (2, True)
    done = ragbench("metrics", "qrels", "a=absent.trec", cwd=tmp_path)
    assert (done.code, "absent.trec: no such file" in done.err) == (2, True)
    done = ragbench("metrics", "qrels", "new=one.trec", "--format", "trec_eval", cwd=tmp_path)
    assert done.out.split()[:3] == ["runid", "all", "new"]
