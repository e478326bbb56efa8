"""What ragbench adds to the libraries it calls: bm25s and FAISS directly, on the same work."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.timing import in_turns, medians
from ragbench.core.context import Advance, Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Query
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.io.places import cache_folder
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.embed.minilm import MiniLM
from ragbench.retrievers._neighbours import exact
from ragbench.retrievers.base import Index
from ragbench.retrievers.bm25 import BM25
from ragbench.retrievers.dense import Dense, DenseIndex

MOST = 1.05
SECONDS = 20.0
"""Time to spend on a line."""
K = 100
HOW = (
    "Each line does the same work twice, in turns. The first way is the retriever's index, which takes queries and "
    "gives a sorted, deduplicated Run with ids. The second way calls the library directly with the same settings, "
    "with texts or vectors as input and the library's arrays as output. The figure is the ratio of the medians, for "
    "the top 100 of every query. 'vectors ready' means that neither side counts the embedding of the queries."
)
Job = Callable[[], Any]


class Ready(Embedder):
    """Hands out vectors that are already there, so that only the search is timed."""

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        self._vectors = vectors

    def fingerprint(self) -> str:
        return "ready"

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        return self._vectors[: len(texts)]


def run(options: Options) -> Section:
    """bm25 and dense on SciFact, dense on synthetic vectors too."""
    if not (options.data / "scifact").is_dir():
        sys.exit(f"there is no folder {options.data / 'scifact'}; say where the public collections are: --data DIR")
    corpus, golden = public_collections.scifact(options.data / "scifact")
    chunks = chunk(corpus, choose_chunker("whole", passages=False).chunker)[0]
    queries = [Query(item.id, item.text) for item in golden]
    if options.small:
        queries = queries[:20]
    budget = 0.0 if options.small else SECONDS
    figures = [
        *bm25_figures(chunks, queries, budget),
        *scifact_dense(chunks, queries, budget),
        synthetic_dense(*((2_000, 20) if options.small else (100_000, 1_000)), budget),
    ]
    return Section("overhead", "Cost over the library itself", HOW, tuple(figures))


def compared(what: str, ours: Job, theirs: Job, budget: float, peer: str) -> Figure:
    """The ratio of one piece of work."""
    seconds = in_turns({"ours": ours, "theirs": theirs}, budget)
    middle = medians(seconds)
    ratio = middle["ours"] / middle["theirs"]
    fastest = min(seconds["ours"]) / min(seconds["theirs"])
    return Figure(
        what,
        "time",
        ratio,
        "x",
        target=f"at most {MOST} x",
        met=ratio <= MOST,
        peer=f"{peer}: {middle['theirs'] * 1e3:.1f} ms, here {middle['ours'] * 1e3:.1f} ms, "
        f"{len(seconds['ours'])} turns; ratio of the fastest {fastest:.2f}",
    )


def bm25_figures(chunks: Chunks, queries: Sequence[Query], budget: float) -> list[Figure]:
    """Indexing and searching against bm25s as its own documentation calls it."""
    import bm25s
    import Stemmer

    settings, texts = BM25(), [query.text for query in queries]

    def tokens(texts: Sequence[str]) -> Any:
        stemmer = Stemmer.Stemmer("english")
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    def build() -> Any:
        model = bm25s.BM25(method=settings.method, k1=settings.k1, b=settings.b, backend="numpy")
        model.index(tokens(chunks.contents), show_progress=False)
        return model

    index, model = settings.index(chunks, Context()), build()
    return [
        compared(
            f"bm25, SciFact: index {len(chunks):,} texts",
            lambda: settings.index(chunks, Context()),
            build,
            budget,
            "bm25s",
        ),
        compared(
            f"bm25, SciFact: search {len(queries)} queries",
            lambda: index.search(queries, K),
            lambda: model.retrieve(tokens(texts), k=K, show_progress=False, backend_selection="numpy"),
            budget,
            "bm25s",
        ),
    ]


def scifact_dense(chunks: Chunks, queries: Sequence[Query], budget: float) -> list[Figure]:
    """Searching SciFact with the default embedder, and with the query vectors ready."""
    import faiss

    dense, model, texts = Dense(device="cpu"), MiniLM(), [query.text for query in queries]
    index = dense.index(chunks, Context(cache=cache_folder()))
    vectors = model.encode(texts, "query")
    stored = np.ascontiguousarray(index._neighbours._vectors)  # type: ignore[attr-defined]
    flat = faiss.IndexFlatIP(stored.shape[1])
    flat.add(stored)
    ready = DenseIndex(Ready(vectors), exact(stored, "cpu"), chunks.ids)
    return [
        compared(
            f"dense, SciFact: embed and search {len(queries)} queries",
            lambda: index.search(queries, K),
            lambda: flat.search(model.encode(texts, "query"), K),
            budget,
            "same embedder + FAISS",
        ),
        compared(
            f"dense, SciFact: search {len(queries)} queries, vectors ready",
            lambda: ready.search(queries, K),
            lambda: flat.search(vectors, K),
            budget,
            "FAISS",
        ),
    ]


def synthetic_dense(rows: int, asked: int, budget: float) -> Figure:
    """Searching random unit vectors."""
    import faiss

    rng = np.random.default_rng(1)
    vectors = unit(rng, rows)
    wanted = unit(rng, asked)
    index: Index = DenseIndex(Ready(wanted), exact(vectors, "cpu"), [f"chunk-{i:07d}" for i in range(rows)])
    queries = [Query(f"q{i}", f"query {i}") for i in range(asked)]
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    return compared(
        f"dense, {rows:,} x 384: search {asked:,} queries, vectors ready",
        lambda: index.search(queries, K),
        lambda: flat.search(wanted, K),
        budget,
        "FAISS",
    )


def unit(rng: np.random.Generator, rows: int, width: int = 384) -> npt.NDArray[np.float32]:
    """Random vectors of length one."""
    vectors = rng.standard_normal((rows, width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    sys.exit(main(only="overhead"))
