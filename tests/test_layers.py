"""Imports flow one way: the list below is the map of the house."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "ragbench"

ROWS = [
    {"core"},
    {"plugins", "io", "engines"},
    {"corpus", "metrics", "stats", "models"},
    {"retrievers", "golden", "answers"},
    {"tasks", "harness"},
    {"report"},
    {"api", "testing", "view"},
    {"cli"},
]
ROW = {room: number for number, row in enumerate(ROWS) for room in row}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            modules = [
                f"{node.module}.{alias.name}" if node.module == "ragbench" else node.module or ""
                for alias in node.names
            ]
        rooms |= {module.split(".")[1] for module in modules if module.startswith("ragbench.")}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_flow_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in ROW, f"{room} has no place in the house"
    for other in imported_rooms(path) - {room}:
        assert ROW[other] < ROW[room], f"{path.relative_to(PACKAGE)} ({room}) imports {other}"


def test_core_needs_only_numpy() -> None:
    allowed = {"ragbench", "numpy"}
    import sys

    for path in (PACKAGE / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path.name} imports {name}"
