"""The context of a job beside its data: cache folder, seed and random generators, and progress."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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


class Crew(Protocol):
    """Workers that hold the parts of some chunks, and answer calls about them."""

    @property
    def bounds(self) -> Sequence[int]:
        """The first row of each part, and at the end the number of all rows."""
        ...

    def each(self, method: str, *given: object, own: Sequence[object] | None = None) -> list[Any]:
        """Call a method of the part of every worker, and return the results in the order of the parts.

        Args:
            method: its name.
            given: the arguments for every part.
            own: one further argument for each part, which is passed last.
        """
        ...


class Spread(Protocol):
    """Gives chunks to workers. Calls with the same two sequences return the same workers."""

    @property
    def name(self) -> str:
        """The kind and the number of the workers, as in ``ray, 2 workers``."""
        ...

    def __call__(self, ids: Sequence[str], contents: Sequence[str]) -> Crew:
        """The workers that hold these chunks: ids and contents, n each."""
        ...


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
        spread: gives the chunks to workers that search them; None if this process searches.
    """

    cache: Path | None = None
    seed: int = 0
    progress: Progress = field(default=silent)
    say: Callable[[str], None] = field(default=unheard)
    stored_queries: bool = False
    token_embedders: frozenset[str] = frozenset()
    repeat: int = 0
    spread: Spread | None = None


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """Return a random generator that depends only on the seed and the purpose.

    Two purposes never share a stream, so a new draw in one place changes no
    number in another.
    """
    digest = hashlib.blake2b("\0".join(purpose).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
