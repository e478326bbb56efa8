"""A report finds the texts behind an evaluation by itself, and never takes others."""

import html
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

SHOP = Path("datasets") / "shop"
CORPUS = SHOP / "product_catalog.csv"


@pytest.fixture
def project(sample_data: Path, tmp_path: Path) -> Path:
    """A folder of its own with the data in it."""
    shutil.copytree(sample_data / "shop", tmp_path / "project" / SHOP)
    return tmp_path / "project"


@pytest.fixture
def evaluated(ragbench: Any, project: Path) -> Path:
    """Evaluated from within the project, by relative paths, with other options than the default."""
    chunker = ("--chunker", "recursive:size=300,overlap=0")
    words = ("--retriever", "bm25", "--k", "10", "--resamples", "200", "--out", "reports/shop")
    done = ragbench("eval", "--corpus", CORPUS, "--golden", SHOP, *chunker, *words, cwd=project)
    assert done.code == 0, done.err
    return project / "reports" / "shop"


def inputs(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text("utf-8"))["manifest"]["inputs"]


def report(ragbench: Any, project: Path, *words: object) -> tuple[Any, str]:
    done = ragbench("report", *words, "--out", "report.html", cwd=project)
    assert done.code == 0, done.err
    return done, (project / "report.html").read_text("utf-8")


def test_nothing_has_to_be_named(ragbench: Any, project: Path, evaluated: Path) -> None:
    assert inputs(evaluated) == {
        "corpus": {"path": "../../datasets/shop/product_catalog.csv", "chunker": "recursive:size=300,overlap=0"},
        "golden": {"path": "../../datasets/shop"},
    }
    done, page = report(ragbench, project, "reports/shop")
    assert "note: " not in done.out
    named, _ = report(ragbench, project, "reports/shop", "--corpus", CORPUS, "--golden", SHOP)
    assert "note: " not in named.out
    assert (project / "report.html").read_text("utf-8") == page
    words = shlex.split(
        html.unescape(re.findall(r'id="command-0">(.*?)</code>', page, re.DOTALL)[0]).replace("\\\n", "")
    )
    again = ragbench(*words[1:-1], "reports/again", cwd=project)
    assert again.code == 0, again.err
    assert (project / "reports/again/scores.parquet").read_bytes() == (evaluated / "scores.parquet").read_bytes()
    assert inputs(project / "reports/again") == inputs(evaluated)
    assert str(project) not in page + (evaluated / "results.json").read_text("utf-8")


def test_a_project_that_moved_as_a_whole_is_still_whole(ragbench: Any, project: Path, evaluated: Path) -> None:
    moved = project.rename(project.parent / "elsewhere")
    done, _ = report(ragbench, moved / "reports", "shop")
    assert "note: " not in done.out


def test_what_changed_or_went_is_told_and_not_shown(ragbench: Any, project: Path, evaluated: Path) -> None:
    (project / CORPUS).rename(project / "kept.csv")
    golden = project / SHOP / "golden.jsonl"
    golden.write_text(golden.read_text("utf-8").replace("tent", "boat"), "utf-8")
    done, page = report(ragbench, project, "reports/shop")
    assert f"{CORPUS}, which was evaluated, is not there any more. Write the report again with --corpus" in done.out
    assert f"{SHOP} was changed since it was evaluated (its fingerprint is " in done.out
    assert "CORPUS: the corpus of 166 documents" in html.unescape(page)
    assert "GOLDEN: the golden set" in html.unescape(page)
    golden.write_text('{"broken', "utf-8")
    done, _ = report(ragbench, project, "reports/shop", "--corpus", "kept.csv")
    assert "texts of the ranked items" not in done.out
    assert f"{SHOP}, which was evaluated, cannot be read any more (" in done.out


def test_another_file_in_its_place_is_not_taken(ragbench: Any, project: Path, evaluated: Path) -> None:
    """Options win: what is named is used although the recorded one changed."""
    shutil.copyfile(project / CORPUS, project / "kept.csv")
    (project / CORPUS).write_text("product_id,product_name\n1,a secret\n", "utf-8")
    done, page = report(ragbench, project, "reports/shop", "--no-texts", "--corpus", "kept.csv")
    assert "Evidence and reference answers are not shown: excluded by --no-texts.\n" in done.out
    assert "Write the report again" not in done.out
    assert "--corpus kept.csv --chunker recursive:size=300,overlap=0" in html.unescape(page)
    assert "a secret" not in page


