"""Imports flow one way: the list below is the map of the code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "ragbench"

ROWS = [
    {"core"},
    {"plain_yaml"},
    {"plugins"},
    {"io", "metrics", "stats"},
    {"corpus", "models"},
    {"engine", "engines"},
    {"retrievers", "golden", "answers", "cloud"},
    {"comparison", "learning"},
    {"render"},
    {"workflows"},
    {"api", "view", "testing", "mcp_server"},
    {"cli", "pytest_plugin"},
    {"__main__"},
]
ROW = {package: number for number, row in enumerate(ROWS) for package in row}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_packages(path: Path) -> set[str]:
    packages = set()
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
        packages |= {module.split(".")[1] for module in modules if module.startswith("ragbench.")}
    return packages


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_flow_one_way(path: Path) -> None:
    package = package_of(path)
    assert package in ROW, f"{package} has no place in the architecture"
    for other in imported_packages(path) - {package}:
        assert ROW[other] < ROW[package], f"{path.relative_to(PACKAGE)} ({package}) imports {other}"


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
