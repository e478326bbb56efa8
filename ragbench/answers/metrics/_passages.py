"""Find the place of a source in its document, and the evidence that it carries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragbench.core.answers import Source
from ragbench.core.goldens import Evidence, Span

OVERLAP = 0.5
"""Share of the shorter of passage and evidence that both must have, as in `ragbench.core.judgements`."""
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Carried:
    """The evidence that a passage carries.

    Attributes:
        pieces: positions of the pieces of evidence.
        how: ``span``: by its place in the document; ``document``: only the document of the passage is known, or
            the evidence names the whole document.
    """

    pieces: frozenset[int]
    how: str


def pieces(evidence: Iterable[Evidence]) -> tuple[Span, ...]:
    """The relevant pieces of evidence. Overlapping ones, such as several annotators' marks, are joined.

    A document that is named as a whole includes its parts.
    """
    relevant = [one for one in evidence if one.grade > 0]
    whole = {one.document_id for one in relevant if one.end is None}
    joined: list[Span] = [Span(id_) for id_ in sorted(whole)]
    parts = sorted((one.document_id, one.start, one.end) for one in relevant
                   if one.end is not None and one.document_id not in whole)  # fmt: skip
    for document, start, end in parts:
        last = joined[-1] if joined else None
        if last is not None and last.end is not None and last.document_id == document and start < last.end:
            joined[-1] = Span(document, last.start, max(end, last.end))
        else:
            joined.append(Span(document, start, end))
    return tuple(joined)


def carried(source: Source, wanted: Sequence[Span], documents: Mapping[str, str]) -> Carried | None:
    """Find the pieces of evidence that a passage carries; None if its document is unknown.

    Args:
        source: the passage.
        wanted: the result of `pieces`.
        documents: text by document id, as far as known.
    """
    named = source.document_id or None
    if named is None and not any(span.document_id in documents for span in wanted):
        return None
    found, how = set[int](), "span"
    for at, span in enumerate(wanted):
        if named is not None and named != span.document_id:
            continue
        places = _places(source.text, documents[span.document_id]) if span.document_id in documents else ()
        if span.end is None or not places:
            # A passage without a known document must be found in one.
            if named is not None or places:
                found.add(at)
                how = "document"
        elif any(_overlap(place, (span.start, span.end)) for place in places):
            found.add(at)
    return Carried(frozenset(found), how)


def _overlap(one: tuple[int, int], two: tuple[int, int]) -> bool:
    shared = min(one[1], two[1]) - max(one[0], two[0])
    return shared >= OVERLAP * max(min(one[1] - one[0], two[1] - two[0]), 1)


def _places(passage: str, text: str) -> tuple[tuple[int, int], ...]:
    """Find every place of a passage in a text, without regard to white space."""
    wanted = _BLANKS.sub(" ", passage).strip()
    if not wanted:
        return ()
    single, offsets = _single_blanks(text)
    places, at = [], single.find(wanted)
    while at >= 0:
        places.append((offsets[at], offsets[at + len(wanted) - 1] + 1))
        at = single.find(wanted, at + 1)
    return tuple(places)


@lru_cache(maxsize=64)
def _single_blanks(text: str) -> tuple[str, tuple[int, ...]]:
    """The text with single spaces, and the original position of each character."""
    signs: list[str] = []
    offsets: list[int] = []
    for at, sign in enumerate(text):
        blank = sign.isspace()
        if blank and signs and signs[-1] == " ":
            continue
        signs.append(" " if blank else sign)
        offsets.append(at)
    return "".join(signs), tuple(offsets)
