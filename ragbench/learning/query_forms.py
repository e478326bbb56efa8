"""Forms of a query in which case, punctuation, spelling of numbers and order of words do not count."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragbench.corpus.words import STOP_WORDS, stemmers

_THOUSANDS = re.compile(r"(?<=\d)[,\u2009\u202f' ](?=\d{3}\b)")
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
_TOKEN = re.compile(r"\d+\.\d+|\d+|[^\W\d_]+")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
UNITS = {word: number for number, word in enumerate(_UNITS.split())}
TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
OTHER_LANGUAGES = {
    word: number
    for words in (
        "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
        "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici",
    )
    for number, word in enumerate(words.split())
    if word not in ("ein", "un", "uno", "once", "dix", "six")  # articles, or words of other languages
}
"""Number words to twelve in German, French, Spanish and Italian. Larger ones are read in English only."""


@dataclass(frozen=True, slots=True)
class QueryForm:
    """A query as the guard compares it.

    Attributes:
        tokens: its words and numbers in order, in lower case, with number words as digits.
        bag: the distinct stems of its content words, sorted; of all words if it has no content word.
        numbers: its numbers, sorted.
        letters: its letters and digits in lower case, without anything between them.
    """

    tokens: tuple[str, ...]
    bag: tuple[str, ...]
    numbers: tuple[str, ...]
    letters: str

    @property
    def joined(self) -> str:
        """The tokens as one text."""
        return " ".join(self.tokens)


def query_forms(texts: Sequence[str], language: str = "english") -> list[QueryForm]:
    """Bring queries into the form in which they are compared.

    Args:
        texts: the queries.
        language: Snowball language of the stemmer and the stop words; others get none.

    Examples:
        >>> first, second = query_forms(["Tents for TWO people?", "a tent for 2 people"])
        >>> first.bag == second.bag, first.numbers
        (True, ('2',))
    """
    stop = _stop_words(language)
    stems: dict[str, str] = {}
    if language in stemmers():
        import Stemmer

        words = sorted({token for text in texts for token in tokens_of(text)})
        stems = dict(zip(words, Stemmer.Stemmer(language).stemWords(words), strict=True))
    found = []
    for text in texts:
        tokens = tokens_of(text)
        content = [token for token in tokens if token not in stop] or tokens
        bag = tuple(sorted({stems.get(token, token) for token in content}))
        numbers = tuple(sorted(token for token in tokens if token[0].isdigit()))
        found.append(QueryForm(tokens, bag, numbers, letters_of(text)))
    return found


def letters_of(text: str) -> str:
    """Letters and digits in lower case.

    Examples:
        >>> letters_of("Low-speed, 1.5 m/s")
        'lowspeed15ms'
    """
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def tokens_of(text: str) -> tuple[str, ...]:
    """Words and numbers in lower case; ``twenty-five``, ``1,000`` and ``1,5`` become 25, 1000 and 1.5."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _DECIMAL.sub(".", _THOUSANDS.sub("", folded)).replace("'", "").replace("\u2019", "")
    return tuple(_with_digits(_TOKEN.findall(folded)))


def _with_digits(tokens: Sequence[str]) -> list[str]:
    """The tokens, with number words as digits."""
    out: list[str] = []
    total: int | None = None
    for token in (*tokens, ""):
        value = UNITS.get(token, TENS.get(token))
        if value is not None and (total is None or _goes_on(total, value)):
            total = (total or 0) + value
            continue
        if token in SCALES:
            total = (total or 1) * SCALES[token]
            continue
        if total is not None:
            out.append(str(total))
            total = value
            if value is not None:
                continue
        if token:
            out.append(str(OTHER_LANGUAGES.get(token, token)))
    return out


def _goes_on(total: int, value: int) -> bool:
    """Whether a number word continues the number before it: ``twenty five`` and ``seven hundred fifty`` do."""
    return total > 0 and (total % 100 == 0 or (total % 10 == 0 and total % 100 != 10 and value < 10))


@lru_cache(maxsize=8)
def _stop_words(language: str) -> frozenset[str]:
    if language not in STOP_WORDS:
        return frozenset()
    from bm25s.tokenization import _infer_stopwords

    return frozenset(_infer_stopwords(STOP_WORDS[language]))
