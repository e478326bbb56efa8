"""Sets that have most of their members in common."""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain, islice
from math import ceil


def similar_sets(
    sets: Iterable[Collection[str]], least: float, *, most: int | None = None
) -> dict[int, dict[int, float]]:
    """Find, for each row, the earlier rows with a Jaccard similarity of at least ``least``, and the similarity.

    Two sets that are so similar share one of their rarest words, so few pairs need a comparison (prefix filtering;
    Chaudhuri et al. 2006). Words are numbers while they are compared, which takes less memory than sets of texts.

    Args:
        sets: the words of each row, each once. They are taken one by one.
        least: the least similarity.
        most: compare a row with at most so many earlier ones, those that share its rarest words. The time then grows
            with the number of rows, and a similar row may be missed. None compares with all.
    """
    number: dict[str, int] = {}
    rows = [tuple([number.setdefault(word, len(number)) for word in row]) for row in sets]
    counts = Counter(chain.from_iterable(rows))
    rarest_first = sorted(number, key=lambda word: (counts[number[word]], word))
    rank = dict(zip(map(number.__getitem__, rarest_first), range(len(rarest_first)), strict=True))
    ranked = [tuple(sorted(rank[word] for word in row)) for row in rows]
    holders: dict[int, list[int]] = {}
    found: dict[int, dict[int, float]] = {}
    for at, row in enumerate(ranked):
        prefix = row[: len(row) - ceil(least * len(row)) + 1]
        others = dict.fromkeys(other for word in prefix for other in holders.get(word, ()))
        for other in sorted(islice(others, most)):
            shared = len({*row} & {*ranked[other]})
            similarity = shared / (len(row) + len(ranked[other]) - shared)
            if similarity >= least:
                found.setdefault(at, {})[other] = similarity
        for word in prefix:
            held = holders.setdefault(word, [])
            if most is None or len(held) < most:
                held.append(at)
    return found
