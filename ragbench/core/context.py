"""Where work is done: what must not change a result, but for the seed."""

from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.progress import Progress, silent


@dataclass(frozen=True)
class Context:
    """Where an index is built; nothing in it may change a ranking but ``seed``.

    Attributes:
        cache: folder for what is kept between runs (embeddings), or None to keep nothing.
        seed: for retrievers with a random part (IVF training, HNSW).
        progress: ``with progress(what, total) as advance: advance(n)``.
        token_embedders: fingerprints of embedders whose token vectors of the chunks will be wanted beside the sentence
            vectors, so that one pass over the texts can give both.
    """

    cache: Path | None = None
    seed: int = 0
    progress: Progress = field(default=silent)
    token_embedders: frozenset[str] = frozenset()
