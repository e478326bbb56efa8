"""What the README shows is run."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path += [str(Path(__file__).resolve().parent / name) for name in ("models", "answers")]
import judge_replies
from llm_server import LLMServer, serving

from ragbench.io.golden_files import read_golden

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    text = "\n".join(blocks("console")).replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith("ragbench ")]


@pytest.mark.slow
def test_the_demo_prints_the_table_of_the_readme(ragbench: Any, tmp_path: Path) -> None:
    shown = re.search(r"<!-- demo -->\n```text\n(.*?)```", README, flags=re.DOTALL)
    assert shown is not None
    done = ragbench("demo", "--out", tmp_path)
    assert done.code == 0
    shown_lines = [line.rstrip() for line in shown.group(1).splitlines()]
    printed = [line.rstrip() for line in done.out.splitlines()]
    printed = printed[printed.index(shown_lines[0]) :][: len(shown_lines)]
    assert printed[:3] == shown_lines[:3]  # title, head and BM25 are the same on every machine
    for ours, theirs in zip(printed[3:], shown_lines[3:], strict=True):
        # int8 arithmetic differs between processors in the third digit
        assert ours.split()[0] == theirs.split()[0]
        assert float(ours.split()[1]) == pytest.approx(float(theirs.split()[1]), abs=0.01)


def test_the_first_evaluation_of_the_readme_runs(
    ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = next(words for words in commands() if words[1] == "eval" and "datasets/shop" in words)
    words[words.index("--out") + 1] = str(tmp_path)
    assert ragbench.process(*words[1:]).code == 0


def test_the_verdicts_of_the_readme_run(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    evaluation = next(words for words in commands() if words[1] == "eval" and "reports/mine" in words)
    verdicts = [words for words in commands() if words[1] in {"compare", "report", "plan", "baseline", "gate", "ab"}]
    assert [words[1] for words in verdicts] == ["compare", "report", "plan", "baseline", "gate", "ab"]
    for words in (evaluation, *verdicts):
        done = ragbench(*words[1:])
        assert done.code == 0, f"{words}: {done.out}{done.err}"


def test_the_answers_of_the_readme_are_made_and_scored(
    ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a server that speaks OpenAI's protocol in the place of OpenAI's."""
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    said = '{"answer": "The Tarnfell 2 Winter is a tent [1].", "citations": [1], "is_unknown": false}'
    asks = "take an answer", "compare statements"

    def reply(body: dict[str, Any]) -> str:
        system = body["messages"][0]["content"]
        return judge_replies.reply(body) if any(words in system for words in asks) else said

    printed = ""
    with serving(LLMServer(reply=reply)) as server:
        monkeypatch.setitem(ragbench.environment, "OPENAI_BASE_URL", server.url)
        monkeypatch.setitem(ragbench.environment, "OPENAI_API_KEY", "none")
        for words in (words for words in commands() if words[1] in {"answer", "score"}):
            done = ragbench(*words[1:])
            assert done.code == 0, f"{words}: {done.out}{done.err}"
            printed += done.out
    assert "token_f1" in printed
    assert re.search(r"^faithfulness +\S+ \[", printed, flags=re.MULTILINE)


def test_python_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAGBENCH_CACHE", str(tmp_path))
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert "0.768 [" in capsys.readouterr().out


def test_golden_sets_of_the_readme_are_written_and_audited(
    ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = [words for words in commands() if words[1] == "generate" or words[1:2] == ["golden"]]
    assert [words[1] for words in shown] == ["generate", "golden"]
    for words in shown:
        words = [str(tmp_path / word) if word.startswith("golden/") else word for word in words]
        done = ragbench(*words[1:])
        assert done.code == 0, done.out + done.err
    corpus, golden = ROOT / "datasets" / "shop" / "product_catalog.csv", tmp_path / "golden" / "shop"
    done = ragbench("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--json")
    assert done.json["arms"][0]["metrics"]["ndcg@10"]["n"] == len(read_golden(golden)) > 500

    improving = [words for words in commands() if words[1] in ("export", "train")]
    assert [words[1] for words in improving] == ["export", "export", "train"]
    folders = ("golden/", "training/", "models/")
    for words, code in zip(improving, (0, 0, 3), strict=True):  # no gain is shown on so few queries
        words = [str(tmp_path / word) if word.startswith(folders) else word for word in words]
        done = ragbench(*words[1:])
        assert done.code == code, done.out + done.err
    assert (tmp_path / "training" / "shop" / "train.jsonl").is_file()


def test_the_options_file_of_the_docs_runs(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "guides" / "corpus.md").read_text(encoding="utf-8")
    shown = re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert shown is not None
    (tmp_path / "eval.yaml").write_text(shown.group(1), encoding="utf-8")
    done = ragbench("eval", "--config", tmp_path / "eval.yaml", "--out", tmp_path / "out", "--json")
    assert [arm["status"] for arm in done.json["arms"]] == ["ok", "ok", "ok"]


def test_every_linked_file_exists() -> None:
    for page in (ROOT / "README.md", ROOT / "reports" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name} links to {link}"


@pytest.mark.slow
@pytest.mark.shared_data
def test_scifact_of_the_readme(ragbench: Any, shared_data: Path, tmp_path: Path) -> None:
    """The command, its figures, and a second run that is served from the store."""
    words = next(words for words in commands() if words[1] == "eval" and "scifact" in words)
    for option, value in (
        ("--corpus", shared_data / "scifact"),
        ("--golden", shared_data / "scifact"),
        ("--out", tmp_path),
    ):
        words[words.index(option) + 1] = str(value)
    first = ragbench(*words[1:], "--json")
    figures = {arm["name"]: arm["metrics"]["ndcg@10"]["mean"] for arm in first.json["arms"]}
    assert figures["bm25"] == pytest.approx(0.679, abs=0.004)
    assert figures["dense"] == pytest.approx(0.645, abs=0.01)
    assert figures["hybrid"] >= 0.71
    assert figures["rerank"] >= 0.735
    for name, figure in figures.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| {name} "))
        assert f" {figure:.3f} ".replace("0.", ".") in row
    again = ragbench(*words[1:], "--json")
    assert all(arm["from_store"] for arm in again.json["arms"])
