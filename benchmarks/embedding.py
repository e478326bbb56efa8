"""The default embedder against the same model used in the plainest ways."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.timing import in_turns, medians
from ragbench.core.cores import usable_cores
from ragbench.models.embed.minilm import MODEL, MiniLM, _load, _package_file

LEAST_TIMES = 1.25
TEXTS, QUERIES = 12, 100
LONG = range(225, 257)
"""Tokens of a long text; about 240 on average."""
SECONDS = 15.0
HOW = (
    "The texts are abstracts of SciFact with 225 to 256 tokens, and queries of SciFact. Each line embeds the same "
    "texts in several ways, in turns, and the figure is the ratio of the median times. 'all cores on one text' is the "
    "published model in one session of ONNX Runtime with as many threads as cores. 'published model' is one session in "
    "which each thread embeds one text, with the steps that only padding needs. Processor time is the sum over all "
    "threads. "
    "The vectors are compared byte by byte."
)


def run(options: Options) -> Section:
    """Long texts by wall time and processor time, and queries by processor time."""
    if not (options.data / "scifact").is_dir():
        sys.exit(f"there is no folder {options.data / 'scifact'}; say where the public collections are: --data DIR")
    corpus, golden = public_collections.scifact(options.data / "scifact")
    tokenizer, _ = _load(256)
    contents = (f"{document.title} {document.text}" for document in corpus.documents)
    long = [text for text in contents if len(tokenizer.encode(text).ids) in LONG]
    texts, queries = long[:TEXTS], [item.text for item in golden][:QUERIES]
    if options.small:
        texts, queries = texts[:2], queries[:4]
    cores = usable_cores()
    alone, together = session(1), session(cores)
    budget = 0.0 if options.small else SECONDS
    return Section(
        "embedding",
        "Embedding",
        HOW,
        (
            ratio(
                f"{len(texts)} texts of about 240 tokens, {cores} cores",
                "wall time",
                {
                    "here": lambda: MiniLM().encode(texts, "passage"),
                    "all cores on one text": lambda: embedded(together, texts, 1),
                    "published model": lambda: embedded(alone, texts, cores),
                },
                time.perf_counter,
                budget,
            ),
            ratio(
                f"{len(texts)} texts of about 240 tokens, {cores} cores",
                "processor time",
                {
                    "here": lambda: MiniLM().encode(texts, "passage"),
                    "published model": lambda: embedded(alone, texts, cores),
                },
                time.process_time,
                budget,
            ),
            ratio(
                f"{len(queries)} queries, {cores} cores",
                "processor time",
                {
                    "here": lambda: MiniLM().encode(queries, "query"),
                    "published model": lambda: embedded(alone, queries, cores),
                },
                time.process_time,
                budget / 2,
            ),
            same_bytes([*texts, *queries], embedded(alone, [*texts, *queries], 1)),
        ),
    )


def session(threads: int) -> Any:
    """The model as its package has it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_package_file(*MODEL)), options, providers=["CPUExecutionProvider"])


def embedded(model: Any, texts: Sequence[str], workers: int) -> npt.NDArray[np.float32]:
    """Sentence vectors (n, 384) of the texts, one text a call, by so many threads."""
    tokenizer, _ = _load(256)

    def one(text: str) -> npt.NDArray[np.float32]:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean: npt.NDArray[np.float32] = model.run(None, feed)[0][0].mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)

    with ThreadPoolExecutor(workers) as pool:
        return np.stack(list(pool.map(one, texts)))


def ratio(
    what: str, measure: str, jobs: dict[str, Callable[[], Any]], clock: Callable[[], float], budget: float
) -> Figure:
    """The first peer's time over ours; the other peers stand beside it."""
    seconds = medians(in_turns(jobs, budget, clock))
    ours = seconds.pop("here")
    first = next(iter(seconds))
    times = seconds[first] / ours
    shown = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    return Figure(
        what,
        f"{measure}, {first} / ragbench",
        times,
        "x",
        target=f"at least {LEAST_TIMES} x",
        met=times >= LEAST_TIMES,
        peer=f"{shown}, here {ours:.2f} s",
    )


def same_bytes(texts: Sequence[str], published: npt.NDArray[np.float32]) -> Figure:
    """The share of the vectors that are equal to the last bit."""
    share = float((MiniLM().encode(texts, "passage") == published).all(axis=1).mean())
    return Figure(
        f"{len(texts)} texts",
        "vectors equal to the published model's, bit by bit",
        share,
        target="1",
        met=share == 1,
    )


if __name__ == "__main__":
    sys.exit(main(only="embedding"))
