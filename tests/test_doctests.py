"""Each public name has an example that runs, so does every other example, and docstrings refer to what exists."""

import doctest
import importlib
import inspect
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ragbench as rb

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ragbench"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
WITHOUT: dict[str, str] = {}
"""Names that cannot have an example that runs, and why."""


def public() -> dict[str, Any]:
    """The public names, those of a namespace such as ``rb.baseline`` included."""
    found: dict[str, Any] = {}
    for name in rb.__all__:
        value = getattr(rb, name)
        if isinstance(value, ModuleType):
            inside = {f"{name}.{one}": getattr(value, one) for one in dir(value)}
            found |= {key: one for key, one in inside.items() if getattr(one, "__name__", "") == key}
        else:
            found[name] = value
    return found


NAMES = sorted(public())
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def _cache(cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGBENCH_CACHE", str(cache))
        yield


@pytest.fixture
def folder(tmp_path: Path, _cache: None) -> Iterator[Path]:
    """A folder like the root of a checkout: examples read the sample data and the example report."""
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    shutil.copytree(ROOT / "reports" / "example", tmp_path / "reports" / "example")
    with chdir(tmp_path):
        yield tmp_path


def failures(tests: list[doctest.DocTest]) -> str:
    """What the examples print instead of what they should; empty if all are right."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    for test in tests:
        runner.run(test, out=said.append)
    return "".join(said)


def example(name: str, value: object) -> doctest.DocTest:
    text = inspect.getdoc(value) or ""
    return doctest.DocTestParser().get_doctest(text, {"rb": rb}, f"rb.{name}", None, 0)


def sources(test: doctest.DocTest) -> list[str]:
    return [one.source for one in test.examples]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT])
def test_a_public_name_has_an_example_that_runs(name: str, folder: Path) -> None:
    test = example(name, public()[name])
    assert test.examples, f"rb.{name} has no example: add an 'Examples:' section with >>> lines to its docstring"
    assert not failures([test])


@pytest.mark.parametrize("module", MODULES)
def test_examples_elsewhere_run(module: str, folder: Path) -> None:
    found = importlib.import_module(module)
    tests = doctest.DocTestFinder().find(found, extraglobs={"rb": rb})
    # A call takes its example from the function that does its work, and that example has run already.
    known = [sources(example(name, value)) for name, value in public().items()]
    assert not failures([test for test in tests if sources(test) not in known])


def test_the_exceptions_are_public() -> None:
    assert set(WITHOUT) <= set(NAMES)


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if part in getattr(value, "__dataclass_fields__", {}):
                return True
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def test_docstrings_refer_to_names_that_exist() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r"`(ragbench(?:\.\w+)+)", path.read_text(encoding="utf-8"))
    }
    assert len(found) > 50
    assert not sorted((path, name) for path, name in found if not exists(name))
