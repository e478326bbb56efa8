"""A package of someone else adds a retriever by its entry point."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "plugin_package"
EVALUATE = """\
import json
from ragbench.plugins import RETRIEVERS, build, load, names
from ragbench.core.context import Context
from ragbench.testing import QUERIES, check_retriever, small_corpus
import sys

listed = names(RETRIEVERS)
imported_by_listing = "longest_first" in sys.modules
retriever = build(RETRIEVERS, "longest_first:shortest=4")
check_retriever(retriever)
run = retriever.index(small_corpus(), Context()).search(QUERIES, 1)
print(json.dumps([listed["longest_first"], imported_by_listing, repr(retriever), run.to_dict()]))
"""


def run(target: Path, *program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(target)}
    return subprocess.run(
        [sys.executable, *program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The package, built and installed by pip into a folder of its own."""
    pytest.importorskip("hatchling", reason="needs hatchling to build the example package without a network")
    pytest.importorskip("pip", reason="needs pip to install the example package")
    folder = tmp_path_factory.mktemp("plugin")
    source, target = folder / "source", folder / "site"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = run(target, *arguments, "--target", str(target), str(source))
    assert done.returncode == 0, done.stderr
    return target


def test_it_is_found_and_evaluated(installed) -> None:
    done = run(installed, "-c", EVALUATE)
    assert done.returncode == 0, done.stderr
    origin, imported, shown, rankings = json.loads(done.stdout)
    assert origin == "longest_first:LongestFirst"
    assert not imported, "listing plugins must import none of them"
    assert shown == "LongestFirst(shortest=4)"
    assert [next(iter(ranking)) for ranking in rankings.values()] == ["bag-5", "boots-0", "tent-2"]


def test_its_settings_are_checked_like_any_other(installed) -> None:
    build = "from ragbench.plugins import *; build(RETRIEVERS, {!r})"
    assert (
        "has no setting 'shortst'; did you mean 'shortest'?"
        in run(installed, "-c", build.format("longest_first:shortst=4")).stderr
    )
    assert "shortest" in run(installed, "-c", build.format("longest_first:shortest=many")).stderr


def fake_site(folder: Path, entry_points: dict[str, str]) -> Path:
    """What pip leaves behind: a module and its metadata."""
    shutil.copy(PACKAGE / "longest_first.py", folder)
    info = folder / "clashing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clashing\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[ragbench.retrievers]\n{lines}")
    return folder


LIST = "from ragbench.plugins import *; print(list(names(RETRIEVERS)))"


def test_a_built_in_name_taken_again_is_an_error_that_names_both(tmp_path) -> None:
    done = run(fake_site(tmp_path, {"bm25": "longest_first:LongestFirst"}), "-c", LIST)
    assert "two retrievers are called 'bm25': ragbench.retrievers.bm25 and longest_first:LongestFirst" in done.stderr


def test_two_packages_with_one_name_are_an_error(tmp_path, installed) -> None:
    fake_site(tmp_path, {"longest_first": "longest_first:Other"})
    environment = os.pathsep.join([str(tmp_path), str(installed)])
    done = subprocess.run(
        [sys.executable, "-c", LIST],
        env={**os.environ, "PYTHONPATH": environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "two retrievers are called 'longest_first'" in done.stderr


def test_an_entry_point_that_is_no_retriever_is_an_error(tmp_path) -> None:
    site = fake_site(tmp_path, {"wrong": "longest_first:LongestFirstIndex"})
    done = run(site, "-c", "from ragbench.plugins import *; load(RETRIEVERS, 'wrong')")
    assert "entry point 'longest_first:LongestFirstIndex' is not a subclass of Retriever" in done.stderr


def test_an_entry_point_that_leads_nowhere_names_its_package(tmp_path) -> None:
    site = fake_site(tmp_path, {"gone": "no_such_module:Thing"})
    done = run(site, "-c", "from ragbench.plugins import *; load(RETRIEVERS, 'gone')")
    assert "retriever 'gone' of clashing cannot be imported: No module named 'no_such_module'" in done.stderr


def test_listing_here_is_untouched() -> None:
    assert not any(
        point.name == "longest_first" for point in importlib.metadata.entry_points(group="ragbench.retrievers")
    )
