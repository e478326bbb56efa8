"""An installed package adds a metric by the entry point group ``ragbench.metrics``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "plugins.md"
RAGBENCH = ("-c", "from ragbench.cli import main; main()")
BROKEN = "[ragbench.metrics]\ngone = no_such_module:Gone\nraises = raises_on_import:Raises\n"


def blocks(section: str) -> dict[str, str]:
    """The code of a section of the guide, by language."""
    text = GUIDE.read_text("utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))


def site(folder: Path, name: str, points: str, **modules: str) -> Path:
    """What pip leaves behind: modules, and the metadata of their package."""
    folder.mkdir()
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    return folder


def run(sites: list[Path], *program: str | Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [*sites, os.environ.get("PYTHONPATH") or ROOT]))
    command = [sys.executable, *map(str, program)]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of the guide, built and installed by pip into a folder of its own."""
    pytest.importorskip("hatchling", reason="needs hatchling to build the example package without a network")
    pytest.importorskip("pip", reason="needs pip to install the example package")
    folder = tmp_path_factory.mktemp("metric")
    source, target = folder / "source", folder / "site"
    source.mkdir()
    code = blocks("A metric")
    (source / "my_metrics.py").write_text(code["python"], encoding="utf-8")
    (source / "pyproject.toml").write_text(code["toml"], encoding="utf-8")
    arguments = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    done = run([], *arguments, "--target", target, source)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return site(tmp_path / "broken", "broken-metrics", BROKEN, raises_on_import="raise RuntimeError('no licence')\n")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str | Path, ...]:
    documents = [{"id": f"d{n}", "text": f"the {word} stone"} for n, word in enumerate(("big", "old", "wet"))]
    golden = [{"id": "q", "text": "wet stone", "evidence": [{"document_id": "d2"}, {"document_id": "d0"}]}]
    for name, lines in (("corpus.jsonl", documents), ("golden.jsonl", golden)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    inputs = ("--corpus", tmp_path / "corpus.jsonl", "--golden", tmp_path / "golden.jsonl", "--level", "document")
    return (*inputs, "--retriever", "bm25", "--cache", tmp_path / "cache", "--out", tmp_path / "out")


def evaluate(sites: list[Path], files: tuple[str | Path, ...], *metrics: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for metric in metrics for word in ("--metric", metric)]
    return run(sites, *RAGBENCH, "eval", *files, *chosen, "--json")


def test_the_example_of_the_guide_is_evaluated(
    installed: Path, broken: Path, files: tuple[str | Path, ...], tmp_path: Path
) -> None:
    done = evaluate([installed, broken], files, "F1@1", "ndcg@1", "f_measure(level=1)@3")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    means = {name: estimate["mean"] for name, estimate in results["arms"][0]["metrics"].items()}
    # One of the two relevant documents at rank 1: 2 * 1 / (1 + 2). Both in the top 3: 2 * 2 / (3 + 2).
    assert means == pytest.approx({"f1@1": 2 / 3, "ndcg@1": 1.0, "f1@3": 0.8})


def test_plugins_lists_it_without_importing_it(installed: Path, broken: Path) -> None:
    done = run([installed, broken], *RAGBENCH, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["f1"] == "my_metrics:F1"
    assert metrics["ndcg"] == "ragbench.metrics.ndcg"
    assert metrics["raises"] == "raises_on_import:Raises"


def test_an_unknown_name_lists_it_and_the_packages_that_are_broken(
    installed: Path, broken: Path, files: tuple[str | Path, ...]
) -> None:
    done = evaluate([installed, broken], files, "f11@5")
    assert done.returncode != 0
    assert "did you mean 'f1'?" in done.stderr
    assert "'raises' of broken-metrics cannot be imported: no licence" in done.stderr
    assert "'gone' of broken-metrics cannot be imported: No module named 'no_such_module'" in done.stderr


def test_a_broken_metric_is_reported_with_its_package(broken: Path, files: tuple[str | Path, ...]) -> None:
    done = evaluate([broken], files, "raises@5")
    assert done.returncode != 0
    assert "metric 'raises' of broken-metrics cannot be imported: no licence" in done.stderr
    assert "did you mean" not in done.stderr


PARSE = "from ragbench.metrics.parse import parse; print(parse({!r}))"


def test_a_name_that_is_taken_is_an_error_and_the_built_in_metric_still_works(tmp_path: Path) -> None:
    code = blocks("A metric")["python"].replace('"f1"', '"p"')
    clash = site(tmp_path / "clash", "clash", "[ragbench.metrics]\np = my_metrics:F1\n", my_metrics=code)
    assert "two metrics are called 'p'" in run([clash], "-c", PARSE.format("unknown@5")).stderr
    assert run([clash], "-c", PARSE.format("p@5")).stdout == "p@5\n"


def test_an_entry_point_with_another_name_is_an_error(tmp_path: Path) -> None:
    points = "[ragbench.metrics]\nother = my_metrics:F1\n"
    other = site(tmp_path / "other", "other", points, my_metrics=blocks("A metric")["python"])
    assert "metric 'other': the name of my_metrics:F1 is 'f1'" in run([other], "-c", PARSE.format("other@5")).stderr
