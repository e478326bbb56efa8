"""Quoted evidence -> where it stands in a document.

Exact first. Then by words: white space, punctuation, quotation marks, case,
accents and compatibility forms (ligatures, full-width letters) do not count,
but a dot or comma between digits does, and a match starts and ends with whole
words. Last, words broken by a hyphen at the end of a line count as one. Time
and memory are linear in the lengths of the text and the quote.
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
# Thai, Lao, Burmese and Khmer; Chinese, Japanese and their full-width forms. Korean has blanks.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff]").match


class _Words(NamedTuple):
    """Words of a text with single blanks between and around them; ``at[i]`` is where character i comes from."""

    text: str
    at: list[int]


def locate(text: str, quote: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """The span of a quote in a text, or None where it does not occur.

    Args:
        text: the document's text.
        quote: the words to find.
        start: where the part begins in which it should stand (the chunk it was quoted from), which is looked at
            first, the rest of the text only if it is not found there.
        end: where that part ends; at the end of the text if None.

    Returns:
        (start, end) in characters of ``text``; of several places, the first one.
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
    """First place where the quote stands as whole words; -1 if there is none."""
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
    # The needle starts and ends with a blank; the span goes from its first letter to its last.
    return words.at[at + 1], words.at[at + len(needle) - 2] + 1


@lru_cache(maxsize=64)
def _words(text: str, join: bool) -> _Words:
    """The text reduced to what counts.

    Args:
        text: any text.
        join: whether a hyphen before a line break is left out, and so joins what it parts.
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
    """What a character counts for: its folded letters and digits, nothing for an accent, a blank for the rest."""
    if char.isascii():
        return char.lower() if char.isalnum() else " "
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    kept = ""
    for part in folded:
        if unicodedata.combining(part):
            continue
        # In scripts without blanks between words every character stands for itself.
        kept += (
            f" {part} " if _UNSPACED(part) else part if part.isalnum() or unicodedata.category(part) == "Mc" else " "
        )
    return kept


def _between_digits(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isdigit() and text[at + 1].isdigit()


def _line_break(text: str, hyphen: int) -> int:
    """Where the word goes on after a hyphen at the end of a line; 0 if the line goes on."""
    at = hyphen + 1
    broken = False
    while at < len(text) and text[at].isspace():
        broken = broken or text[at] in "\n\r\u2028"
        at += 1
    return at if broken and at < len(text) and hyphen > 0 and text[hyphen - 1].isalpha() else 0


def with_evidence(draft: Draft, corpus: Corpus, chunks: Chunks) -> Draft:
    """The draft with its quotes as spans, sorted, overlapping ones as one; without evidence if any is not found.

    Quotes are looked for in the chunks the draft was written from, then in the rest of their documents.
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
    """Where one quote stands, or None."""
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
