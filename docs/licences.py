"""Write `reference/licences.md` from the metadata of the installed packages.

Run `python docs/licences.py` with every extra installed. A package that is not installed keeps its line, if it is still
pinned. Exit code 1: a licence is not known, or is neither permissive nor excepted here with a reason.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "licences.md"
BASE = "ragbench"
PERMISSIVE = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU",
    "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
})  # fmt: skip
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD", "ISC License (ISCL)": "ISC", "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip
"""SPDX names of what classifiers say. Of the BSD licences they do not say which."""
WORDS = {
    "3-clause bsd license": "BSD-3-Clause", "apache": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause", "mit": "MIT", "mpl-2.0 and mit": "MPL-2.0 AND MIT",
}  # fmt: skip
"""SPDX names of what the free field says, by how it begins."""
STATED = {
    # The file LICENSE in each package says so; its metadata do not.
    "axe-playwright-python": "MIT",
    "pgserver": "Apache-2.0",
    "ranx": "MIT",
    # Only for macOS, and only for Windows.
    "appnope": "BSD-2-Clause",
    "pywin32": "PSF-2.0",
    # Some gigabytes, so they are not installed to write this page.
    "torch": "BSD-3-Clause",
    "triton": "MIT",
}
"""Licences that cannot be read from metadata."""
NVIDIA = re.compile(r"nvidia-.*|cuda-bindings|cuda-toolkit")
NVIDIA_LICENCE = "LicenseRef-NVIDIA"
UNCHANGED = "The licence asks for the source of its own files where they are changed. They are used unchanged."
LIBRARY = "The licence lets other programs use the library. It is used unchanged, and only with the extra `pgvector`."
FOR_TESTS = "Only for tests; no part of it is in ragbench or comes with it."
EXCEPTIONS = {
    "certifi": UNCHANGED,
    "fpdf2": FOR_TESTS,
    "fqdn": FOR_TESTS,
    "hypothesis": FOR_TESTS,
    "orjson": UNCHANGED,
    "pathspec": FOR_TESTS,
    "psycopg": LIBRARY,
    "psycopg-binary": LIBRARY,
    "tqdm": UNCHANGED,
}
"""Why a licence that is not permissive is no hindrance."""
NVIDIA_REASON = "Comes with PyTorch on Linux, for the extras `gpu` and `st`, under NVIDIA's own terms."


UNLOCKED = {"vllm"}
"""Extras that are not locked, since their packages want other versions of those that are. They are not on the page."""


def licence(found: PackageMetadata) -> str:
    """The licence of a package as an SPDX expression where its metadata allow it; empty if they state none."""
    if expression := found.get("License-Expression"):
        return str(expression)
    stated = [text.rsplit(" :: ", 1)[1] for text in found.get_all("Classifier") or [] if text.startswith("License ::")]
    known = [CLASSIFIERS.get(text, text) for text in stated if text != "OSI Approved"]
    if known:
        return " AND ".join(known)
    words = " ".join((found.get("License") or "").split()).lower()
    return next((name for begin, name in WORDS.items() if words.startswith(begin)), "")


def is_permissive(expression: str) -> bool:
    """Whether an SPDX expression lets anybody use and pass on the package without opening other code."""
    if " AND " not in expression and " OR " not in expression:
        # An exception (WITH) only allows more.
        return expression.partition(" WITH ")[0] in {*PERMISSIVE, "BSD"}
    inner = re.fullmatch(r"\((.*)\)", expression)
    if inner and "(" not in inner[1]:
        return is_permissive(inner[1])
    for word, rule in ((" AND ", all), (" OR ", any)):
        parts = _split(expression, word)
        if len(parts) > 1:
            return rule(is_permissive(part) for part in parts)
    return False


def _split(expression: str, word: str) -> list[str]:
    """Split outside of parentheses."""
    parts, depth = [""], 0
    for piece in re.split(rf"({word}|[()])", expression):
        depth += (piece == "(") - (piece == ")")
        if piece == word and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def needed() -> dict[str, set[str]]:
    """The extras that need each package, ``ragbench`` for the package itself. Packages by their normal names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, set[str]] = {}
    optional = {extra: lines for extra, lines in project["optional-dependencies"].items() if extra not in UNLOCKED}
    asked = {BASE: project["dependencies"], **optional}
    for extra, lines in asked.items():
        for name in _closure([Requirement(line) for line in lines], asked):
            found.setdefault(name, set()).add(extra)
    return found


