"""How the words of a language are found, stemmed and skipped: what a lexical index needs to know of a language."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ragbench.corpus.languages import NAMES

STOP_WORDS = {
    "english": "en", "german": "de", "dutch": "nl", "french": "fr", "spanish": "es", "portuguese": "pt",
    "italian": "it", "russian": "ru", "swedish": "sv", "norwegian": "no", "danish": "da", "turkish": "tr",
}  # fmt: skip
"""Language -> bm25s's stop-word list."""
UNSPACED = ("chinese", "japanese", "korean", "thai", "lao", "khmer", "burmese")
"""Languages that put no blank between words, or, like Korean, attach endings to them."""
OTHER = "none"
"""Stands for any language without a stemmer: words are taken as they are."""
_BIGRAMS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\uac00-\ud7af"  # Hangul, Hiragana, Katakana
    "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003fffd"  # Han, half-width Katakana
)
_RUNS = re.compile(rf"[{_BIGRAMS}]+|[^\W{_BIGRAMS}]{{2,}}")
_WITH_MARKS = ("arabic", "hindi", "nepali", "persian", "tamil", "yiddish", OTHER)
"""Languages in whose words a combining mark, such as a vowel sign, may stand between two letters."""


def language_named(code: str) -> str:
    """The language of an ISO 639-1 code as a lexical index names it; `OTHER` if it has neither stemmer nor bigrams.

    Examples:
        >>> language_named("de"), language_named("ja"), language_named("vi")
        ('german', 'japanese', 'none')
    """
    name = NAMES.get(code, "").lower()
    return name if name in UNSPACED or name in stemmers() else OTHER


@lru_cache(maxsize=1)
def stemmers() -> tuple[str, ...]:
    """The languages that Snowball stems."""
    import Stemmer

    return tuple(Stemmer.algorithms())


@dataclass(frozen=True)
class Words:
    """Finds the words of texts in one language.

    Words are runs of two or more letters and digits. In languages without blanks between words, they are pairs of
    neighbouring characters, as in Lucene's CJK analyzer.

    Attributes:
        language: a Snowball language, one of `UNSPACED`, or `OTHER`.
        stem: whether words are stemmed.
        stop: whether stop words are dropped, where there is a list of them.
    """

    language: str
    stem: bool = True
    stop: bool = True

    def tokenize(self, texts: Sequence[str]) -> Any:
        """Tokenize texts into bm25s's ``Tokenized``: ids per text and the vocabulary."""
        import bm25s
        import Stemmer

        how: dict[str, Any] = {}
        given = list(texts)
        if self.language in UNSPACED:
            given, how["token_pattern"] = [" ".join(bigrams(text)) for text in texts], r"\S+"
        elif self.language in _WITH_MARKS:
            how["token_pattern"] = rf"[\w{_marks()}]{{2,}}"
        stemmed = self.stem and self.language in stemmers()
        return bm25s.tokenize(
            given,
            stopwords=STOP_WORDS.get(self.language) if self.stop else None,
            stemmer=Stemmer.Stemmer(self.language) if stemmed else None,
            show_progress=False,
            **how,
        )


def bigrams(text: str) -> list[str]:
    """The pairs of neighbouring characters of scripts without blanks, and the words of other scripts.

    Examples:
        >>> bigrams("东京 trekking 帐篷套装")
        ['东京', 'trekking', '帐篷', '篷套', '套装']
    """
    found: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text)):
        if _RUNS.match(run) and re.match(rf"[{_BIGRAMS}]", run):
            found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        else:
            found.append(run)
    return found


@lru_cache(maxsize=1)
def _marks() -> str:
    """All combining marks, for a class of characters of a regular expression."""
    found = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    return "".join(found)
