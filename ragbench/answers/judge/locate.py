"""Where a quoted run of words stands in a text."""

import re

_WORDS = re.compile(r"\S+")


def place(quote: str, text: str, after: int = 0) -> tuple[int, int] | None:
    """Start and end (exclusive), or None.

    Letter by letter, else with other white space and other case. Of several
    places the first from ``after`` on, else the first at all.
    """
    bare = quote.strip().strip("\"“”'‘’«»…").strip()
    if not bare:
        return None
    for start in (after, 0):
        if (at := text.find(bare, start)) >= 0:
            return at, at + len(bare)
    pattern = re.compile(r"\s+".join(re.escape(word) for word in _WORDS.findall(bare)), re.IGNORECASE)
    found = pattern.search(text, after) or pattern.search(text)
    return (found.start(), found.end()) if found else None