def _closure(wanted: list[Requirement], asked: Mapping[str, list[str]]) -> Iterator[str]:
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        one = wanted.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name == BASE:
            wanted += [Requirement(line) for extra in extras for line in asked[extra]]
            continue
        yield name
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        more = [Requirement(line) for line in lines]
        wanted += [it for it in more if it.marker is None or any(
            it.marker.evaluate({"extra": extra}) for extra in (*extras, "")
        )]  # fmt: skip


def rows() -> dict[str, tuple[str, str]]:
    """Licence and need of each package, by name."""
    kept = read_page()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in _pins()}
    found: dict[str, tuple[str, str]] = {}
    for name, extras in needed().items():
        what = "ragbench" if BASE in extras else ", ".join(sorted(extras - {"all"}) or extras)
        found[name] = (_stated(name, kept), what)
    for name in pinned - set(found):
        what = "gpu, st" if NVIDIA.fullmatch(name) or name == "triton" else "another package, system or Python"
        found[name] = (_stated(name, kept), what)
    return found


def _stated(name: str, kept: Mapping[str, tuple[str, str]]) -> str:
    if NVIDIA.fullmatch(name):
        return NVIDIA_LICENCE
    try:
        return STATED.get(name) or licence(metadata(name)) or "unknown"
    except PackageNotFoundError:
        return kept.get(name, ("unknown", ""))[0]


def reason(name: str) -> str:
    """Why a licence that is not permissive is no hindrance; empty if nobody gave a reason."""
    return NVIDIA_REASON if NVIDIA.fullmatch(name) else EXCEPTIONS.get(name, "")


def _pins() -> list[str]:
    return [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line]


def read_page() -> dict[str, tuple[str, str]]:
    """Licence and need of each package as the page has them."""
    if not PAGE.is_file():
        return {}
    lines = re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (licence_, what) for name, licence_, what in lines}


def faults(found: Mapping[str, tuple[str, str]]) -> list[str]:
    """Packages whose licence is unknown or not permissive, without a reason here."""
    return [
        f"{name}: {expression}"
        for name, (expression, _) in sorted(found.items())
        if not is_permissive(expression) and not reason(name)
    ]


def page(found: Mapping[str, tuple[str, str]]) -> str:
    """The page as Markdown."""
    listed = "\n".join(f"| `{name}` | {expression} | {what} |" for name, (expression, what) in sorted(found.items()))
    excepted: dict[tuple[str, str], list[str]] = {}
    for name, (expression, _) in sorted(found.items()):
        if not is_permissive(expression):
            excepted.setdefault((expression, reason(name)), []).append(f"`{name}`")
    reasons = "\n".join(f"| {', '.join(names)} | {what} | {why} |" for (what, why), names in excepted.items())
    return f"""# Licences of dependencies

ragbench is under the Apache License 2.0. `pip install ragbench` brings the packages of the rows `ragbench` below; an
extra brings more. The wheel of ragbench holds none of them: each is installed from its own package.

The licences come from the metadata of the packages. `BSD` is a BSD licence whose metadata do not say which.
`python docs/licences.py` writes this page anew.

## Not permissive

A test refuses other licences, unless there is a reason here.

| packages | licence | why it is no hindrance |
|---|---|---|
{reasons}

## All

| package | licence | for |
|---|---|---|
{listed}
"""


def main() -> None:
    """Write the page."""
    found = rows()
    PAGE.write_text(page(found), encoding="utf-8")
    if wrong := faults(found):
        sys.exit("\n".join(["not permissive, and no reason in docs/licences.py:", *wrong]))


if __name__ == "__main__":
    main()
