"""The plugin in runs of pytest of their own."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "pytest.md"
INI = """[pytest]
ragbench_corpus = datasets/shop/product_catalog.csv
ragbench_golden = datasets/shop
"""
HEAD = """import pytest
from ragbench.pytest_plugin import assert_no_regression, assert_retrieval, evaluated
"""


class Project:
    """A folder with tests, and pytest with no other plugins than ours and that of xdist."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        (folder / "datasets").symlink_to(ROOT / "datasets")
        (folder / "pytest.ini").write_text(INI)

    def run(self, code: str | None, *words: str, plugin: bool = True) -> tuple[dict[str, str], str]:
        """Run the tests; the outcome of each, and what was printed."""
        if code is not None:
            (self.folder / "test_it.py").write_text(HEAD + code)
        environment = {
            **os.environ, "RAGBENCH_CACHE": str(self.cache), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), "PYTEST_ADDOPTS": "",
        }  # fmt: skip
        loaded = ["-p", "ragbench.pytest_plugin"] if plugin else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *loaded, "-rA", "--strict-markers", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        found = re.findall(r"^(PASSED|FAILED|XFAIL|ERROR) \S+::(\w+)", done.stdout, flags=re.MULTILINE)
        return {name: outcome for outcome, name in found}, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Project:
    return Project(tmp_path, cache)


def test_a_floor_passes_fails_or_is_inconclusive(project: Project) -> None:
    """BM25 has an ndcg@10 of .661 on the shop, with an interval of about .06 to each side."""
    outcomes, printed = project.run("""
pytestmark = pytest.mark.ragbench
def test_low(): assert assert_retrieval("bm25", at_least=.4).outcome == "pass"
def test_high(): assert_retrieval("bm25", at_least=.9)
def test_ceiling(): assert_retrieval("bm25", metric="ndcg@10", at_most=.4)
def test_near_warns():
    with pytest.warns(UserWarning, match="inconclusive"):
        assert assert_retrieval("bm25", at_least=.65).outcome == "inconclusive"
@pytest.mark.ragbench(inconclusive="xfail")
def test_near_by_marker(): assert_retrieval("bm25", at_least=.65)
@pytest.mark.ragbench(inconclusive="xfail")
def test_near_by_argument(): assert_retrieval("bm25", at_least=.65, inconclusive="fail")
def test_near_passes(): assert assert_retrieval("bm25", at_least=.65, inconclusive="pass").outcome == "inconclusive"
def test_other_cut(): assert assert_retrieval("bm25", metric="ndcg@7", at_least=.4).decided[0].metric == "ndcg@7"
def test_fixtures(ragbench_golden, ragbench_corpus):
    assert len(ragbench_golden) == len(evaluated("bm25").queries)
    assert ragbench_corpus.name == "product_catalog.csv"
def test_nothing_to_ask(): assert_retrieval("bm25")
def test_too_deep(): assert_retrieval("bm25", metric="ndcg@500", at_least=.1)
""")
    assert outcomes == {
        "test_low": "PASSED", "test_high": "FAILED", "test_ceiling": "FAILED", "test_near_warns": "PASSED",
        "test_near_by_marker": "XFAIL", "test_near_by_argument": "FAILED", "test_near_passes": "PASSED",
        "test_other_cut": "PASSED", "test_fixtures": "PASSED", "test_nothing_to_ask": "FAILED",
        "test_too_deep": "FAILED",
    }  # fmt: skip
    assert "at_least or at_most" in printed
    assert "ragbench_metrics" in printed
    assert ".661" in printed
    assert "session.py" not in "".join(re.findall(r"^\S+: AssertionError$", printed, flags=re.MULTILINE))


@pytest.mark.slow
def test_the_option_of_the_command_decides_over_the_configuration(project: Project) -> None:
    with (project.folder / "pytest.ini").open("a") as file:
        file.write("ragbench_inconclusive = fail\n")
    code = "def test_near(): assert_retrieval('bm25', at_least=.65)\n"
    assert project.run(code)[0] == {"test_near": "FAILED"}
    assert project.run(code, "--ragbench-inconclusive", "xfail")[0] == {"test_near": "XFAIL"}
    (project.folder / "pytest.ini").write_text(f"{INI}ragbench_inconclusive = maybe\n")
    outcomes, printed = project.run(code)
    assert not outcomes
    assert "maybe" in printed


