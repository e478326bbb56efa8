"""The mix of query types and languages, and which query is asked of which chunk."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.seeds import generator
from ragbench.golden.prompts.draft import TYPES

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
_LANGUAGE = re.compile(r"[a-z]{2}")


class Wanted(NamedTuple):
    """One query to be written."""

    type: str
    language: str


def parse_mix(written: str | None) -> dict[str, float]:
    """``"attribute=3,question=1"`` -> shares that sum to 1, sorted by type; the default mix for None.

    Raises:
        SettingError: an unknown type, a share that is no number or below 0, or no share above 0.
    """
    if not written:
        return dict(sorted(DEFAULT_MIX.items()))
    shares: dict[str, float] = {}
    for part in written.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in TYPES:
            raise SettingError(f"--mix: no query type {name!r}{did_you_mean(name, TYPES)}")
        if name in shares:
            raise SettingError(f"--mix: {name!r} is there twice")
        try:
            shares[name] = float(value) if equals else 1.0
        except ValueError:
            raise SettingError(f"--mix: the share of {name!r} is {value!r}, which is no number") from None
        if not 0 <= shares[name] < float("inf"):
            raise SettingError(f"--mix: the share of {name!r} is {value}; it must be 0 or more")
    total = sum(shares.values())
    if total <= 0:
        raise SettingError("--mix: no type has a share above 0")
    return {name: share / total for name, share in sorted(shares.items()) if share > 0}


def parse_languages(written: str | None) -> tuple[str, ...]:
    """``"en,de"`` -> codes in order, each once; English for None.

    Raises:
        SettingError: something that is no ISO 639-1 code.
    """
    codes = [code.strip().lower() for code in (written or "en").split(",")]
    for code in codes:
        if not _LANGUAGE.fullmatch(code):
            raise SettingError(f"--languages: {code!r} is no ISO 639-1 code; write two letters each, as in en,de")
    return tuple(dict.fromkeys(codes))


def allot(
    chunks: int, per_chunk: int, mix: Mapping[str, float], languages: Sequence[str], seed: int
) -> list[list[Wanted]]:
    """What to write for each chunk: the whole follows the mix as nearly as whole numbers can.

    Types go round over the chunks, so that the queries of one chunk differ in
    type wherever the mix allows it.

    Args:
        chunks: number of chunks.
        per_chunk: queries per chunk.
        mix: share by type, summing to 1.
        languages: each gets an equal share.
        seed: of the run.
    """
    total = chunks * per_chunk
    names = list(mix)
    exact = np.array([mix[name] * total for name in names])
    counts = np.floor(exact).astype(np.int64)
    for row in np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]:
        counts[row] += 1
    rng = generator(seed, "golden", "mix")
    # The slots of one type stand together and are dealt out chunk by chunk, like cards.
    types = np.repeat(np.arange(len(names)), counts)
    order = rng.permutation(chunks)
    dealt: list[list[Wanted]] = [[] for _ in range(chunks)]
    # Equal shares within every type; shuffled there, so that no language is tied to a place.
    spoken = np.arange(total) % len(languages)
    for row in range(len(names)):
        rng.shuffle(spoken[counts[:row].sum() : counts[: row + 1].sum()])
    for place, (type_, language) in enumerate(zip(types.tolist(), spoken.tolist(), strict=True)):
        dealt[int(order[place % chunks])].append(Wanted(names[type_], languages[language]))
    return dealt
