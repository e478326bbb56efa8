"""What the user gave beside the folder: corpora, golden sets and answers, read once."""

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.view.settings import Settings

T = TypeVar("T")


class Fitting(NamedTuple):
    """Of what was given, that which certain evaluations were made of."""

    corpus: tuple[Path, ...]
    golden: tuple[Path, ...]
    answers: tuple[Path, ...]


class Library:
    """Reads each file when it is first needed, and keeps what it read."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._kept: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def indexed(self, path: Path) -> tuple[Corpus, Chunks]:
        """The documents, and what was cut from them.

        Raises:
            InputError: they cannot be read.
        """
        return self._once(("corpus", path), lambda: self._read_corpus(path))

    def golden(self, path: Path) -> GoldenSet:
        """A golden set.

        Raises:
            InputError: it cannot be read.
        """
        from ragbench.io.golden_files import read_golden

        return self._once(("golden", path), lambda: read_golden(path))

    def check(self) -> None:
        """Read the golden sets now, so that a wrong one is told at the start.

        Raises:
            InputError: one cannot be read.
        """
        for path in self.settings.golden:
            self.golden(path)

    def golden_of(self, fingerprint: str) -> tuple[Path, GoldenSet] | None:
        """The golden set with this fingerprint, and where it lies."""
        for path in self.settings.golden:
            if self.golden(path).fingerprint == fingerprint:
                return path, self.golden(path)
        return None

    def fitting(self, chunks: set[str], goldens: set[str], answers: set[str]) -> Fitting:
        """What evaluations with these fingerprints were made of."""
        given = self.settings
        return Fitting(
            tuple(path for path in given.corpus if chunks and self.indexed(path)[1].fingerprint in chunks),
            tuple(path for path in given.golden if self.golden(path).fingerprint in goldens),
            tuple(path for path in given.answers if answers and self._answers(path) in answers),
        )

    def _answers(self, path: Path) -> str:
        from ragbench.io.answer_files import read_answers

        ids = {item.text: item.id for golden in self.settings.golden for item in self.golden(golden)}
        return self._once(("answers", path), lambda: read_answers(path, ids=ids).fingerprint)

    def _read_corpus(self, path: Path) -> tuple[Corpus, Chunks]:
        from ragbench.corpus.chunk import chunk_corpus
        from ragbench.corpus.load import load_corpus

        loaded = load_corpus(path)
        return loaded.corpus, chunk_corpus(loaded, self.settings.chunker).chunks

    def _once(self, key: Hashable, read: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read()
            return cast(T, self._kept[key])
