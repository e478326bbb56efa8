"""Find quoted evidence in a document.

Three searches follow each other. The first is exact. The second compares words: it ignores white space, punctuation,
quotation marks, case, accents and compatibility forms (ligatures, full-width letters), keeps a dot or comma between
digits, and matches whole words only. The third also joins words that a hyphen breaks at the end of a line. Time and
memory are linear in the lengths of the text and the quote.
"""

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import Evidence
from ragbench.golden.drafts import Draft

FEWEST_LETTERS = 2
# Thai, Lao, Burmese and Khmer; Chinese, Japanese and their full-width forms. Korean separates words by spaces.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff]").match


class _Words(NamedTuple):
    """The words of a text with single spaces between and around them; ``at[i]`` is the origin of character i."""

    text: str
    at: list[int]


def locate(text: str, quote: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Return the span of a quote in a text, or None if it does not occur.

    Args:
        text: the document's text.
        quote: the text to find.
        start: start of the part to search first (the chunk that was quoted). The rest of the text is searched only if
            the quote is not found there.
        end: end of that part; None means the end of the text.

    Returns:
        (start, end) in characters of ``text``: the first place if there are several.
    """
    end = len(text) if end is None else end
    stripped = quote.strip()
    if sum(char.isalnum() for char in stripped) < FEWEST_LETTERS:
        return None
    whole = start <= 0 and end >= len(text)
    parts = [(start, end)] if whole else [(start, end), (0, len(text))]
    for low, high in parts:
        at = _exact(text, stripped, low, high)
        if at >= 0:
            return at, at + len(stripped)
    for join in (False, True):
        needle = _words(stripped, join).text
        if not needle.strip():
            return None
        for low, high in parts:
            found = _find(_words(text[low:high], join), needle)
            if found is not None:
                return low + found[0], low + found[1]
    return None


def _exact(text: str, quote: str, low: int, high: int) -> int:
    """Return the first place where the quote occurs as whole words, or -1."""
    at = text.find(quote, low, high)
    while at >= 0:
        after = at + len(quote)
        cut_left = at > 0 and _one_word(text[at - 1], quote[0])
        cut_right = after < len(text) and _one_word(quote[-1], text[after])
        if not (cut_left or cut_right):
            return at
        at = text.find(quote, at + len(quote), high)
    return -1


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return left.isalnum() and right.isalnum() and not (_UNSPACED(left) or _UNSPACED(right))


def _find(words: _Words, needle: str) -> tuple[int, int] | None:
    at = words.text.find(needle)
    if at < 0:
        return None
    # The needle starts and ends with a space; the span goes from its first letter to its last.
    return words.at[at + 1], words.at[at + len(needle) - 2] + 1


@lru_cache(maxsize=64)
def _words(text: str, join: bool) -> _Words:
    """Reduce the text to the characters that a comparison uses.

    Args:
        text: any text.
        join: drop a hyphen before a line break, and so join the two parts of the word.
    """
    out, at = [" "], [0]
    i, length = 0, len(text)
    while i < length:
        char = text[i]
        if join and char in "-\u2010\u2011" and (after := _line_break(text, i)):
            i = after
            continue
        if char in ".," and _between_digits(text, i):
            out.append(char)
            at.append(i)
        elif char != "\u00ad":
            for part in _letters(char):
                if part != " " or out[-1] != " ":
                    out.append(part)
                    at.append(i)
        i += 1
    if out[-1] != " ":
        out.append(" ")
        at.append(max(length - 1, 0))
    return _Words("".join(out), at)


@lru_cache(maxsize=4096)
def _letters(char: str) -> str:
    """Fold a character: letters and digits in a plain form, nothing for an accent, a space for everything else."""
    if char.isascii():
        return char.lower() if char.isalnum() else " "
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    kept = ""
    for part in folded:
        if unicodedata.combining(part):
            continue
        # In scripts without spaces between words, every character counts as a word.
        kept += (
            f" {part} " if _UNSPACED(part) else part if part.isalnum() or unicodedata.category(part) == "Mc" else " "
        )
    return kept


def _between_digits(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isdigit() and text[at + 1].isdigit()


def _line_break(text: str, hyphen: int) -> int:
    """Return where the word continues after a hyphen at the end of a line, or 0 if the line does not end there."""
    at = hyphen + 1
    broken = False
    while at < len(text) and text[at].isspace():
        broken = broken or text[at] in "\n\r\u2028"
        at += 1
    return at if broken and at < len(text) and hyphen > 0 and text[hyphen - 1].isalpha() else 0


def with_evidence(draft: Draft, corpus: Corpus, chunks: Chunks) -> Draft:
    """Return the draft with the spans of its quotes, sorted and merged. If any quote is not found, it has no evidence.

    The search covers the chunks that the draft was written from, then the rest of their documents.
    """
    if draft.evidence or not draft.quotes:
        return draft
    spans: dict[str, list[tuple[int, int]]] = {}
    for quote in draft.quotes:
        found = find_quote(draft, quote, corpus, chunks)
        if found is None:
            return draft
        spans.setdefault(found.document_id, []).append((found.start, found.end or 0))
    evidence = tuple(
        Evidence(document_id, start, end) for document_id in sorted(spans) for start, end in _joined(spans[document_id])
    )
    return replace(draft, evidence=evidence)


def find_quote(draft: Draft, quote: str, corpus: Corpus, chunks: Chunks) -> Evidence | None:
    """Find the place of one quote, or None."""
    for whole in (False, True):
        for chunk_id in draft.chunk_ids:
            chunk = chunks[chunks.row[chunk_id]]
            text = corpus.by_id[chunk.document_id].text
            found = locate(text, quote) if whole else _inside(text, quote, chunk.start, chunk.end)
            if found is not None:
                return Evidence(chunk.document_id, *found)
    return None


def _inside(text: str, quote: str, start: int, end: int) -> tuple[int, int] | None:
    found = locate(text[start:end], quote)
    return (start + found[0], start + found[1]) if found else None


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out