def test_what_was_moved_is_read_as_the_evaluation_read_it(ragbench: Any, project: Path) -> None:
    """Columns, split and loader are not named again, not even where the chunker is."""
    (project / "stones.csv").write_text(
        "key,title,said\na,x,the big stone is grey\nb,y,the wet stone is black\n", "utf-8"
    )
    (project / "g.csv").write_text("frage,stelle\nwhich stone is wet,b\n", "utf-8")
    words = ("--golden", "g.csv", "--golden-columns", "query=frage,document=stelle", "--retriever", "bm25")
    corpus = ("--corpus", "stones.csv", "--loader", "csv:text_column=said,id_column=key")
    chunker = ("--chunker", "recursive:size=10,overlap=0")
    done = ragbench("eval", *corpus, *chunker, *words, "--resamples", "100", "--out", "runs/stones", cwd=project)
    assert done.code == 0, done.err
    (project / "g.csv").rename(project / "moved.csv")
    (project / "stones.csv").rename(project / "kept.csv")
    named = ("--golden", "moved.csv", "--corpus", "kept.csv")
    for also in ((), chunker):
        done, page = report(ragbench, project, "runs/stones", *named, *also)
        assert "note: " not in done.out
        assert "--golden moved.csv --golden-columns document=stelle,query=frage" in re.sub(
            r"\s*\\\n\s*", " ", html.unescape(page)
        )
    refused = ragbench("report", "runs/stones", *named, "--chunker", "whole", "--out", "r.html", cwd=project)
    assert (refused.code, "--corpus kept.csv: its fingerprint is" in refused.err) == (2, True), refused.err
    refused = ragbench("report", "runs/stones", "--golden", "kept.csv", "--out", "r.html", cwd=project)
    assert (refused.code, "Traceback" in refused.err) == (2, False), refused.err


def test_a_baseline_knows_the_same_inputs(ragbench: Any, project: Path, evaluated: Path) -> None:
    assert ragbench("baseline", "set", "main", "reports/shop", cwd=project).code == 0
    done, _ = report(ragbench, project, ".ragbench/baselines/main")
    assert "note: " not in done.out


def test_scores_of_answers_know_their_answers(ragbench: Any, project: Path) -> None:
    rows = [json.loads(line) for line in (project / SHOP / "golden.jsonl").read_text("utf-8").splitlines()]
    said = "".join(json.dumps({"question": row["text"], "output": f"said of {row['id']}"}) + "\n" for row in rows)
    (project / "said.jsonl").write_text(said, "utf-8")
    columns = ("--columns", "query=question,answer=output", "--name", "ours")
    done = ragbench(
        "score", "said.jsonl", "--golden", SHOP, *columns, "--metric", "token_f1", "--out", "s", cwd=project
    )
    assert done.code == 0, done.err
    assert inputs(project / "s")["answers"] == {
        "path": "../said.jsonl", "columns": {"query": "question", "answer": "output"}, "name": "ours",
    }  # fmt: skip
    done, page = report(ragbench, project, "s")
    assert "note: " not in done.out
    typed = re.sub(r"\s*\\\n\s*", " ", html.unescape(page))
    assert (
        "ragbench score said.jsonl --columns answer=output,query=question --name ours --golden datasets/shop" in typed
    )


@pytest.mark.parametrize(
    "wrong", [3, [], {"corpus": 3}, {"corpus": {"path": 3}}, {"corpus": {"path": "x", "loader": []}}]
)
def test_a_record_that_somebody_broke_counts_as_none(
    ragbench: Any, project: Path, evaluated: Path, wrong: object
) -> None:
    results = evaluated / "results.json"
    content = json.loads(results.read_text("utf-8"))
    content["manifest"]["inputs"] = wrong
    del content["checksum"]  # as in a folder of an earlier version
    results.write_text(json.dumps(content), "utf-8")
    done, _ = report(ragbench, project, "reports/shop")
    assert "The texts of the ranked items are not shown: an evaluation does not keep them." in done.out
