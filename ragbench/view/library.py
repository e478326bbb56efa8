"""The inputs besides the folder: corpora, golden sets and answers, read once."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ragbench.core.documents import Corpus
from ragbench.core.errors import RagbenchError
from ragbench.core.goldens import GoldenSet
from ragbench.io.inputs import Input
from ragbench.render.html.texts import CORPUS, GOLDEN, Indexed, Named, Origin, Part, Texts, corpus_input, read_texts
from ragbench.view.runs import FoundRun
from ragbench.view.settings import Settings

T = TypeVar("T")


class Library:
    """Reads each file at its first use, as a report would read it, and keeps the content."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._corpora, self._goldens = self._once(CORPUS), self._once(GOLDEN)

    def indexed(self, path: Path) -> Indexed:
        """Return the documents and their chunks.

        Raises:
            InputError: they cannot be read.
        """
        return self._corpora.read(corpus_input(path, self.settings.chunker))

    def check(self, runs: Callable[[], Sequence[FoundRun]]) -> None:
        """Read the golden sets now, so that a wrong one is reported at the start.

        Args:
            runs: evaluations, one of which may record how a set is read.

        Raises:
            InputError: one cannot be read.
        """
        for path in self.settings.golden:
            try:
                self._goldens.read(Input(path))
            except RagbenchError:
                if self._texts(runs(), Named(golden=(path,))).golden is None:
                    raise

    def golden_of(self, run: FoundRun) -> tuple[Path, GoldenSet] | None:
        """Return the golden set of an evaluation, and its path."""
        texts = self._texts([run], Named(golden=self.settings.golden))
        return None if texts.golden is None else (texts.inputs[run.key]["golden"].path, texts.golden)

    def corpus_of(self, run: FoundRun) -> Corpus | None:
        """Return the documents of an evaluation."""
        texts = self._texts([run], Named(self.settings.corpus, self.settings.chunker))
        return texts.indexed[run.key].corpus if run.key in texts.indexed else None

    def texts_of(self, run: FoundRun) -> Texts:
        """Return the documents and the golden set of an evaluation, named by the user or recorded, under its key."""
        given = self.settings
        return self._texts([run], Named(given.corpus, given.chunker, given.golden), left_out="")

    def fitting(self, runs: Sequence[FoundRun]) -> Named:
        """Select the inputs that belong to these evaluations."""
        given = self.settings
        texts = self._texts(runs, Named(given.corpus, given.chunker, given.golden, given.answers))

        def of(kind: str) -> tuple[Path, ...]:
            return tuple(dict.fromkeys(one[kind].path for one in texts.inputs.values() if kind in one))

        return Named(of("corpus"), given.chunker, of("golden"), of("answers"))

    def _texts(self, runs: Sequence[FoundRun], named: Named, left_out: str = "the viewer") -> Texts:
        origins = [Origin((run.key,), run.manifest or {}, run.folder) for run in runs]
        only = replace(named, left_out=left_out, strict=False)
        return read_texts(origins, only, self._corpora, self._goldens)

    def _once(self, part: Part[T]) -> Part[T]:
        """Wrap a kind of input so that each file is read once."""
        kept: dict[tuple[Path, str], T] = {}

        def read(given: Input) -> T:
            key = (given.path, json.dumps(given.options, sort_keys=True))
            with self._lock:
                if key not in kept:
                    kept[key] = part.read(given)
                return kept[key]

        return replace(part, read=read)
