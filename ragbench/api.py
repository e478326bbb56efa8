"""What a notebook calls: the same objects as the commands, in a few functions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scores import Scores
from ragbench.corpus.chunk import choose_chunker
from ragbench.corpus.chunk import chunk as _chunk
from ragbench.corpus.load import load_corpus as _load
from ragbench.harness.evaluate import DEFAULT_RETRIEVERS
from ragbench.harness.evaluate import evaluate as _evaluate
from ragbench.harness.results import Evaluation
from ragbench.harness.settings import Settings
from ragbench.io.cache import cache_folder
from ragbench.io.golden_files import read_golden as load_golden
from ragbench.io.golden_files import write_golden as save_golden
from ragbench.io.run_files import read_run
from ragbench.metrics.score import score
from ragbench.retrievers.base import Retriever

__all__ = [
    "Chunk",
    "Chunks",
    "Corpus",
    "Document",
    "Evaluation",
    "Evidence",
    "GoldenItem",
    "GoldenSet",
    "InputError",
    "Judgements",
    "RagbenchError",
    "Run",
    "Scores",
    "SettingError",
    "Settings",
    "Span",
    "chunk",
    "evaluate",
    "load_corpus",
    "load_golden",
    "read_run",
    "save_golden",
    "score",
]


def load_corpus(path: Path | str, loader: str | None = None) -> Corpus:
    """Documents of a file or folder; what was skipped is in ``corpus.ledger``.

    Raises:
        InputError: there is nothing to read.
    """
    return _load(Path(path), loader).corpus


def chunk(corpus: Corpus, chunker: str = "recursive") -> Chunks:
    """Cut every document (``"fixed:size=1200,overlap=200"``); ``"whole"`` leaves them as they are.

    What was skipped, also while the corpus was loaded, is in ``chunks.ledger``.

    Raises:
        SettingError: no such chunker, or it has no such setting.
    """
    return _chunk(corpus, choose_chunker(chunker, passages=False).chunker)[0]


def evaluate(
    chunks: Chunks,
    golden: GoldenSet,
    retrievers: Sequence[str | Mapping[str, object] | Retriever] = DEFAULT_RETRIEVERS,
    *,
    settings: Settings | None = None,
    cache: Path | str | None = None,
) -> Evaluation:
    """Run each retriever over the golden set, score it, and compare it with the first.

    Args:
        chunks: what is indexed.
        golden: queries and evidence.
        retrievers: specs (``"bm25:k1=1.2"``) or retriever objects; each is one arm.
        settings: cut-offs, metrics, level, seed (`ragbench.Settings`).
        cache: folder for embeddings and runs; the user's cache folder if None.

    Raises:
        SettingError: a retriever or metric is unknown or set wrongly; every fault is listed.
        InputError: corpus and golden set do not fit together.
    """
    return _evaluate(chunks, golden, retrievers, settings, context=Context(cache=cache_folder(cache)))
