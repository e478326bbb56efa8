"""The visible text of an HTML page, in one pass and without a tree.

Real pages are broken, and hostile ones are made to be slow: a parser that keeps a tree takes minutes for 12 MB of
``<div>``. Each character is looked at a fixed number of times here, and an open element is a name in a list.

Source: WHATWG, HTML Living Standard, section 13.2.5 (tokenization). Two deviations keep text that a browser drops: an
element with ``/>`` is closed, as XHTML writes it, and a tag that never ends is text.
"""

import re
import sys
from collections import Counter
from html import unescape
from typing import NamedTuple

_DROPPED = frozenset(
    ("script", "style", "nav", "noscript", "template", "iframe", "svg", "canvas", "object", "title", "button",
     "rt", "rp")
)  # fmt: skip
_GAP_OF = {
    **dict.fromkeys(
        ("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
         "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
         "html", "main", "ol", "p", "pre", "section", "summary", "table", "ul"), "\n\n",
    ),
    **dict.fromkeys(("br", "li", "tr", "caption", "thead", "tbody", "option"), "\n"),
    **dict.fromkeys(("td", "th"), "\t"),
}  # fmt: skip
"""White space before and after an element; none for the others."""
_VOID = frozenset(
    ("area", "base", "basefont", "bgsound", "br", "col", "command", "embed", "frame", "hr", "image", "img", "input",
     "isindex", "keygen", "link", "menuitem", "meta", "nextid", "param", "source", "spacer", "track", "wbr")
)  # fmt: skip
_PREFORMATTED = frozenset(("pre", "textarea"))
_RAW = frozenset(("script", "style", "textarea", "title"))
"""Elements in which only their own end tag is markup."""
_GAPS = ("", " ", "\t", "\n", "\n\n")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
# Possessive, so that no input makes them go back.
_ATTRIBUTE = (
    r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
)  # fmt: skip
_TAG = re.compile(rf"<(/?)([a-zA-Z][^\s/>]*+)((?:{_ATTRIBUTE.replace('([^', '(?:[^')})*+)([\s/]*+)>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_COMMENT_END = re.compile(r"--!?>")
_MARKUP = re.compile(r"<(?:(/?[a-zA-Z])|[!?/])")
_DATA = "<![CDATA["


class PageText(NamedTuple):
    """The text that a reader sees, and the title."""

    text: str
    title: str


def page_text(source: str) -> PageText:
    """The visible text of a page, with paragraph breaks kept, and its title.

    Example:
        >>> page_text("<title>Tents</title><nav>Home</nav><h1>Tents</h1><ul><li>Tarnfell<li>Kestrel</ul>")
        PageText(text='Tents\\n\\nTarnfell\\nKestrel', title='Tents')
    """
    page = _Page(source)
    page.read()
    return PageText("".join(page.parts).strip(), _SPACES.sub(" ", page.title or "").strip())


class _Page:
    """A page while it is read: the open elements, and the text so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.title: str | None = None
        self._gap = ""
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        # Depths at which the outermost element without visible text, and with kept white space, was opened; 0 for none.
        self._hidden_at = 0
        self._kept_at = 0

    def read(self) -> None:
        """Read the whole page."""
        source, at, start = self.source, 0, 0
        data_ends = True
        while found := _MARKUP.search(source, at):
            at = found.start()
            tag = _TAG.match(source, at) if found[1] else None
            if found[1] and tag is None:
                break
            self._write(source[start:at])
            stop = source.find("]]>", at) if data_ends and source.startswith(_DATA, at) else 0
            data_ends = data_ends and stop >= 0
            if tag is not None:
                at = self._tag(tag)
            elif stop > 0:
                self._write(source[at + len(_DATA) : stop], plain=True)
                at = stop + len("]]>")
            else:
                at = self._after_comment(at)
            start = at
        self._write(source[start:])

    def _after_comment(self, at: int) -> int:
        """The end of a comment, a declaration or an instruction; that of the page if it never ends."""
        source = self.source
        if source.startswith(("<!-->", "<!--->"), at):
            return source.index(">", at) + 1
        if source.startswith("<!--", at):
            found = _COMMENT_END.search(source, at + len("<!--"))
            return found.end() if found else len(source)
        stop = source.find(">", at)
        return stop + 1 if stop >= 0 else len(source)

    def _tag(self, tag: re.Match[str]) -> int:
        """Open or close an element. Returns where the page goes on."""
        name = sys.intern(tag[2].lower())
        if tag[1]:
            self._close(name)
            return tag.end()
        self._enter(name, tag[3])
        if name in _VOID or tag[4].endswith("/"):
            self._close(name)
            return tag.end()
        return self._raw(name, tag.end()) if name in _RAW else tag.end()

    def _raw(self, name: str, start: int) -> int:
        found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self.source, start)
        stop = found.start() if found else len(self.source)
        if name == "title" and self.title is None:
            self.title = _unescaped(self.source[start:stop])
        elif name == "textarea":
            self._write(self.source[start:stop])
        return stop

    def _enter(self, name: str, attributes: str) -> None:
        self._open.append(name)
        self._count[name] += 1
        if self._hidden_at:
            return
        if name in _DROPPED or ("hidden" in attributes.lower() and _has_hidden(attributes)):
            self._hidden_at = len(self._open)
            return
        if name in _PREFORMATTED and not self._kept_at:
            self._kept_at = len(self._open)
        self._leave(_GAP_OF.get(name, ""))

    def _close(self, name: str) -> None:
        """Close an element, and those within it that are still open; nothing if it is not open."""
        if not self._count[name]:
            return
        closed = ""
        while closed != name:
            closed, depth = self._open.pop(), len(self._open)
            self._count[closed] -= 1
            if self._hidden_at > depth:
                self._hidden_at = 0
            elif not self._hidden_at:
                self._leave(_GAP_OF.get(closed, ""))
            if self._kept_at > depth:
                self._kept_at = 0

    def _write(self, text: str, *, plain: bool = False) -> None:
        """Add text. Runs of white space become one blank, and breaks are as wide as the widest asked for."""
        if not text or self._hidden_at:
            return
        text = text if plain else _unescaped(text)
        if self._kept_at:
            self._add(text if self.parts and not self._gap else text.lstrip("\n"))
            return
        words = _SPACES.sub(" ", text)
        if words.startswith(" "):
            self._leave(" ")
        self._add(words.strip(" "))
        if words.endswith(" "):
            self._leave(" ")

    def _add(self, text: str) -> None:
        if text:
            self.parts += [self._gap, text]
            self._gap = ""

    def _leave(self, gap: str) -> None:
        """Ask for at least this much white space before the next text."""
        if self.parts and _GAPS.index(gap) > _GAPS.index(self._gap):
            self._gap = gap


def _has_hidden(attributes: str) -> bool:
    return any(found[1].lower() == "hidden" for found in _ATTRIBUTES.finditer(attributes))


def _unescaped(text: str) -> str:
    try:
        return unescape(text) if "&" in text else text
    except ValueError:  # the number of a character with thousands of digits
        return text
