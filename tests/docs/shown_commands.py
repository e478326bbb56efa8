"""The ``ragbench`` lines that the pages show, and what they print."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs" / "_hooks"))
SHELLS = ("", "console", "sh", "bash")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", flags=re.DOTALL | re.MULTILINE)


class Shown(NamedTuple):
    """A command of a page: the language of its block, its line, and what the page says it prints."""

    page: str
    language: str
    line: str
    printed: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "reports" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix().removeprefix("docs/")


def shown_in(page: Path) -> Iterator[Shown]:
    """Commands in order. Output belongs to the last command of the block before it."""
    for language, block, printed in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language not in SHELLS:
            continue
        lines = [line.strip().removeprefix("$ ") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
        lines = [line for line in lines if line.startswith("ragbench ")]
        for at, line in enumerate(lines, 1):
            yield Shown(name_of(page), language, line, printed if at == len(lines) else "")


def alike(shown: str, printed: str) -> bool:
    """Lines of the same words; numbers may differ as vectors in int8 differ between processors."""
    parts = r"([-+]?\d*\.\d+|\d+)"
    ours, theirs = re.split(parts, shown.rstrip()), re.split(parts, printed.rstrip())
    if ours[::2] != theirs[::2]:
        return False
    pairs = zip(ours[1::2], theirs[1::2], strict=True)
    return all(abs(float(a) - float(b)) <= (0.011 if "." in a else 3) for a, b in pairs)


def holds(printed: str, shown: str) -> str:
    """The first line that is shown but not printed, in order; empty if there is none. ``...`` stands for any lines."""
    rest = printed.splitlines()
    free = False
    for line in shown.splitlines():
        if line == "...":
            free = True
            continue
        at = next((at for at, one in enumerate(rest) if alike(line, one)), None)
        if at is None or (at and not free):
            return line
        rest, free = rest[at + 1 :], False
    return ""
