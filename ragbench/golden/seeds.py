"""Seed queries from a search log: clean, drop personal data, join duplicates, classify, and draw a sample by type."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.search_log import SearchLog
from ragbench.golden.personal_data import personal_data, without_personal_data
from ragbench.golden.query_types import LOGGED_TYPES

MOST_CHARACTERS, MOST_WORDS = 200, 40
"""A longer text was pasted by accident."""
ADDRESS = re.compile(r"^(?:https?://|www\.)\S+$", re.IGNORECASE)
EDGES = " \t.,;:!?\"'()[]-_/*"
"""Ignored at both ends when queries are compared."""
LETTERS = 5
"""Fewest letters of a word that can be misspelt."""
MORE_OFTEN = 3
"""A query is a misspelling of another if that is searched so many times as often."""


@dataclass(frozen=True)
class LoggedQuery:
    """A distinct query of a log.

    Attributes:
        text: as it was typed most often.
        searches: searches with it, in any spelling; repetitions in one visit count once.
        type: one of `ragbench.golden.query_types.LOGGED_TYPES`; empty before it is classified.
    """

    text: str
    searches: int
    type: str = ""


@brief
@dataclass(frozen=True)
class Cleaned:
    """The distinct queries of a log.

    Attributes:
        queries: the queries, the most frequent first.
        searches: searches that they have, without repetitions in one visit.
        repeated: searches that repeat one of the same visit.
        misspelt: queries that were joined to the one that they misspell.
        ledger: what was dropped, with its line. Personal data are replaced by their kind.
    """

    queries: tuple[LoggedQuery, ...]
    searches: int
    repeated: int
    misspelt: int
    ledger: Ledger


@brief
@dataclass(frozen=True)
class Seeds:
    """A sample of the queries of a log.

    Attributes:
        log: name of the log.
        rows: searches in the log.
        cleaned: its distinct queries, classified.
        chosen: the sample, by type and then by frequency.
        classified_by: ``rules``, or the model.
    """

    log: str
    rows: int
    cleaned: Cleaned
    chosen: tuple[LoggedQuery, ...]
    classified_by: str = "rules"

    @property
    def shares(self) -> dict[str, float]:
        """Share of the searches by type."""
        return shares_of(self.cleaned.queries)


def shares_of(queries: Iterable[LoggedQuery]) -> dict[str, float]:
    """Share of the searches by type; types without a search are absent."""
    counts: Counter[str] = Counter()
    for query in queries:
        counts[query.type] += query.searches
    return {name: counts[name] / counts.total() for name in LOGGED_TYPES if counts[name]}


def clean(log: SearchLog, least: int = 1) -> Cleaned:
    """Find the distinct queries of a log.

    White space and control characters are tidied. Queries that differ only in letter case, in punctuation at their
    ends or by one slip in a word are one query.

    Args:
        log: the searches.
        least: fewest searches of a query.
    """
    found = distinct_queries(log)
    queries = [LoggedQuery(text, count) for text, count in found.searches.items()]
    rare = [query for query in queries if query.searches < least]
    ledger = found.ledger
    if rare:
        reason = f"{len(rare)} queries were searched fewer than {least} times"
        ledger += [LedgerEntry("seeds", log.name, reason, "rare")]
    kept = sorted((q for q in queries if q.searches >= least), key=lambda query: (-query.searches, query.text))
    return Cleaned(tuple(kept), sum(q.searches for q in kept), found.repeated, found.misspelt, ledger)


@dataclass(frozen=True)
class DistinctQueries:
    """The distinct queries of a log, and which of them each search is.

    Attributes:
        of_search: the query of each search, as it was typed most often; None where the search was dropped.
        searches: searches by query; repetitions in one visit count once.
        repeated: searches that repeat one of the same visit.
        misspelt: queries that were joined to the one that they misspell.
        ledger: what was dropped, with its line. Personal data are replaced by their kind.
    """

    of_search: tuple[str | None, ...]
    searches: Mapping[str, int]
    repeated: int
    misspelt: int
    ledger: Ledger


def distinct_queries(log: SearchLog) -> DistinctQueries:
    """Find which searches of a log have the same query, as `clean` describes it."""
    entries: list[LedgerEntry] = []
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seen: set[tuple[str, str]] = set()
    keys: list[str | None] = []
    repeated = 0
    for search in log:
        text = tidy(search.query)
        dropped = _dropped(text)
        if dropped is not None:
            code, reason = dropped
            entries.append(LedgerEntry("seeds", search.where, reason, code))
            keys.append(None)
            continue
        key = key_of(text)
        keys.append(key)
        visit = (search.session, key)
        if search.session and visit in seen:
            repeated += 1
            continue
        seen.add(visit)
        spellings[key][text] += 1
    counts = {key: found.total() for key, found in spellings.items()}
    meant = misspellings(counts)
    for key in sorted(meant, key=lambda key: (counts[key], key)):  # the rarest first: a target may be one itself
        spellings[meant[key]].update(spellings.pop(key))
    best = {
        key: max(found, key=lambda text: (found[text] if key_of(text) == key else 0, text))
        for key, found in spellings.items()
    }
    for key in sorted(meant, key=lambda key: (-counts[key], key)):  # the most frequent first: it has its text by now
        best[key] = best[meant[key]]
    return DistinctQueries(
        tuple(None if key is None else best[key] for key in keys),
        {best[key]: found.total() for key, found in spellings.items()},
        repeated,
        len(meant),
        Ledger(tuple(entries)),
    )


def tidy(text: str) -> str:
    """The text in Unicode's composed form, without control characters and with single spaces."""
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cf") else char for char in text)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def key_of(text: str) -> str:
    """What two spellings of one query have in common."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().strip(EDGES).split())


def _dropped(text: str) -> tuple[str, str] | None:
    """Code and reason of a text that is no seed, or None."""
    kinds = list(dict.fromkeys(found.kind for found in personal_data(text)))
    if kinds:
        return "personal-data", f"{', '.join(kinds)}: {without_personal_data(text)!r:.80}"
    if not any(char.isalnum() for char in text):
        return "no-word", "the query has no word"
    if ADDRESS.fullmatch(text):
        return "address", f"an address and no query: {text!r:.60}"
    if len(text) > MOST_CHARACTERS or len(text.split()) > MOST_WORDS:
        return "too-long", f"{len(text)} characters; more than {MOST_CHARACTERS}, or than {MOST_WORDS} words"
    return None


def misspellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Find queries that differ from another by one slip (a letter more or less, another letter, or two swapped), in one
    word of five letters or more, and that are searched at most a third as often.

    Args:
        counts: searches by query, in lower case.

    Returns:
        The query that is meant, by misspelt query.
    """
    near: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for query in counts:
        for sign in _signs(query):
            near[sign].append(query)
    meant: dict[str, str] = {}
    for query, count in counts.items():
        others = {other for sign in _signs(query) for other in near[sign] if counts[other] >= MORE_OFTEN * count}
        fitting = [other for other in others if _one_slip(query, other)]
        if fitting:
            meant[query] = max(fitting, key=lambda other: (counts[other], other))
    return meant