FUNCTIONS = """
def search(query, k):
    with open("calls.txt", "a") as file:
        file.write(query + "\\n")
    return [(f"P{n:03}", 1 / n) for n in range(1, k + 1)]
def silent(query, k): raise RuntimeError("no index here")
def test_one(): assert_retrieval(search, at_most=.5)
def test_two(): assert_retrieval(search, metric="hit@10", at_most=.5)
def test_three(): assert_no_regression("bm25", baseline=search)
def test_four(): assert_no_regression(search, baseline="bm25", margin={"hit@3": .02})
def test_five(): assert_retrieval(silent, at_least=.1)
def test_six(): assert_retrieval({"q1": {"P001": 1.0}}, at_least=.5)
def test_lambda(): assert_retrieval(lambda query, k: [("P001", 1.0)], name="mine", at_most=.5)
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-p", "xdist", "-n", "2")])
def test_a_system_is_evaluated_once_in_a_run_and_one_page_shows_all(project: Project, words: tuple[str, ...]) -> None:
    page = project.folder / "out" / "page.html"
    outcomes, printed = project.run(FUNCTIONS, "--ragbench-report", str(page), *words)
    assert outcomes == {
        "test_one": "PASSED", "test_two": "PASSED", "test_three": "PASSED", "test_four": "FAILED",
        "test_five": "FAILED", "test_six": "FAILED", "test_lambda": "PASSED",
    }  # fmt: skip
    asked = (project.folder / "calls.txt").read_text().splitlines()
    # An evaluation asks all queries at once, and again one by one to measure the time of each.
    assert max(map(asked.count, asked)) <= 2
    assert "no index here" in printed
    summary = printed.split(" ragbench ===")[1]
    assert summary.count("\n    fail: ") == 1
    assert f"report: {page}" in summary
    content = page.read_text(encoding="utf-8")
    assert "mine" in content
    assert "hit@3" in content
    assert "<script src=" not in content


def test_an_evaluation_and_a_stored_baseline_need_no_corpus(project: Project, tmp_path: Path) -> None:
    example = ROOT / "reports" / "example"
    (project.folder / "pytest.ini").write_text("[pytest]\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAGBENCH_CACHE": str(project.cache)}
    words = ("-m", "ragbench", "baseline", "set", "main", f"{example}::bm25")
    subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
    (tmp_path / "main").mkdir()  # the baseline comes before a folder of the same name
    outcomes, printed = project.run(f"""
import ragbench as rb
OLD, NEW = "{example}::bm25:stem=false", "{example}::bm25"
def test_better(): assert_no_regression(NEW, baseline=OLD)
def test_worse(): assert_no_regression(OLD, baseline="main")
def test_rules(): assert_no_regression(NEW, baseline="main", rules=[{{"metric": "hit@5", "min": .1}}])
def test_object(): assert_retrieval(rb.load_run(NEW)[0], metric="mrr@10", at_least=.3)
def test_unknown(): assert_no_regression(NEW, baseline="mian")
def test_no_corpus(): assert_retrieval("bm25", at_least=.3)
def test_twice(): assert_retrieval(NEW, golden="datasets/shop", at_least=.3)
""")
    assert outcomes == {
        "test_better": "PASSED", "test_worse": "FAILED", "test_rules": "PASSED", "test_object": "PASSED",
        "test_unknown": "FAILED", "test_no_corpus": "FAILED", "test_twice": "FAILED",
    }  # fmt: skip
    assert "did you mean 'main'" in printed
    assert "no golden is given" in printed


@pytest.mark.slow
def test_two_golden_sets_have_two_pages(project: Project) -> None:
    lines = (ROOT / "datasets/shop/golden.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (project.folder / "half.jsonl").write_text("".join(lines[:40]), encoding="utf-8")
    outcomes, printed = project.run(
        """
def test_all(): assert_retrieval("bm25", at_least=.3)
@pytest.mark.ragbench(golden="half.jsonl")
def test_half(ragbench_golden):
    assert_retrieval("bm25", at_least=.1)
    assert len(evaluated("bm25").queries) == len(ragbench_golden) < 170
""",
        "--ragbench-report", "page.html",
    )  # fmt: skip
    assert outcomes == {"test_all": "PASSED", "test_half": "PASSED"}
    assert {path.name for path in project.folder.glob("*.html")} == {"page.html", "page-2.html"}
    assert printed.count("report: ") == 2


@pytest.mark.slow
def test_the_guide_runs(project: Project) -> None:
    blocks = dict(re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```$', GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    for name, text in blocks.items():
        (project.folder / name).write_text(text)
    outcomes, printed = project.run(None, "test_search.py")
    assert set(outcomes.values()) == {"PASSED"}
    assert len(outcomes) == 3
    assert (project.folder / "reports" / "tests.html").is_file()
    shown = GUIDE.read_text("utf-8").split("```text\n")[1].split("```")[0].splitlines()[1:]
    assert "\n".join(shown) in printed


def loaded(project: Project, *words: str) -> set[str]:
    code = "import sys, atexit\ndef test_it(): pass\natexit.register(lambda: print('LOADED', *sys.modules))\n"
    (project.folder / "test_light.py").write_text(code)
    printed = project.run(None, "test_light.py", *words)[1]
    return {name for line in printed.splitlines() if line.startswith("LOADED") for name in line.split()}


def test_a_run_without_such_tests_loads_nothing_heavy(project: Project) -> None:
    found = loaded(project)
    assert "ragbench.pytest_plugin" in found
    assert not found & {"numpy", "pandas", "yaml", "ragbench.api", "pydantic", "scipy"}


def test_pytest_finds_the_plugin_by_its_entry_point(tmp_path: Path) -> None:
    entries: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert entries["pytest11"] == {"ragbench": "ragbench.pytest_plugin"}
    folder = tmp_path / "entry"
    (folder / "stand_in-1.dist-info").mkdir(parents=True)
    (folder / "stand_in-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
    lines = ["[pytest11]", *(f"{name} = {module}" for name, module in entries["pytest11"].items())]
    (folder / "stand_in-1.dist-info" / "entry_points.txt").write_text("\n".join(lines))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTEST_ADDOPTS": ""}
    words = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:langsmith_plugin", "--help")
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "--ragbench-report" in done.stdout, done.stderr


def test_outside_of_pytest_the_error_says_what_to_call() -> None:
    code = "from ragbench.pytest_plugin import assert_retrieval\nassert_retrieval('bm25', 'datasets/shop', at_least=.1)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "rb.evaluate" in done.stderr.splitlines()[-1]
