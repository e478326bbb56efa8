"""What a writer is asked for: types, languages, wordings and personas of the queries of each chunk.

All are dealt over the whole set, so that the set has their shares as closely as whole numbers allow.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ragbench.core.context import generator
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.spelling import named
from ragbench.golden.query_types import query_type
from ragbench.golden.wordings import WORDINGS, counts_of
from ragbench.io.seed_files import read_shares

TYPES: Mapping[str, str] = {
    "attribute": "asks for a property, figure, size, material or name that the passage states",
    "comparative": "weighs two things, variants or options against each other; the passage settles it",
    "use-case": "describes a situation or need without naming the thing that the passage offers for it",
    "question": "a full question, as asked to a person, that the passage answers",
    "keyword": "search words, no sentence",
    "informal": "typed in haste: colloquial, in lower case, with one or two realistic spelling mistakes",
    "multi-evidence": "can only be answered by putting facts of BOTH passages together; quote from each of them",
    "unanswerable": (
        "sounds as if this collection answered it, on the passage's subject, but neither the passage nor anything "
        "like it does; leave quotes empty and say in the answer what is missing"
    ),
}
"""Types of queries, each with the description that the writer gets."""

KEYWORD = "keyword"
MULTI, UNANSWERABLE = "multi-evidence", "unanswerable"
DEFAULT_MIX: Mapping[str, float] = {
    "attribute": 0.2,
    "comparative": 0.1,
    "use-case": 0.2,
    "question": 0.2,
    "keyword": 0.1,
    "informal": 0.1,
    "multi-evidence": 0.05,
    "unanswerable": 0.05,
}
SEEDS = "seeds"
"""The mix that is the one of the seed queries."""
_LANGUAGE = re.compile(r"[a-z]{2}")


class Wanted(NamedTuple):
    """One query to be written. An empty persona is nobody in particular."""

    type: str
    language: str
    wording: str
    persona: str = ""


def parse_mix(written: str | None) -> dict[str, float]:
    """``"attribute=3,question=1"`` to shares that sum to 1, sorted by type. None gives the default mix, and ``"seeds"``
    an empty one, as the seed queries are not read yet.

    Raises:
        SettingError: a type is unknown, a share is not a number or is below 0, or no share is above 0.
    """
    if not written:
        return dict(sorted(DEFAULT_MIX.items()))
    if written == SEEDS:
        return {}
    shares: dict[str, float] = {}
    for part in written.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in TYPES:
            raise SettingError(f"{named('mix')}: no query type {name!r}{did_you_mean(name, TYPES)}")
        if name in shares:
            raise SettingError(f"{named('mix')}: {name!r} is given twice")
        try:
            shares[name] = float(value) if equals else 1.0
        except ValueError:
            raise SettingError(f"{named('mix')}: the share of {name!r} is {value!r}, which is no number") from None
        if not 0 <= shares[name] < float("inf"):
            raise SettingError(f"{named('mix')}: the share of {name!r} is {value}; it must be 0 or more")
    total = sum(shares.values())
    if total <= 0:
        raise SettingError(f"{named('mix')}: no type has a share above 0")
    return {name: share / total for name, share in sorted(shares.items()) if share > 0}


def mix_of_seeds(path: Path, seeds: Sequence[str]) -> dict[str, float]:
    """Share by type of the seed queries: that of the log they come from, where ``ragbench seeds`` wrote it beside them,
    else their own by the rules.

    Raises:
        InputError: the file beside them is damaged.
    """
    shares = read_shares(path) or Counter(query_type(text) for text in seeds)
    total = sum(shares.values())
    return {name: share / total for name, share in sorted(shares.items()) if share > 0}


def parse_languages(written: str | None) -> tuple[str, ...]:
    """``"en,de"`` to codes in the order given, without repetition. None gives English.

    Raises:
        SettingError: a value is not an ISO 639-1 code.
    """
    codes = [code.strip().lower() for code in (written or "en").split(",")]
    for code in codes:
        if not _LANGUAGE.fullmatch(code):
            raise SettingError(
                f"{named('languages')}: {code!r} is no ISO 639-1 code; write two letters each, as in en,de"
            )
    return tuple(dict.fromkeys(codes))


def allot(
    chunks: int, per_chunk: int, mix: Mapping[str, float], languages: Sequence[str], wordings: Mapping[str, float],
    seed: int, personas: Mapping[str, float] | None = None,
) -> list[list[Wanted]]:  # fmt: skip
    """Decide what to write for each chunk, so that the whole set follows the shares as closely as whole numbers allow.

    Types rotate over the chunks, so that the queries of one chunk have different types where the mix allows it. The
    same holds for wordings, and each type has all of them; only keywords are short where enough short ones are wanted.

    Args:
        chunks: number of chunks.
        per_chunk: queries per chunk.
        mix: share by type, summing to 1.
        languages: ISO codes; each gets an equal share.
        wordings: share by wording, summing to 1.
        seed: of the run.
        personas: share by name of a persona, summing to 1. Each type and each wording has all of them.
    """
    total = chunks * per_chunk
    names = list(mix)
    exact = np.array([mix[name] * total for name in names])
    counts = np.floor(exact).astype(np.int64)
    for row in np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]:
        counts[row] += 1
    rng = generator(seed, "golden", "mix")
    # The slots are sorted by type and dealt out chunk by chunk, like cards.
    types = np.repeat(np.arange(len(names)), counts)
    order = rng.permutation(chunks)
    dealt: list[list[Wanted]] = [[] for _ in range(chunks)]
    # Each type has equal shares of the languages, in shuffled order: no language always gets the same chunks.
    spoken = np.arange(total) % len(languages)
    for row in range(len(names)):
        rng.shuffle(spoken[counts[:row].sum() : counts[: row + 1].sum()])
    for place, (type_, language) in enumerate(zip(types.tolist(), spoken.tolist(), strict=True)):
        dealt[int(order[place % chunks])].append(Wanted(names[type_], languages[language], ""))
    worded = _worded(dealt, counts_of(wordings, total))
    return _by_personas(worded, counts_of(personas, total), seed) if personas else worded


def _worded(dealt: Sequence[Sequence[Wanted]], counts: Mapping[str, int]) -> list[list[Wanted]]:
    """Deal wordings chunk by chunk. Each query gets the one that lacks the largest part of its queries, and of equal
    ones that which its type has had least. Keywords come first in their chunk, and take short ones.
    """
    taken = dict.fromkeys(counts, 0)
    of_type: Counter[tuple[str, str]] = Counter()
    found: list[list[Wanted]] = []
    for items in dealt:
        worded = list(items)
        for place in sorted(range(len(items)), key=lambda at: items[at].type != KEYWORD):
            type_ = items[place].type
            open_ = [name for name in counts if taken[name] < counts[name]]
            short = [name for name in open_ if type_ == KEYWORD and WORDINGS[name].target is not None]
            name = min(short or open_, key=lambda one: (taken[one] / counts[one], of_type[type_, one]))
            taken[name] += 1
            of_type[type_, name] += 1
            worded[place] = items[place]._replace(wording=name)
        found.append(worded)
    return found


def _by_personas(dealt: Sequence[Sequence[Wanted]], counts: Mapping[str, int], seed: int) -> list[list[Wanted]]:
    """Deal personas chunk by chunk. Each query gets the one that lacks the largest part of its queries, and of equal
    ones that which its wording and type have had least.
    """
    taken = dict.fromkeys(counts, 0)
    met: Counter[tuple[str, str]] = Counter()
    names = [list(counts)[at] for at in generator(seed, "golden", "personas").permutation(len(counts)).tolist()]
    found: list[list[Wanted]] = []
    for items in dealt:
        row = []
        for item in items:
            open_ = [name for name in names if taken[name] < counts[name]]
            name = min(open_, key=lambda one: (taken[one] / counts[one], met[item.wording, one] + met[item.type, one]))
            taken[name] += 1
            met.update([(item.wording, name), (item.type, name)])
            row.append(item._replace(persona=name))
        found.append(row)
    return found


def deal_again(
    skipped: Sequence[tuple[int, Wanted]], asked: Sequence[Sequence[Wanted]], seed: int
) -> list[list[Wanted]]:
    """Give each query that the writer skipped to another chunk, so that the set keeps its shares.

    Args:
        skipped: place of the chunk and the query.
        asked: what each chunk was asked for.
        seed: of the run.

    Returns:
        What to ask each chunk for. A chunk gets no type that it was asked for before; a query for which no chunk is
        left is in none of them.
    """
    order = generator(seed, "golden", "again").permutation(len(asked)).tolist()
    had = [{item.type for item in items} for items in asked]

    def free(type_: str) -> Iterator[int]:
        return (at for at in order if type_ not in had[at])

    places = {type_: free(type_) for type_ in {item.type for _, item in skipped}}
    found: list[list[Wanted]] = [[] for _ in asked]
    for _, item in skipped:
        place = next(places[item.type], None)
        if place is not None:
            found[place].append(item)
    return found
