"""What is public, and that importing it is light."""

import pickle
import subprocess
import sys

import ragbench
import ragbench.api

HEAVY = {
    "torch", "ragas", "datasets", "ray", "faiss", "pandas", "pyarrow", "numpy", "scipy", "langchain", "langchain_core",
    "onnxruntime", "bm25s", "pydantic", "httpx", "transformers", "sentence_transformers", "pypdf", "yaml",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()}


def test_every_public_name_is_there() -> None:
    assert ragbench.__all__ == ragbench.api.__all__ == sorted(ragbench.__all__)
    for name in ragbench.__all__:
        assert getattr(ragbench, name) is getattr(ragbench.api, name)


def test_what_can_be_called_can_be_pickled() -> None:
    named = [
        getattr(ragbench, name)
        for name in ragbench.__all__
        if name not in ("baseline", "batch", "data", "endpoint", "jobs", "review", "wattbot")
    ]
    for call in (*named, ragbench.wattbot.run, ragbench.wattbot.score, ragbench.baseline.set, ragbench.review.export):
        assert pickle.loads(pickle.dumps(call)) is call


def test_importing_ragbench_loads_nothing_heavy() -> None:
    assert not loaded_by("import ragbench") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    code = "from ragbench.cli import app\ntry:\n app(['--help'])\nexcept SystemExit: pass"
    assert not loaded_by(code) & HEAVY


def test_listing_plugins_imports_none_of_them() -> None:
    found = loaded_by("from ragbench.plugins import *\nassert 'dense' in names(RETRIEVERS)")
    assert not found & (HEAVY - {"numpy", "yaml"})


def test_evaluate_in_a_few_lines(tmp_path: object) -> None:
    corpus = ragbench.Corpus((ragbench.Document("a", "red apples"), ragbench.Document("b", "blue sky")))
    golden = ragbench.GoldenSet((ragbench.GoldenItem("q", "apples", evidence=(ragbench.Evidence("a"),)),))
    evaluation = ragbench.evaluate(ragbench.chunk(corpus), golden, ["bm25"], cache=str(tmp_path))
    assert evaluation.arm("bm25").metrics["mrr@10"].mean == 1.0
