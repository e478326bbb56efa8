"""The texts of the project use the words of the field.

The words on the left of `FORBIDDEN` belonged to a private vocabulary that nobody outside the
project could know. This test looks for them in everything that a user or a maintainer reads:
documentation, notebooks, dataset cards, docstrings, comments, and the string literals of the
package, its scripts and its pages.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBIDDEN = {
    "masked (inverse cloze task)": r"\b(un)?struck\b|\bstrik(e|es|ing)\b",
    "human queries": r"\bpeople['’]s (own )?(quer|question)|\bwritten quer|\bquer(y|ies) (that )?people (wrote|write)",
    "annotators": r"\bpeople (who )?(label|judge|annotat)|\blabels? (of|by|from) people|\bpeople['’]s (label|judg)",
    "reported": r"\btold\b|\b(is|are) telling\b|\bcan tell and\b",
    "issue log": r"\bledgers?\b",
    "degraded": r"\blessen",
    "project labels": r"\b(lay|lays|laid|laying) (\w+ ){0,3}over\b",
    "skipped (by ragbench) or excluded (by the user)": r"\bleft out\b|\b(leaves|leaving) (\w+ )?out\b",
    "architecture, package or layer": r"\bhouses?\b|\brooms\b|\b(its|own|one|each|this|which|every) room\b",
    "best on the synthetic set": r"\bbest by what is\b",
    "Notes": r"(?-i:\bTo know\b)",
    "distinguishable from": r"\b(told|tell|tells|telling) (\w+ )?from\b",
    "p50, p95": r"\bmedian ms\b|\b95 ?% ms\b",
    "context-dependent": r"\b(lean|leans|leaned|leaning) on\b|\bleaning\b",
    "known-item queries (Azzopardi et al. 2007)": r"\bknown-item model",
}
PATTERN = re.compile("|".join(f"(?P<w{n}>{pattern})" for n, pattern in enumerate(FORBIDDEN.values())), re.IGNORECASE)

# Texts that may hold such a word, as (file, text around the word).
ALLOWED = {
    # What outputs said before.
    ("CHANGELOG.md", 'where they said "left out"'),
    # Keys of results.json.
    ("docs/reference/results-json.md", "unscored ledger the issue log"),
    # Prompts are part of the keys of stored answers: an edit would pay for every answer again.
    ("ragbench/retrievers/_query_prompts.py", "politeness and filler left out"),
}

CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)[^`]+?\1(?!`)")
# An attribute or argument in a docstring, an attribute in a message, and the file of issues.
ATTRIBUTE = re.compile(r"(?m)^ *ledger: |\.ledger\b|\bledger\.jsonl\b|\bLedger(Entry)?\b(?= \||$)|\"ledger\"")
SCRIPT_TEXT = re.compile(r"/\*.*?\*/|//[^\n]*|\{#.*?#\}|<!--.*?-->|\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`", re.DOTALL)


def python_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments, docstrings and the literals that are text: those with a space in them."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def script_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments and strings with a space of JavaScript and CSS."""
    for match in SCRIPT_TEXT.finditer(source):
        if " " in match[0]:
            yield source.count("\n", 0, match.start()) + 1, match[0]


def notebook_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield Markdown cells and the comments of code cells, each with the number of its cell."""
    for number, cell in enumerate(json.loads(source)["cells"], 1):
        if cell["cell_type"] == "markdown":
            yield number, "".join(cell["source"])
        else:
            yield from ((number, "#" + line.partition("#")[2]) for line in cell["source"])


def unreleased_changes(source: str) -> str:
    return source.partition("\n## Unreleased")[2].partition("\n## ")[0]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".py":
            yield from python_texts(source)
        case ".ipynb":
            yield from notebook_texts(source)
        case ".js" | ".css":
            yield from script_texts(source)
        case _:
            yield 1, unreleased_changes(source) if path.name == "CHANGELOG.md" else source


def files_to_read() -> list[Path]:
    roots = ["ragbench", "docs", "notebooks", "datasets", "reports", "benchmarks"]
    kinds = {".py", ".md", ".js", ".css", ".j2", ".yml", ".yaml", ".ipynb"}
    found = [path for root in roots for path in (ROOT / root).rglob("*") if path.suffix in kinds]
    found += [ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "mkdocs.yml", "pyproject.toml")]
    # The documents of the sample data are texts to search, not texts about ragbench.
    return sorted(path for path in found if not {"authoring", "sources"} & set(path.parts))


def private_words(path: Path, name: str) -> Iterator[str]:
    for line, text in texts(path):
        plain = ATTRIBUTE.sub(blank, CODE_SPAN.sub(blank, text))
        for match in PATTERN.finditer(plain):
            around = " ".join(text[max(0, match.start() - 40) : match.end() + 40].split())
            if any(name == file and allowed in around for file, allowed in ALLOWED):
                continue
            place = f"cell {line}" if path.suffix == ".ipynb" else line + text.count("\n", 0, match.start())
            better = list(FORBIDDEN)[int((match.lastgroup or "w0")[1:])]
            yield f"{name}:{place}: write '{better}' instead of '{match[0]}': ...{around}..."


def blank(match: re.Match[str]) -> str:
    """Cover what is code, without moving what follows it."""
    return re.sub(r"[^\n]", " ", match[0])


def test_texts_use_the_words_of_the_glossary() -> None:
    found = [finding for path in files_to_read() for finding in private_words(path, path.relative_to(ROOT).as_posix())]
    assert not found, "\n".join(["Words of the glossary's left column:", *found])


@pytest.mark.parametrize(
    ("suffix", "source", "words"),
    [
        (".md", "A sentence is struck; see `struck` and `ledger.jsonl`.", 1),
        (".md", "Left out: rows that people wrote. The striking point is in the ledger.", 3),
        (".py", '"""What is told."""\nledger = {"ledger": 1}  # the ledger\n', 2),
        (".py", 'class Scores:\n    """Scores.\n\n    Attributes:\n        ledger: the reasons.\n    """\n', 0),
        (".js", "// a lessened run\nconst ledger = 'median ms'; /* To know */", 3),
        (".ipynb", '{"cells": [{"cell_type": "code", "source": ["ledger = 1  # its ledger\\n"]}]}', 1),
    ],
)
def test_private_words_are_found_in_texts_and_not_in_code(tmp_path: Path, suffix: str, source: str, words: int) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_text(source, encoding="utf-8")
    assert len(list(private_words(path, path.name))) == words
