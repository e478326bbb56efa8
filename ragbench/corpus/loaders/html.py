"""HTML pages."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import FileLoader
from ragbench.io.encoding import decode, read_bounded

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_DROPPED_WORDS = "script style nav noscript template iframe svg canvas object title button"
_DROPPED = frozenset(_DROPPED_WORDS.split())
_PARAGRAPHS_WORDS = """
address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form
h1 h2 h3 h4 h5 h6 header hr html main ol p pre section summary table ul
"""
_PARAGRAPHS = frozenset(_PARAGRAPHS_WORDS.split())
_LINES_WORDS = "br li tr caption thead tbody option"
_LINES = frozenset(_LINES_WORDS.split())
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_GAPS = ("", " ", "\t", "\n", "\n\n")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")


@dataclass(frozen=True)
class HtmlLoader(FileLoader):
    """A page is a document: its visible text, without scripts, styles and navigation.

    Paragraphs, headings and tables are set apart by a blank line, list items and
    rows by a line end, cells by a tab; ``<pre>`` keeps its white space.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The page as one document."""
        from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning

        content = read_bounded(path, name=name, max_bytes=self.max_bytes)
        source, encoding = _decode_page(content, name)
        try:
            # XHTML, and a page that is a single address, are read all the same.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
                warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
                # The parser of the standard library: the same result wherever ragbench runs.
                page = BeautifulSoup(source, "html.parser")
        except (RecursionError, AssertionError, ValueError) as error:
            raise InputError(f"{name}: cannot be parsed as HTML ({type(error).__name__}: {error})") from error
        title = _SPACES.sub(" ", page.title.get_text() if page.title else "").strip()
        yield Document(self.document_id(name), visible_text(page), title, {"encoding": encoding})


def _decode_page(content: bytes, name: str) -> tuple[str, str]:
    """As for any text, but what the page declares is believed where it fits the bytes."""
    declared = _DECLARED.search(content[:4096])
    text, encoding = decode(content, name)
    if declared is None or encoding.startswith("utf"):
        return text, encoding
    word = declared.group(1).decode("ascii").lower()
    # Browsers read latin-1 as cp1252, and so does `decode`.
    if word in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252", "cp1252"}:
        return text, encoding
    try:
        return content.decode(word).replace("\r\n", "\n"), word
    except (LookupError, UnicodeDecodeError):
        return text, encoding


class _Writer:
    """Collects text; white space runs become one blank, and breaks are as wide as the widest asked for."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.gap = ""

    def leave(self, gap: str) -> None:
        """Ask for at least this much white space before the next text."""
        if self.parts and _GAPS.index(gap) > _GAPS.index(self.gap):
            self.gap = gap

    def write(self, text: str, *, preformatted: bool) -> None:
        """Add the text of one node."""
        if preformatted:
            self._add(text if self.parts and not self.gap else text.lstrip("\n"))
            return
        words = _SPACES.sub(" ", text)
        if words.startswith(" "):
            self.leave(" ")
        self._add(words.strip(" "))
        if words.endswith(" "):
            self.leave(" ")

    def _add(self, text: str) -> None:
        if text:
            self.parts += [self.gap, text]
            self.gap = ""


def visible_text(page: "BeautifulSoup") -> str:
    """The text a reader sees, with paragraph breaks kept.

    Walks with a stack of its own: hostile pages nest deeper than Python recurses.
    """
    from bs4 import CData, NavigableString

    out = _Writer()
    stack: list[tuple[Any, bool, bool]] = [(page, False, False)]
    while stack:
        node, preformatted, leaving = stack.pop()
        if isinstance(node, NavigableString):
            if type(node) in (NavigableString, CData):
                out.write(str(node), preformatted=preformatted)
            continue
        if node.name in _DROPPED or node.has_attr("hidden"):
            continue
        if node.name in _PARAGRAPHS:
            out.leave("\n\n")
        elif node.name in _LINES:
            out.leave("\n")
        elif node.name in ("td", "th"):
            out.leave("\t")
        if leaving:
            continue
        inside = preformatted or node.name in ("pre", "textarea")
        stack.append((node, preformatted, True))
        stack.extend((child, inside, False) for child in reversed(node.contents))
    return "".join(out.parts).strip()
