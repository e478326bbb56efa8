"""Text as answers are compared: SQuAD's normalisation, and what of it other languages have.

- ``en``: lower case, ASCII punctuation away, the words a, an, the away, white
  space as single blanks: the official SQuAD script.
- ``de``, ``es``: the same with their own articles, and all Unicode punctuation: the
  official MLQA script.
- ``zh``, ``ja``: Unicode punctuation away, no articles, every Chinese or Japanese
  character a token of its own, as in MLQA.
- any other code: lower case, Unicode punctuation and white space; no articles.
"""

import re
import string
import unicodedata

from ragbench.core.goldens import GoldenItem

ARTICLES = {
    "en": ("a", "an", "the"),
    "es": ("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "de": (
        *("ein", "eine", "einen", "einem", "eines", "einer"),
        *("der", "die", "das", "den", "dem", "des"),
    ),
}
BY_CHARACTER = ("zh", "ja")
DEFAULT_LANGUAGE = "en"
_ASCII = frozenset(string.punctuation)
_ARTICLE = {code: re.compile(rf"\b({'|'.join(words)})\b", re.UNICODE) for code, words in ARTICLES.items()}
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def language_of(item: GoldenItem | None, setting: str | None) -> str:
    """The language an answer is compared in: the setting, else the item's metadata ``language``, else English."""
    own = item.metadata.get("language") if item is not None else None
    written = setting or (own if isinstance(own, str) else None) or DEFAULT_LANGUAGE
    return written.strip().lower().replace("_", "-").partition("-")[0]


def normalised(text: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The text without what does not count."""
    lowered = text.lower()
    bare = "".join(sign for sign in lowered if not _is_punctuation(sign, language))
    if language in _ARTICLE:
        bare = _ARTICLE[language].sub(" ", bare)
    if language in BY_CHARACTER:
        bare = _EAST_ASIAN.sub(lambda match: f" {match.group()} ", bare)
    return " ".join(bare.split())


def tokens(text: str, language: str = DEFAULT_LANGUAGE) -> list[str]:
    """The words of the normalised text."""
    return normalised(text, language).split()


def _is_punctuation(sign: str, language: str) -> bool:
    if sign in _ASCII:
        return True
    return language != "en" and unicodedata.category(sign).startswith("P")
