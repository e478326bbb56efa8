"""Words of a text, as the lexical stages count them."""

import re

_WORD = re.compile(r"\w+(?:[.,'’]\w+)*")
# What carries no subject in an English query; other languages keep all their words.
_EMPTY_WORDS = """
a about above after all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers him his how i if
in into is it its just like may me might more most must my no nor not of off on once only or other our out over own
per same shall she should so some such than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom whose why will with would you your
"""
EMPTY = frozenset(_EMPTY_WORDS.split())


def words(text: str) -> list[str]:
    """All words in lower case, numbers with their dots and commas."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def content_words(text: str) -> frozenset[str]:
    """The distinct words that say what a text is about."""
    return frozenset(word for word in words(text) if word not in EMPTY)
