"""Type checkers and editors know the calls as they are."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import asyncio
from pathlib import Path

import ragbench as rb

golden = rb.load_golden("datasets/shop")
corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
first: rb.Document = corpus[0]
query: rb.GoldenItem = golden["q001"]
chunks: rb.Chunks = rb.chunk(corpus, size=800)


def search(query: str, k: int) -> list[tuple[str, float]]:
    return [("P001", 1.0)][:k]


async def slow(query: str, k: int) -> list[str]:
    await asyncio.sleep(0)
    return ["P001"]


evaluation = rb.evaluate("docs/", golden)
evaluation = rb.evaluate(chunks, "golden", "bm25", metrics="ndcg@10", k=10, by="type", out="reports/mine")
evaluation = rb.evaluate(
    corpus,
    golden,
    {"bm25": "bm25", "mine": search, "slow": slow, "run": {"q1": {"P001": 1.0}}},
    metrics=["ndcg@10"],
)
evaluation = rb.evaluate(corpus, golden, [search, "bm25"])
scores: rb.Scores = rb.score({"q1": {"a": 1}}, {"q1": {"a": 0.5}}, ["mrr"])
mean: float | None = evaluation["bm25"]["ndcg@10"].mean
folder: Path = evaluation.save("reports/mine")
again: rb.Evaluation = rb.load_evaluation(folder)
outcome: str = rb.gate(evaluation["bm25"], "main", min={"hit@5": 0.7}).outcome
rb.compare(evaluation, by="type")
rb.compare(evaluation["bm25"], again["bm25"])
rb.plan(evaluation["bm25"], delta=0.02)
page: Path = rb.report(evaluation, "page.html")
names = [arm.name for arm in evaluation]
"""
WRONG = """
import ragbench as rb

rb.evaluate(3.5)
rb.evaluate("docs/", "golden", seeed=1)
rb.evaluate("docs/", "golden", level="page")
rb.chunk("docs/", size="800")
rb.load_evaluation("x")["bm25"]["ndcg@10"].meen
"""


def test_the_stubs_are_those_of_the_options() -> None:
    spec = importlib.util.spec_from_file_location("stubs", ROOT / "docs" / "stubs.py")
    assert spec is not None
    assert spec.loader is not None
    stubs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stubs)
    old = [path.name for path, text in stubs.stubs().items() if path.read_text("utf-8") != text]
    assert not old, f"the options changed: run 'python docs/stubs.py' ({', '.join(old)})"


@pytest.mark.slow
def test_a_script_of_a_user_is_checked_strictly(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nignore_missing_imports = true\nfollow_imports = silent\n", "utf-8")

    words = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache")]
    files = [str(tmp_path / name) for name in ("right.py", "wrong.py")]
    done = subprocess.run([*words, *files], capture_output=True, text=True, cwd=ROOT, env={"MYPYPATH": str(ROOT)})
    found = [Path(line).name.split(":")[:2] for line in done.stdout.splitlines() if ": error:" in line]
    assert found == [["wrong.py", line] for line in "45678"], done.stdout


@pytest.mark.slow
def test_an_editor_completes_names_and_arguments() -> None:
    jedi = pytest.importorskip("jedi", reason="IPython brings jedi; the tests do without")
    code = "import ragbench as rb\nrb.evaluate("
    (signature,) = jedi.Script(code, path=ROOT / "mine.py").get_signatures()
    names = [one.name for one in signature.params]
    assert names[:3] == ["corpus", "golden", "retrievers"]
    assert {"metrics", "k", "out", "seed"} <= set(names)
    completed = {one.name for one in jedi.Script("import ragbench as rb\nrb.load_", path=ROOT / "mine.py").complete()}
    assert {"load_corpus", "load_evaluation", "load_golden"} <= completed
    code = "import ragbench as rb\nrb.load_evaluation('x')['bm25'].to_"
    assert "to_pandas" in {one.name for one in jedi.Script(code, path=ROOT / "mine.py").complete()}
