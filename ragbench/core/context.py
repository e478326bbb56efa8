"""The context of a job beside its data: cache folder, seed and random generators, and progress."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Advance = Callable[[int], None]
"""Called with the number of steps done since the last call."""

Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""``with progress(what, total) as advance: advance(steps)``."""


def silent(what: str, total: int) -> AbstractContextManager[Advance]:
    """Report no progress."""
    return nullcontext(lambda steps: None)


def unheard(line: str) -> None:
    """Drop a line."""


@dataclass(frozen=True)
class Context:
    """Where and how a job runs. Only ``seed`` and ``repeat`` may change a result.

    Attributes:
        cache: folder for data that runs share, such as embeddings; None stores nothing.
        seed: seed of everything with a random part, such as IVF training.
        progress: ``with progress(what, total) as advance: advance(n)``.
        say: takes a line for the user while a job runs. A command prints it, and so does a notebook.
        stored_queries: whether retrievers keep the vectors of queries in the cache, too. An evaluation measures the
            time of an answer, so there they are made anew in each search.
        token_embedders: fingerprints of the embedders whose token vectors will be needed beside the sentence vectors,
            so that one pass over the texts gives both.
        repeat: number of the run, from 0, where a system is run several times. A cached answer of a language model
            belongs to one run.
    """

    cache: Path | None = None
    seed: int = 0
    progress: Progress = field(default=silent)
    say: Callable[[str], None] = field(default=unheard)
    stored_queries: bool = False
    token_embedders: frozenset[str] = frozenset()
    repeat: int = 0


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """Return a random generator that depends only on the seed and the purpose.

    Two purposes never share a stream, so a new draw in one place changes no
    number in another.
    """
    digest = hashlib.blake2b("\0".join(purpose).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
