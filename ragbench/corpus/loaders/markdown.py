"""Markdown files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.boundaries import first_title
from ragbench.corpus.loaders.base import FileLoader
from ragbench.io.encoding import read_text
from ragbench.plain_yaml import NotPlain, load_yaml

_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_CHARACTERS = 1 << 16


@dataclass(frozen=True)
class MarkdownLoader(FileLoader):
    """A Markdown file is a document; its text stays Markdown.

    A YAML front matter is removed from the text, and its plain values become metadata. The title comes from the front
    matter, else from the first ``#`` heading.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".md", ".markdown", ".mdown", ".mkd")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The file as one document."""
        text, encoding = read_text(path, name=name, max_bytes=self.max_bytes)
        try:
            text, front = _front_matter(text)
        except NotPlain as error:
            front = {}
            reason = f"it stays part of the text: {error}"
            yield LedgerEntry("load", f"{name} front matter", reason, "front-matter")
        title = front.pop("title", None) or first_title(text)
        yield Document(self.document_id(name), text, str(title), {**front, "encoding": encoding})


def _front_matter(text: str) -> tuple[str, dict[str, object]]:
    """Return the text after the front matter, and its plain values; without front matter, the whole text.

    Raises:
        NotPlain: the front matter has aliases or merge keys, or is nested too deeply.
    """
    import yaml

    match = _FRONT.match(text)
    if match is None or match.end() > _FRONT_CHARACTERS:
        return text, {}
    try:
        front = load_yaml(match.group(1))
    except NotPlain:
        raise
    except (yaml.YAMLError, ValueError, TypeError):
        # A rule drawn with dashes at the top of a file, not front matter.
        return text, {}
    if not isinstance(front, dict):
        return text, {}
    flat: dict[str, object] = {
        str(key): value for key, value in front.items() if isinstance(value, str | int | float | bool)
    }
    return text[match.end() :], flat
