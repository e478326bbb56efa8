"""Read the inputs of a WattBot run: questions, metadata and pages of documents."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragbench.answers.wattbot.extracted import PAGE, ExtractedLoader
from ragbench.answers.wattbot.score.sheet import BLANK, ID, QUESTION, UNIT, check_ids, read_columns
from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.file_limits import FileLimits, OverLimit
from ragbench.corpus.load import read_contents
from ragbench.corpus.loaders.pdf import PdfLoader
from ragbench.corpus.reading import Source


class Question(NamedTuple):
    """One question. ``unit`` is the unit of its value, ``is_blank`` for none."""

    id: str
    text: str
    unit: str


def read_questions(path: Path) -> list[Question]:
    """Read a questions file, ``train_QA.csv`` or ``test_Q.csv``. Answers in it are ignored.

    Raises:
        InputError: the file is not a table, lacks the column ``id`` or ``question``, has an id that is empty or
            occurs twice, or an empty question.
    """
    columns = read_columns(path, (ID, QUESTION))
    check_ids(path, columns[ID])
    units = columns.get(UNIT, [""] * len(columns[ID]))
    found = [
        Question(id_, " ".join(text.split()), unit.strip() or BLANK)
        for id_, text, unit in zip(columns[ID], columns[QUESTION], units, strict=True)
    ]
    for question in found:
        if not question.text:
            raise InputError(f"{path}: question {question.id!r} is empty; write it, or remove the row")
    return found


@dataclass(frozen=True)
class Metadata:
    """The metadata of the documents, in the order of the file.

    Attributes:
        urls: address by document id.
        titles: title by document id; empty if there is none.
    """

    urls: Mapping[str, str]
    titles: Mapping[str, str]

    @property
    def ids(self) -> list[str]:
        """All ids, in order."""
        return list(self.urls)


def read_metadata(path: Path) -> Metadata:
    """Read the metadata file, in any common encoding.

    Raises:
        InputError: the file is not a table, lacks ``id`` or ``url``, or has an id that is empty or occurs twice.
    """
    columns = read_columns(path, (ID, "url"))
    ids = columns[ID]
    check_ids(path, ids)
    titles = columns.get("title", [""] * len(ids))
    return Metadata(
        {id_: url.strip() for id_, url in zip(ids, columns["url"], strict=True)},
        {id_: " ".join(title.split()) for id_, title in zip(ids, titles, strict=True)},
    )


ENDINGS = (".pdf", "_chunks.json", ".json")


class Page(NamedTuple):
    """One page of a document, counted from 1."""

    document_id: str
    number: int
    text: str


def document_files(
    folder: Path, ids: Iterable[str], name: Path | None = None
) -> tuple[dict[str, Path], list[LedgerEntry]]:
    """Find the file of each document: ``ID.pdf``, or its extracted text in ``ID_chunks.json`` or ``ID.json``.

    Args:
        folder: where the files are.
        ids: the ids of the documents.
        name: what messages call the folder, if it was unpacked from an archive.

    Returns:
        The files by id, in the order of the ids, and an entry for each id
        without a file and for each such file without an id.

    Raises:
        InputError: there is no such folder, or it has none of the documents.
    """
    name = name or folder
    if not folder.is_dir():
        raise InputError(f"{name}: no such folder; name a folder or zip file with the PDFs or the extracted chunks")
    inside = folder.resolve()
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.endswith(ENDINGS)]
    there = {path.name: path for path in files if path.resolve().is_relative_to(inside)}
    found: dict[str, Path] = {}
    entries = []
    for id_ in ids:
        path = next((there[id_ + ending] for ending in ENDINGS if id_ + ending in there), None)
        if path is None:
            reason = f"the metadata name it, and {name} has no {id_}.pdf or {id_}_chunks.json"
            entries.append(LedgerEntry("pages", id_, reason, "missing-document"))
        else:
            found[id_] = path
    used = {path.name for path in found.values()}
    entries += [
        LedgerEntry("pages", file, "the metadata do not name it, so it is not read", "not-in-metadata")
        for file in there
        if file not in used
    ]
    entries += [
        LedgerEntry("pages", path.name, "a link that leads out of the folder is not followed", "link")
        for path in files
        if path.name not in there
    ]
    if not found:
        raise InputError(f"{name}: holds none of the documents that the metadata name")
    return found, entries


def read_pages(files: Mapping[str, Path], limits: FileLimits) -> tuple[list[Page], list[LedgerEntry]]:
    """Read the pages that hold text. The issue log names files that cannot be read and pages without text.

    Args:
        files: files by document id.
        limits: the longest time and the most memory for a file. A file over a limit is skipped.

    Raises:
        MissingExtra: there is a PDF, and the library for PDFs is not installed.
    """
    pages: list[Page] = []
    entries: list[LedgerEntry] = []
    sources = [Source(path, path.name, PdfLoader() if path.suffix == ".pdf" else ExtractedLoader())
               for path in files.values()]  # fmt: skip
    with closing(read_contents(sources, limits)) as contents:
        for id_, content in zip(files, contents, strict=True):
            entries += [issue._replace(stage="pages") for issue in content.issues]
            if content.fault is not None and not isinstance(content.fault, InputError):
                raise content.fault
            if content.fault is not None:
                code = "over-limit" if isinstance(content.fault, OverLimit) else "unreadable"
                entries.append(LedgerEntry("pages", id_, str(content.fault), code))
            for document in content.documents:
                pages += _pages(id_, document)
    return pages, entries


def _pages(id_: str, document: Document) -> list[Page]:
    """The pages of one document that hold text."""
    number, spans = document.metadata.get(PAGE), document.metadata.get("pages")
    if isinstance(number, int):
        return [Page(id_, number, document.text)]
    assert isinstance(spans, list)
    found = [Page(id_, number, document.text[start:end]) for number, (start, end) in enumerate(spans, 1)]
    return [page for page in found if page.text.strip()]
