"""What decides a ranking besides settings: the code and the libraries that rank."""

import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from ragbench.core.fingerprint import fingerprint_texts

RANKING_LIBRARIES = ("ragbench", "bm25s", "PyStemmer", "faiss-cpu", "onnxruntime", "tokenizers", "numpy")
"""Their versions are part of a stored run's key: another version may rank otherwise."""

RANKING_CODE = (
    "core/*.py",
    "io/vectors.py",
    "io/token_vectors.py",
    "models/embed/*.py",
    "models/rerank/*.py",
    "retrievers/*.py",
    "harness/*.py",
)
"""What ranks and measures."""


@lru_cache
def code_fingerprint(module: str) -> str:
    """Fingerprint of the source of the retriever's module and of ragbench's own rooms that rank and measure.

    So that a run computed by other code is never taken for a run of this one.
    Empty for a module without a file, such as a notebook: its runs cannot be kept.
    """
    found = getattr(sys.modules.get(module), "__file__", None)
    if found is None or not Path(found).is_file():
        return ""
    package = Path(str(files("ragbench")))
    paths = sorted({path for pattern in RANKING_CODE for path in package.glob(pattern)})
    if Path(found) not in paths:
        paths.append(Path(found))
    return fingerprint_texts(path.read_text(encoding="utf-8") for path in paths)


def library_versions() -> dict[str, str]:
    """Installed version of each library that ranks."""
    return {name: _version(name) for name in RANKING_LIBRARIES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
