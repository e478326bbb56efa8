"""Every notebook runs, and shows what is stored in it."""

import html
import math
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
import pytest

from notebooks.execute import FOLDER, VARIES, execute, names

NOTEBOOKS = names()
QUICK = "05_wattbot.ipynb"
"""The one that `make test` runs; `make test-all` runs all of them."""
EMBEDDING = ("01", "02", "03")
"""These use the int8 embedder, whose arithmetic differs between processors in the third digit."""
ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|work|Users|mnt|private|workspace)\b|[A-Za-z]:\\\\")
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e-?\d+)?")
HASHED = re.compile(r"\bdata-[0-9a-f]{32}\b")
"""Altair calls data by a hash of them."""
CHART = "application/vnd.vegalite.v6+json"
LARGEST, LARGEST_TOGETHER = 400_000, 1_500_000


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that is empty before the first notebook."""
    return tmp_path_factory.mktemp("cache")


def stored(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / name, as_version=4)


def code(notebook: nbformat.NotebookNode) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def shown(output: Any) -> dict[str, Any]:
    """What is compared of an output: text and charts, not their pictures."""
    if output.output_type == "stream":
        return {output.name: output.text}
    return {kind: value for kind, value in output.data.items() if kind != "image/png"}


def leaves(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything in a chart or text."""
    if isinstance(thing, dict):
        for key in sorted(thing):
            yield from leaves(thing[key], f"{path}/{HASHED.sub('data', key)}")
    elif isinstance(thing, list):
        for at, value in enumerate(thing):
            yield from leaves(value, f"{path}/{at}")
    else:
        yield path, HASHED.sub("data", thing) if isinstance(thing, str) else thing


def near(ours: float, theirs: float) -> bool:
    """Means within .01, with room for tests and intervals; counts by a few, for a query may change sides."""
    return math.isclose(ours, theirs, rel_tol=0, abs_tol=0.02 if abs(ours) < 1 else max(2, 0.06 * abs(ours)))


def same_text(ours: str, theirs: str) -> bool:
    """The same words around numbers that are near."""
    ours, theirs = (html.unescape(text).replace("<.", ".").replace("< .", ".") for text in (ours, theirs))
    if NUMBER.sub("#", ours) != NUMBER.sub("#", theirs):
        return False
    pairs = zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True)
    return all(near(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs)


def same_value(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, str) and isinstance(theirs, str):
        return same_text(ours, theirs)
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (ours, theirs)]
    return near(ours, theirs) if all(numbers) else bool(ours == theirs)


def differences(ours: Any, theirs: Any, *, exact: bool) -> list[str]:
    """Where they differ; none where they show the same."""
    found = []
    for (path, a), (other, b) in zip_longest(leaves(ours), leaves(theirs), fillvalue=("nothing", None)):
        if path != other:
            return [*found, f"{path} is here where {other} was"]
        if not (a == b if exact else same_value(a, b)):
            found.append(f"{path}: {a!r} is not {b!r}")
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in NOTEBOOKS]
)
def test_a_notebook_shows_what_is_stored_in_it(name: str, tmp_path: Path, empty: Path) -> None:
    fresh = nbformat.reads(nbformat.writes(execute(name, tmp_path / "repository", empty)), as_version=4)
    exact = not name.startswith(EMBEDDING)
    for ours, theirs in zip(code(fresh), code(stored(name)), strict=True):
        where = f"{name}, cell {theirs.id}"
        assert [o.output_type for o in ours.outputs] == [o.output_type for o in theirs.outputs], where
        assert not [o for o in ours.outputs if o.output_type == "error" or o.get("name") == "stderr"], where
        if VARIES in theirs.metadata.get("tags", ()):
            continue
        for a, b in zip(ours.outputs, theirs.outputs, strict=True):
            assert not differences(shown(a), shown(b), exact=exact), where


def test_there_are_seven_and_only_times_vary() -> None:
    assert [name[:2] for name in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06", "07"]
    varying = [
        (name[:2], cell.source)
        for name in NOTEBOOKS
        for cell in code(stored(name))
        if VARIES in cell.metadata.get("tags", ())
    ]
    assert varying == [("03", "evaluation.plot.tradeoff()")]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_small_and_tells_nothing_of_the_machine(name: str) -> None:
    notebook = stored(name)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert not set(cell.metadata) - {"tags"}
        assert not ABSOLUTE.search(cell.source), cell.id
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run it with notebooks/execute.py"
    for cell in code(notebook):
        for output in cell.outputs:
            for path, value in leaves(shown(output)):
                assert not ABSOLUTE.search(str(value)), f"{cell.id}{path}"
            if output.output_type != "stream" and CHART in output.data:
                assert output.data["image/png"], "front ends without Vega-Lite need a picture"
    assert (FOLDER / name).stat().st_size < LARGEST


def test_all_together_are_small() -> None:
    assert sum((FOLDER / name).stat().st_size for name in NOTEBOOKS) < LARGEST_TOGETHER


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_teaches_in_small_steps(name: str) -> None:
    notebook = stored(name)
    assert notebook.cells[0].source.startswith("# ")
    assert any("not to" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for cell in code(notebook):
        assert len(cell.source.splitlines()) <= 32, cell.id


def test_links_of_notebooks_lead_somewhere() -> None:
    for name in NOTEBOOKS:
        for cell in stored(name).cells:
            for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", cell.source if cell.cell_type == "markdown" else ""):
                assert "://" in link or (FOLDER / link).exists(), f"{name} links to {link}"
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\d_\w+\.ipynb)\)", page) == NOTEBOOKS


def test_the_comparison_sees_a_difference() -> None:
    assert same_text("ndcg .661 [.609, .709], p < .001", "ndcg .664 [.612, .705], p .002")
    assert not same_text("ndcg .661", "ndcg .690")
    assert not same_text("hybrid is better by .661", "dense is better by .661")
    chart = {"data": {"name": "data-0123456789abcdef0123456789abcdef"}, "x": [1, 0.5]}
    assert not differences(chart, {"x": [1, 0.505], "data": {"name": "data-" + 32 * "f"}}, exact=False)
    assert differences(chart, {**chart, "x": [1, 0.53]}, exact=False) == ["/x/1: 0.5 is not 0.53"]
    assert differences(chart, {**chart, "x": [1, 0.5001]}, exact=True) == ["/x/1: 0.5 is not 0.5001"]
    assert differences(chart, {**chart, "x": [1]}, exact=False) == ["/x/1 is here where nothing was"]
    assert ABSOLUTE.search("written to /home/me/x")
    assert ABSOLUTE.search("'/tmp/x'")
    assert not ABSOLUTE.search("../tmp/x and http://example.org/home and and/or")
