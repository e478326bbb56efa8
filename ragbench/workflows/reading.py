"""Inputs that several jobs share: a path, or what a Python user has loaded already."""

from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.options import named
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.io.golden_files import read_golden


def read_corpus(corpus: Path | Corpus, loader: str | None, context: Context) -> Loaded:
    """Read the documents, unless they are loaded already.

    Raises:
        InputError: there is nothing to read.
        SettingError: the loader is unknown, or it is given for documents that are loaded already.
    """
    if isinstance(corpus, Path):
        return load_corpus(corpus, loader, progress=context.progress)
    if loader is not None:
        raise SettingError(f"{named('loader')} applies to a path only, and {named('corpus')} is loaded already")
    return Loaded(corpus)


def read_set(golden: Path | GoldenSet, golden_format: str | None = None) -> GoldenSet:
    """Read the golden set, unless it is loaded already.

    Raises:
        InputError: there is no such file, or it is damaged.
        SettingError: the format is unknown, or it is given for a set that is loaded already.
    """
    if isinstance(golden, Path):
        return read_golden(golden, golden_format)
    if golden_format is not None:
        raise SettingError(f"{named('golden_format')} applies to a path only, and {named('golden')} is loaded already")
    return golden
