"""Inputs that several jobs share: a path, or what a Python user has loaded already."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import named
from ragbench.corpus.clean import Cleaned
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.io.answer_files import read_answers
from ragbench.io.golden_files import read_golden
from ragbench.io.golden_files.common import whole_documents
from ragbench.io.human_labels import read_human_labels
from ragbench.render.numbers import counted
from ragbench.workflows.groups import CorpusLoading, GoldenReading


def read_corpus(corpus: Path | Corpus, how: CorpusLoading, context: Context) -> Loaded:
    """Read the documents, unless they are loaded already.

    Args:
        corpus: their path, or the documents.
        how: how they are read.
        context: of the job.

    Raises:
        InputError: there is nothing to read.
        SettingError: the loader is unknown, or it is given for documents that are loaded already.
    """
    if isinstance(corpus, Path):
        loaded = load_corpus(corpus, how.loader, limits=how.file_limits, progress=context.progress, clean=how.clean)
        if loaded.cleaned is not None:
            context.say(cleaned_line(loaded.cleaned, len(loaded.corpus)))
        return loaded
    for option in ("loader", "clean"):
        if getattr(how, option) is not None:
            raise SettingError(f"{named(option)} applies to a path only, and {named('corpus')} is loaded already")
    return Loaded(corpus)


def cleaned_line(cleaned: Cleaned, documents: int) -> str:
    """``cleaned HTML in 37 of 500 documents: 412 tags and 63 entities``."""
    if not cleaned.documents:
        return f"cleaned HTML: none of {documents:,} documents has any"
    return (
        f"cleaned HTML in {cleaned.documents:,} of {documents:,} documents: {counted(cleaned.tags, 'tag')} and "
        f"{counted(cleaned.entities, 'entity')}"
    )


def read_set(golden: Path | GoldenSet, how: GoldenReading | None = None, *, split: str | None = None) -> GoldenSet:
    """Read the golden set, unless it is loaded already.

    Raises:
        InputError: there is no such file, or it is damaged.
        SettingError: the format is unknown, or how to read is given for a set that is loaded already.
    """
    how = how or GoldenReading()
    if isinstance(golden, Path):
        return read_golden(golden, how.golden_format, split=split, columns=how.golden_columns)
    given = {"golden_format": how.golden_format, "golden_columns": how.golden_columns, "split": split}
    for option, value in given.items():
        if value:
            raise SettingError(f"{named(option)} applies to a path only, and {named('golden')} is loaded already")
    return golden


def read_human(human: Path | Judgements | GoldenSet | None) -> Judgements | AnnotatorLabels | None:
    """Read the labels of annotators, unless they are loaded already. The evidence of a golden set counts for documents.

    Raises:
        InputError: there is no such file, it has no label, or a row is wrong.
    """
    if isinstance(human, GoldenSet):
        return Judgements.from_dict(whole_documents(human)[0])
    return read_human_labels(human) if isinstance(human, Path) else human


def read_answer_set(
    answers: Path | AnswerSet, *, columns: Mapping[str, str] | None, name: str | None, ids: Mapping[str, str] | None
) -> AnswerSet:
    """Read the answers of a system, unless they are loaded already.

    Args:
        answers: a folder of 'ragbench answer', a file, or the answers.
        columns: column by role, where a file does not use one of the known names.
        name: name of the system; that of the answers if None.
        ids: query id by query text, for a file without ids.

    Raises:
        InputError: there is no such file, or it is damaged.
        SettingError: a role or column does not exist, or columns are given for answers that are loaded already.
    """
    if isinstance(answers, Path):
        return read_answers(answers, columns=columns, name=name, ids=ids)
    if columns:
        raise SettingError(f"{named('columns')} applies to a path only, and {named('answers')} is loaded already")
    return answers if name is None else replace(answers, name=name)
