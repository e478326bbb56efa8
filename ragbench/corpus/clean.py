"""HTML in the cells of a catalogue: find it, and turn it into the text that a reader sees.

Shops export descriptions with markup: ``<p>Tent&nbsp;for <b>two</b></p>``. The tags would be words of the search, and
``&nbsp;`` a part of them. Only names of HTML elements count as tags, so ``List<String>`` and ``a < b`` stay.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import unescape
from typing import Literal, NamedTuple

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._page import page_text

Clean = Literal["html"]
"""What is cleaned."""

_LINES = (
    "address|article|aside|blockquote|br|caption|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|"
    "form|h1|h2|h3|h4|h5|h6|header|hr|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
"""Elements that set lines apart."""
_NAMES = (
    f"{_LINES}|a|abbr|acronym|b|bdi|bdo|big|body|button|canvas|cite|code|col|colgroup|data|del|dfn|em|embed|font|head|"
    "html|i|iframe|img|input|ins|kbd|label|link|map|mark|meta|noscript|object|option|param|picture|q|rp|rt|ruby|s|samp|"
    "script|select|small|source|span|strike|strong|style|sub|sup|svg|template|textarea|time|tt|u|var|video|wbr"
)
_TAG = re.compile(rf"</?(?:{_NAMES})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_LINE_TAG = re.compile(rf"</?(?:{_LINES})(?=[\s/>])", re.IGNORECASE)
_CLOSING = re.compile(rf"</(?:{_NAMES})\s*>|<br\s*/?>", re.IGNORECASE)
_OTHER_TAG = re.compile(rf"<(?!/?(?:{_NAMES})(?=[\s/>])|[!?])", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")


class Html(NamedTuple):
    """How much HTML a text has.

    Attributes:
        tags: tags and comments.
        entities: characters that are written as ``&name;``.
    """

    tags: int
    entities: int

    def __bool__(self) -> bool:
        return bool(self.tags or self.entities)


def html_in(text: str) -> Html:
    """The tags and entities in a text.

    Examples:
        >>> html_in("<b>Tent</b> for 2&nbsp;people, R&D, List<String>, 3 < 4")
        Html(tags=2, entities=1)
    """
    tags = len(_TAG.findall(text)) + min(text.count("<!--"), text.count("-->")) if "<" in text else 0
    entities = sum(unescape(one) != one for one in _ENTITY.findall(text)) if "&" in text else 0
    return Html(tags, entities)


def without_html(text: str) -> str:
    r"""The text that a reader of the HTML sees; a text without HTML stays as it is.

    Paragraphs and lines of the markup become lines. Markup that is written as entities (``&lt;p&gt;``) is markup too
    if it has a closing tag.

    Examples:
        >>> without_html("<p>Tent&nbsp;for <b>two</b></p><ul><li>2.1 kg<li>red</ul>")
        'Tent for two\n\n2.1 kg\nred'
        >>> without_html("R&D for List<String>")
        'R&D for List<String>'
    """
    found = html_in(text)
    if not found:
        return text
    if not found.tags:
        plain = _ENTITY.sub(lambda entity: unescape(entity[0]), text).replace("\xa0", " ")
        return without_html(plain) if _CLOSING.search(plain) else plain
    kept = _OTHER_TAG.sub("&lt;", text)
    if not _LINE_TAG.search(kept):
        kept = kept.replace("\n", "<br>")  # these lines are those of the text, not of its markup
    return page_text(kept).text.replace("\xa0", " ")


@dataclass(frozen=True)
class Cleaned:
    """What was cleaned.

    Attributes:
        documents: documents with HTML in title, text or metadata.
        tags: tags and comments in them.
        entities: characters that were written as entities.
    """

    documents: int = 0
    tags: int = 0
    entities: int = 0


def clean_documents(documents: Iterable[Document]) -> tuple[list[Document], Cleaned, list[LedgerEntry]]:
    """Documents with HTML removed from title, text and metadata.

    A document whose text was markup alone gets its title as text, as the loaders of tables do it; without a title it is
    skipped.

    Returns:
        The documents, what was cleaned, and an entry for each document that is skipped.
    """
    kept: list[Document] = []
    skipped: list[LedgerEntry] = []
    changed = tags = entities = 0
    for document in documents:
        cells = [document.title, document.text, *_texts(dict(document.metadata))]
        found = [html for html in map(html_in, cells) if html]
        if not found:
            kept.append(document)
            continue
        changed += 1
        tags += sum(html.tags for html in found)
        entities += sum(html.entities for html in found)
        title = " ".join(without_html(document.title).split())
        text = without_html(document.text)
        if not text.strip():
            title, text = "", title
        if text:
            metadata = {key: _cleaned(value) for key, value in document.metadata.items()}
            kept.append(replace(document, title=title, text=text, metadata=metadata))
        else:
            skipped.append(LedgerEntry("load", document.id, "the document has no text besides HTML", "no-text"))
    return kept, Cleaned(changed, tags, entities), skipped


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return without_html(value)
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value
