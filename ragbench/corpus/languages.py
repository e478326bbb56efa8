"""The languages of texts, found on a sample.

English is recognised by its function words, which takes a millisecond. The model of py3langid (naive Bayes over byte
n-grams; Lui and Baldwin 2012) is loaded only for texts without them.
"""

import importlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from ragbench.core.documents import Chunks

SAMPLE = 200
"""Texts that are looked at."""
CHARACTERS = 400
"""Characters of each that are looked at."""
MARGIN = 10.0
"""How much likelier than English another language must be, as a difference of natural logarithms. Names and technical
terms look alike in many languages: of 540 English queries, 11 are guessed wrong, the worst by 6.6."""
FEW = 0.1
"""Share of texts without English function words that is too small for another look."""

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian",
    "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
    "km": "Khmer", "ko": "Korean", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "my": "Burmese", "ne": "Nepali",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovene", "sr": "Serbian", "st": "Sesotho", "sv": "Swedish", "ta": "Tamil", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "yi": "Yiddish", "zh": "Chinese",
}  # fmt: skip
"""English names by ISO 639-1 code."""
_SAME = {"nb": "no", "nn": "no", "wuu": "zh", "yue": "zh"}
"""Forms of one language that the detector keeps apart."""
_NO_LANGUAGE = "zxx"
# Words of English that are rare in other languages with the same letters.
_ENGLISH = frozenset(("the", "and", "of", "with", "for", "that", "this", "from", "are", "is", "you", "your", "was"))
_DISTINCT = 3
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Languages:
    """The languages of a sample of texts.

    Attributes:
        counts: how many texts are in each language, by ISO 639-1 code, the most frequent first.
        undecided: how many texts are too short, or too much like names, to decide.
    """

    counts: Mapping[str, int]
    undecided: int = 0

    @property
    def sampled(self) -> int:
        """How many texts were looked at."""
        return sum(self.counts.values()) + self.undecided

    @property
    def main(self) -> str:
        """The most frequent language; English if no text was decided."""
        return next(iter(self.counts), "en")

    def share(self, code: str) -> float:
        """Share of a language among the decided texts; 0 if there are none."""
        decided = sum(self.counts.values())
        return self.counts.get(code, 0) / decided if decided else 0.0


def name_of(code: str) -> str:
    """``German`` for ``de``; the code itself if it has no name here."""
    return NAMES.get(code, code)


def languages_of(texts: Sequence[str]) -> Languages:
    """The languages of up to `SAMPLE` texts, taken at equal distances.

    Examples:
        >>> found = languages_of(["Das Zelt ist für zwei Personen und wiegt nur ein Kilogramm."])
        >>> found.main, found.share("de")
        ('de', 1.0)
    """
    count = min(SAMPLE, len(texts))
    sample = [texts[at * len(texts) // count][:CHARACTERS] for at in range(count)]
    others = [text for text in sample if not _is_english(text)]
    english = len(sample) - len(others)
    if len(others) <= FEW * len(sample):
        return Languages({"en": english} if english else {}, len(others))
    found = Counter({"en": english} if english else {})
    undecided = 0
    for text in others:
        code = language_of(text)
        if code:
            found[code] += 1
        else:
            undecided += 1
    return Languages(dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))), undecided)


_OF_CHUNKS: WeakKeyDictionary[Chunks, Languages] = WeakKeyDictionary()


def languages_of_chunks(chunks: Chunks) -> Languages:
    """The languages of the titles and texts of chunks, found once for each object."""
    found = _OF_CHUNKS.get(chunks)
    if found is None:
        found = _OF_CHUNKS[chunks] = languages_of(chunks.contents)
    return found


def language_of(text: str) -> str:
    """ISO 639-1 code of the language of one text; empty if English is nearly as likely."""
    scores: dict[str, float] = {}
    for code, value in detector().rank(text):
        scores.setdefault(_SAME.get(code, code), value)
    best = max(scores, key=lambda code: (scores[code], code))
    sure = best == "en" or scores[best] - scores["en"] >= MARGIN
    return best if sure and best != _NO_LANGUAGE else ""


def sure_language_of(text: str) -> str:
    """ISO 639-1 code of the language of the beginning of a text, as in `languages_of`; empty if it is undecided."""
    start = text[:CHARACTERS]
    return "en" if _is_english(start) else language_of(start)


def _is_english(text: str) -> bool:
    return len(_ENGLISH.intersection(_WORD.findall(text.lower()))) >= _DISTINCT


@lru_cache(maxsize=1)
def detector() -> Any:
    """The detector, with ``rank(text)`` and ``classify(text)``. Its model is loaded once."""
    # Imported by name, because the library has no types.
    langid: Any = importlib.import_module("py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
