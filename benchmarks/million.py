"""Dense flat search over a million chunks whose embeddings are stored: time and peak memory."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.child import run_module
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.memory import peak_gib
from ragbench.core.context import Advance, Context
from ragbench.core.documents import Chunks
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.engine import QUERIES_PER_BATCH, embed
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.retrievers._neighbours import exact
from ragbench.retrievers.dense import DenseIndex

CHUNKS, QUERIES, K, WIDTH = 1_000_000, 1_000, 100, 384
MOST_GIB = 6.0
HOW = (
    f"There are {CHUNKS:,} chunks with short texts, and random unit vectors of {WIDTH} dimensions that were written "
    "into the vector store beforehand. A new process hashes the texts, looks them up in the store, and searches "
    f"exactly on the CPU for the top {K} of {QUERIES:,} queries. Peak memory is that of the whole process, with ids, "
    "texts and memory-mapped pages. The peer, in its own process, is faiss.IndexFlatIP: it reads the store's files "
    "one by one and adds them, without ids and texts."
)


@dataclass(frozen=True)
class Synthetic(Embedder):
    """A random unit vector for each text; the same batch of texts gives the same vectors."""

    def fingerprint(self) -> str:
        return fingerprint(["benchmark: synthetic", WIDTH])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        rng = np.random.default_rng([len(texts), *texts[0].encode()])
        vectors = rng.standard_normal((len(texts), WIDTH), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def synthetic_chunks(count: int) -> Chunks:
    """One chunk a document, with texts of about 60 characters."""
    ids = [f"chunk-{i:07d}" for i in range(count)]
    return Chunks(
        ids=ids,
        texts=[f"Passage {i} of the synthetic corpus, which stands for a text." for i in range(count)],
        document_ids=ids,
        document_index=np.arange(count, dtype=np.int32),
        starts=np.zeros(count, dtype=np.int64),
        ends=np.full(count, 60, dtype=np.int64),
        titles=[""] * count,
    )


def queries(count: int) -> list[Query]:
    """Queries whose vectors `Synthetic` makes up."""
    return [Query(f"q{i}", f"query {i}") for i in range(count)]


def write_store(folder: Path, count: int) -> dict[str, float]:
    """Embed and store every chunk."""
    start = time.perf_counter()
    vectors = embed(Synthetic(), synthetic_chunks(count).contents, "passage", Context(cache=folder)).vectors
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rows": float(len(vectors))}


def search_ours(folder: Path, count: int) -> dict[str, float]:
    """What `Dense.index` and the harness do, with an embedder that costs nothing."""
    start = time.perf_counter()
    chunks = synthetic_chunks(count)
    made = time.perf_counter()
    vectors, encoded, _ = embed(Synthetic(), chunks.contents, "passage", Context(cache=folder))
    index = DenseIndex(Synthetic(), exact(vectors, "cpu"), chunks.ids)
    indexed = time.perf_counter()
    asked = queries(QUERIES if count == CHUNKS else 20)
    found = 0
    for first in range(0, len(asked), QUERIES_PER_BATCH):
        found += len(index.search(asked[first : first + QUERIES_PER_BATCH], K).items)
    searched = time.perf_counter()
    if encoded or found != len(asked) * K:
        sys.exit(f"{encoded} vectors were not in the store, {found} results came back")
    return {
        "chunks_s": made - start,
        "index_s": indexed - made,
        "search_s": searched - indexed,
        "qps": len(asked) / (searched - indexed),
        "peak_gib": peak_gib(),
    }


def search_faiss(folder: Path, count: int) -> dict[str, float]:
    """FAISS as its own documentation has it."""
    import faiss

    shards = sorted(folder.rglob("*.npy"))
    asked = Synthetic().encode([query.text for query in queries(QUERIES if count == CHUNKS else 20)], "query")
    start = time.perf_counter()
    index = faiss.IndexFlatIP(WIDTH)
    for shard in shards:  # one at a time, the way that needs the least memory
        index.add(np.load(shard))
    indexed = time.perf_counter()
    index.search(asked, K)
    searched = time.perf_counter()
    return {
        "index_s": indexed - start,
        "search_s": searched - indexed,
        "qps": len(asked) / (searched - indexed),
        "peak_gib": peak_gib(),
    }


PARTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "store": write_store,
    "ours": search_ours,
    "faiss": search_faiss,
}


def run(options: Options) -> Section:
    """Write the store, then measure both, each in a process of its own."""
    count = 10_000 if options.small else CHUNKS
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for part in PARTS:
            options.say(f"  {part}")
            found[part] = run_module("benchmarks.million", "--part", part, "--folder", folder, "--count", str(count))
    ours, peer = found["ours"], found["faiss"]
    what = f"{count:,} x {WIDTH}, dense flat"
    figures = (
        Figure(
            what,
            "peak memory",
            ours["peak_gib"],
            "GiB",
            target=f"under {MOST_GIB:g} GiB",
            met=ours["peak_gib"] < MOST_GIB,
            peer=f"FAISS alone {peer['peak_gib']:.2f} GiB",
        ),
        Figure(what, "index from the store", ours["index_s"], "s", peer=f"FAISS add() {peer['index_s']:.2f} s"),
        Figure(what, "search", ours["search_s"], "s", peer=f"FAISS {peer['search_s']:.2f} s"),
        Figure(what, "queries a second", ours["qps"], "/s", peer=f"FAISS {peer['qps']:.0f} /s"),
        Figure(what, "make and store the vectors, once", found["store"]["seconds"], "s"),
    )
    return Section("million", "A million chunks", HOW, figures)


if __name__ == "__main__":
    if "--part" in sys.argv:
        parser = argparse.ArgumentParser()
        parser.add_argument("--part", choices=PARTS)
        parser.add_argument("--folder", type=Path)
        parser.add_argument("--count", type=int)
        given = parser.parse_args()
        print(json.dumps(PARTS[given.part](given.folder, given.count)))
        sys.exit()
    sys.exit(main(only="million"))
