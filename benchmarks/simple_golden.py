"""50,000 lines of a team's golden set, read, written and evaluated with BM25."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.command import main
from benchmarks.commands import processor_seconds, under
from benchmarks.figures import Options, Section
from benchmarks.startup import installed
from ragbench.corpus.load import load_corpus
from ragbench.golden.chunk_labels import LABEL_CHUNKER, label_chunks

QUERIES, DOCUMENTS, VOCABULARY = 50_000, 20_000, 20_000
MOST = 90.0
HOW = (
    f"The golden set has {QUERIES:,} lines with query, relevant_product_id and source_chunk_id, and the catalogue "
    f"{DOCUMENTS:,} made-up products (words by Zipf's law), which {LABEL_CHUNKER} cuts into some 33,000 chunks. A "
    "query has six neighbouring words of its chunk. `ragbench export` reads the lines and writes the native format, "
    "and reads that and writes the lines again, which must be the same bytes. `ragbench eval --level chunk --retriever "
    "bm25` reads and evaluates them. The figures are processor times of whole processes on a busy machine; the target "
    "is for the time on a clock."
)


def write(folder: Path, documents: int, queries: int) -> None:
    """The catalogue and the golden set."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(5, VOCABULARY + 5)
    weights /= weights.sum()
    with (folder / "catalog.jsonl").open("w") as file:
        for number in range(documents):
            words = rng.choice(VOCABULARY, rng.integers(60, 400), p=weights)
            row = {"product_id": f"P{number:05d}", "description": " ".join(f"w{word}" for word in words)}
            file.write(json.dumps(row) + "\n")
    chunks = label_chunks(load_corpus(folder / "catalog.jsonl").corpus, LABEL_CHUNKER)
    with (folder / "golden.jsonl").open("w") as file:
        for number in range(queries):
            row = int(rng.integers(len(chunks)))
            words = chunks.texts[row].split()
            start = int(rng.integers(max(1, len(words) - 6)))
            product, _, chunk = chunks.ids[row].partition("#")
            line = {"query": f"{' '.join(words[start : start + 6])} q{number}", "relevant_product_id": product}
            file.write(json.dumps({**line, "source_chunk_id": int(chunk)}) + "\n")


def run(options: Options) -> Section:
    """Both directions, and the evaluation."""
    command = installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, 300 if options.small else DOCUMENTS, 200 if options.small else QUERIES)
        read = [command, "export", "--golden", "golden.jsonl", "--to", "native", "--out", "native"]
        wrote = [command, "export", "--golden", "native", "--to", "simple", "--out", "again.jsonl"]
        evaluate = [command, "eval", "--golden", "again.jsonl", "--corpus", "catalog.jsonl", "--chunker", LABEL_CHUNKER,
                    "--level", "chunk", "--retriever", "bm25", "--out", "report"]  # fmt: skip
        seconds = []
        for words in (read, wrote, evaluate):
            options.say(f"  ragbench {words[1]}")
            seconds.append(processor_seconds(words, folder))
        if (folder / "again.jsonl").read_bytes() != (folder / "golden.jsonl").read_bytes():
            sys.exit("the lines that were written are not those that were read")
    figures = (
        under("lines in: export to native", seconds[0], MOST),
        under("lines out: export to simple", seconds[1], MOST),
        under("eval with bm25, chunks judged", seconds[2], MOST),
        under("all three", sum(seconds), MOST),
    )
    return Section("simple_golden", "A golden set of 50,000 lines", HOW, figures)


if __name__ == "__main__":
    sys.exit(main(only="simple_golden"))