def _signs(query: str) -> Iterator[tuple[str, ...]]:
    """The query with a letter less in one long word, for each letter, and as it is: a slip leaves one in common."""
    words = query.split()
    yield tuple(words)
    for at, word in enumerate(words):
        if len(word) >= LETTERS and word.isalpha():
            for letter in range(len(word)):
                yield (*words[:at], word[:letter] + word[letter + 1 :], *words[at + 1 :])


def _one_slip(query: str, other: str) -> bool:
    differing = [pair for pair in zip(query.split(), other.split(), strict=True) if pair[0] != pair[1]]
    return len(differing) == 1 and min(map(len, differing[0])) >= LETTERS - 1 and _distance_is_one(*differing[0])


def _distance_is_one(a: str, b: str) -> bool:
    """Whether two different words are one insertion, deletion, substitution or swap of neighbours apart."""
    if abs(len(a) - len(b)) > 1 or not (a.isalpha() and b.isalpha()):
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest, other = a[at:], b[at:]
    if len(a) != len(b):
        return rest[1:] == other or rest == other[1:]
    return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])


def classified(queries: Sequence[LoggedQuery], type_of: Callable[[str], str]) -> tuple[LoggedQuery, ...]:
    """The queries with their types."""
    return tuple(LoggedQuery(query.text, query.searches, type_of(query.text)) for query in queries)


def draw(queries: Sequence[LoggedQuery], size: int, seed: int) -> tuple[LoggedQuery, ...]:
    """Draw a sample whose types have the shares that they have of the searches, frequent queries more often.

    Every type has at least one query if there is room. A type with too few queries gives its places to the others.

    Args:
        queries: the distinct queries, classified.
        size: queries to draw.
        seed: of the draws.
    """
    by_type = {name: [query for query in queries if query.type == name] for name in LOGGED_TYPES}
    places = _places({name: len(own) for name, own in by_type.items() if own}, shares_of(queries), size)
    chosen: list[LoggedQuery] = []
    for name, count in places.items():
        own = by_type[name]
        weights = np.array([query.searches for query in own], dtype=float)
        # Exponential race: the same as drawing one after the other, by weight and without replacement.
        race = generator(seed, "seeds", name).exponential(size=len(own)) / weights
        drawn = np.argsort(race, kind="stable")[:count]
        chosen += sorted((own[row] for row in drawn), key=lambda query: (-query.searches, query.text))
    return tuple(chosen)


def _places(available: Mapping[str, int], shares: Mapping[str, float], size: int) -> dict[str, int]:
    """Places by type: one each, then one after the other to the type that lacks most of its share."""
    size = min(size, sum(available.values()))
    ranked = sorted(available, key=lambda name: -shares[name])
    places = {name: int(at < size) for at, name in enumerate(ranked)}
    for _ in range(size - sum(places.values())):
        open_ = [name for name in available if places[name] < available[name]]
        places[max(open_, key=lambda name: shares[name] * size - places[name])] += 1
    return {name: places[name] for name in available}
