"""``ragbench demo``, and the commands that it shows."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.cli.demo_report import command_lines, verdict


@pytest.fixture(scope="module")
def shown(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo") / "demo"
    done = ragbench("demo", "--out", out)
    assert done.code == 0, done.err
    return out, done.out


def typed(printed: str) -> list[list[str]]:
    return [shlex.split(line)[2:] for line in printed.replace("\\\n", " ").splitlines() if line.startswith("$ ")]


@pytest.mark.slow
def test_it_is_short_and_fits_a_terminal(shown: tuple[Path, str]) -> None:
    out, printed = shown
    lines = [line.replace(str(out), "reports/demo") for line in printed.splitlines()]
    assert len(lines) <= 48
    assert all(len(line) <= 80 or "datasets" in line or "reports/demo" in line for line in lines)


@pytest.mark.slow
def test_the_commands_it_shows_give_the_files_it_wrote(ragbench: Any, shown: tuple[Path, str]) -> None:
    out, printed = shown
    commands = typed(printed)
    assert [words[0] if words[0] != "golden" else words[1] for words in commands] == [
        "eval", "generate", "audit", "eval", "report",
    ]  # fmt: skip
    file = out / "golden" / "golden.jsonl"
    before = file.read_bytes()
    assert ragbench(*commands[1]).code == 0
    assert file.read_bytes() == before
    again = ragbench(*commands[3][:-2], "--retriever", "bm25", "--json").json["arms"][0]
    results = json.loads((out / "masked" / "results.json").read_text())["arms"][0]
    assert again["metrics"] == results["metrics"]


@pytest.mark.slow
def test_the_leaderboards_are_those_of_the_two_evaluations(shown: tuple[Path, str]) -> None:
    out, printed = shown
    for at, name in enumerate(("written", "masked")):
        for arm in json.loads((out / name / "results.json").read_text())["arms"]:
            mean = re.findall(rf"^{arm['name']} +(\.\d+) \[.*?\] +(\.\d+) ", printed, flags=re.MULTILINE)[0][at]
            assert float(mean) == pytest.approx(arm["metrics"]["ndcg@10"]["mean"], abs=0.0005)


@pytest.mark.slow
def test_a_second_run_is_served_from_the_store(ragbench: Any, shown: tuple[Path, str]) -> None:
    again = ragbench("demo", "--out", shown[0], "--json")
    assert again.json["version"] == 1
    for name in ("written", "masked"):
        assert all(arm["from_store"] for arm in again.json[name]["arms"])
    means = {arm["name"]: arm["metrics"]["ndcg@10"]["mean"] for arm in again.json["written"]["arms"]}
    assert means["bm25"] < means["hybrid"] < means["rerank"]
    assert "siblings" in {found["code"] for found in again.json["audit"]["findings"]}


def test_a_folder_that_holds_something_else_is_left_alone(ragbench: Any, tmp_path: Path) -> None:
    mine = tmp_path / "golden" / "golden.jsonl"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = ragbench("demo", "--out", tmp_path)
    assert done.code == 2
    assert "holds other files (golden.jsonl)" in done.err
    assert mine.read_text() == "mine"
    assert not (tmp_path / "written").exists()


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=30), max_size=12)
)
def test_a_shown_command_pasted_into_a_shell_is_the_command(words: list[str]) -> None:
    lines = command_lines(words)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == ["$", "ragbench", *words]


def results(means: dict[str, float], better: Sequence[str] = (), depends: Sequence[str] = ()) -> dict[str, Any]:
    arms = [{"name": name, "metrics": {"ndcg@10": {"mean": mean}}} for name, mean in means.items()]
    base, *others = means
    parts = [{"wording": "sentence", "difference": 0.01}, {"wording": "short-copy", "difference": -0.244},
             {"wording": "paraphrase", "difference": 0.162}]  # fmt: skip
    comparisons = [
        {"baseline": base, "candidate": name, "metric": "ndcg@10", "wordings": {"parts": parts},
         "decision": "better" if name in better else "depends on the wording" if name in depends
         else "no difference shown"}
        for name in others
    ]  # fmt: skip
    return {"arms": arms, "comparisons": comparisons}


def test_the_verdict_names_what_both_sets_decide() -> None:
    ours = results({"a": 0.5, "b": 0.6, "c": 0.7, "d": 0.2}, ["b", "c"])
    said = verdict(ours, results({"a": 0.1, "b": 0.2, "c": 0.11, "d": 0.05}, ["b"]), "ndcg@10")
    assert said.startswith("Both sets say that b beats a. They disagree on the best: c by the human")
    assert "Both sets say that b and c beat a. Both rank c first." in verdict(ours, ours, "ndcg@10")
    none = verdict(ours, results({"a": 0.5, "b": 0.4, "c": 0.4, "d": 0.4}), "ndcg@10")
    assert none.startswith("They disagree on the best: c by the human queries, a by the masked queries")
    assert "depends" not in none.replace("If one depends on the wording", "")


def test_the_verdict_names_the_wordings_on_which_a_difference_depends() -> None:
    ours = results({"a": 0.5, "b": 0.6}, ["b"])
    said = verdict(ours, results({"a": 0.5, "b": 0.6}, depends=["b"]), "ndcg@10")
    assert "Both sets say" not in said
    assert "the difference to a depends on the wording: b +.162 for paraphrase, -.244 for short-copy." in said


def test_a_file_for_the_results_is_refused_before_the_first_step(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = ragbench("demo", "--out", tmp_path / "file")
    assert (done.code, done.out) == (2, "")
    assert f"--out {tmp_path / 'file'}: is a file; name a folder" in done.err


def test_the_gates_pass_fail_and_stay_open(ragbench: Any, tmp_path: Path) -> None:
    done = ragbench("demo", "--gate", "--out", tmp_path)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) <= 48
    commands = typed(done.out)
    assert [words[0] for words in commands] == ["eval", "gate", "gate", "gate"]
    rows = re.findall(r"^(pass|fail|inconclusive) .* (\S+) +(\d)$", done.out, flags=re.MULTILINE)
    assert [(outcome, code) for outcome, _, code in rows] == [("pass", "0"), ("fail", "1"), ("inconclusive", "0")]
    # The commands give the same outcomes when they are typed, and CI may hold up what is inconclusive.
    assert [ragbench(*words).code for words in commands[1:]] == [0, 1, 0]
    assert ragbench(*commands[3], "--inconclusive", "fail").code == 3
    again = ragbench("demo", "--gate", "--out", tmp_path, "--json").json
    assert [one["outcome"] for one in again["gates"]] == [outcome for outcome, _, _ in rows]
    assert again["gates"][2]["rules"][0]["more_queries"] == int(rows[2][1])
