"""Which sources an answer names."""

import re
from collections.abc import Iterable, Sequence

_MARK = re.compile(r"\[\s*(\d{1,4}(?:\s*[-–]\s*\d{1,4})?(?:\s*[,;]\s*\d{1,4}(?:\s*[-–]\s*\d{1,4})?)*)\s*\]")
_RANGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")
LONGEST_RANGE = 100


def numbers_in(text: str) -> list[int]:
    """Numbers in square brackets, each once, in order: ``[2]``, ``[1, 3]``, ``[1-3]``."""
    found: dict[int, None] = {}
    for mark in _MARK.finditer(text):
        for first, last in _RANGE.findall(mark[1]):
            start, end = int(first), int(last or first)
            # Numbers that fall, or a span of years, are no range of sources.
            within = range(start, end + 1) if 0 <= end - start <= LONGEST_RANGE else (start, end)
            found.update(dict.fromkeys(within))
    return list(found)


def resolve(numbers: Iterable[int], ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The cited ids, each once and in order, and the numbers that no source has.

    Args:
        numbers: as cited, from 1.
        ids: of the sources, in the order they were numbered.
    """
    every = list(dict.fromkeys(numbers))
    known = tuple(ids[number - 1] for number in every if 1 <= number <= len(ids))
    return known, tuple(number for number in every if not 1 <= number <= len(ids))
