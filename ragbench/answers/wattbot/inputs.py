"""Read the inputs of a WattBot run: questions, metadata and pages of documents."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragbench.answers.wattbot.score.sheet import BLANK, ID, QUESTION, UNIT, check_ids, read_columns
from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.pdf import PdfLoader
from ragbench.io.encoding import read_text


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


def document_files(folder: Path, ids: Iterable[str]) -> tuple[dict[str, Path], list[LedgerEntry]]:
    """Find the file of each document: ``ID.pdf``, or its extracted text in ``ID_chunks.json`` or ``ID.json``.

    Returns:
        The files by id, in the order of the ids, and an entry for each id
        without a file and for each such file without an id.

    Raises:
        InputError: there is no such folder, or it has none of the documents.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that holds the PDFs or the extracted chunks")
    inside = folder.resolve()
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.endswith(ENDINGS)]
    there = {path.name: path for path in files if path.resolve().is_relative_to(inside)}
    found: dict[str, Path] = {}
    entries = []
    for id_ in ids:
        path = next((there[id_ + ending] for ending in ENDINGS if id_ + ending in there), None)
        if path is None:
            reason = f"the metadata name it, and {folder} has no {id_}.pdf or {id_}_chunks.json"
            entries.append(LedgerEntry("pages", id_, reason, "missing-document"))
        else:
            found[id_] = path
    used = {path.name for path in found.values()}
    entries += [
        LedgerEntry("pages", name, "the metadata do not name it, so it is not read", "not-in-metadata")
        for name in there
        if name not in used
    ]
    entries += [
        LedgerEntry("pages", path.name, "a link that leads out of the folder is not followed", "link")
        for path in files
        if path.name not in there
    ]
    if not found:
        raise InputError(f"{folder}: holds none of the documents that the metadata name")
    return found, entries


def read_pages(files: dict[str, Path]) -> tuple[list[Page], list[LedgerEntry]]:
    """Read the pages that hold text. The issue log names files that cannot be read and pages without text.

    Args:
        files: files by document id.

    Raises:
        MissingExtra: there is a PDF, and the library for PDFs is not installed.
    """
    pages: list[Page] = []
    entries: list[LedgerEntry] = []
    for id_, path in files.items():
        try:
            found = _pdf(id_, path, entries) if path.suffix == ".pdf" else _extracted(id_, path)
        except InputError as error:
            entries.append(LedgerEntry("pages", id_, str(error), "unreadable"))
            continue
        pages += found
    return pages, entries


def _pdf(id_: str, path: Path, entries: list[LedgerEntry]) -> list[Page]:
    pages: list[Page] = []
    for item in PdfLoader().load(path, path.name):
        if isinstance(item, LedgerEntry):
            entries.append(item._replace(stage="pages"))
        elif isinstance(item, Document):
            spans = item.metadata["pages"]
            assert isinstance(spans, list)
            pages += [Page(id_, number, item.text[start:end]) for number, (start, end) in enumerate(spans, 1)]
    return [page for page in pages if page.text.strip()]


def _extracted(id_: str, path: Path) -> list[Page]:
    """Read a JSON list of ``{"content": ..., "page": ...}``, and join its pieces by page."""
    text, _ = read_text(path)
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name}: no sound JSON ({error})") from error
    if not isinstance(rows, list):
        raise InputError(f"{path.name}: is no list of chunks")
    pieces: dict[int, list[str]] = {}
    for number, row in enumerate(rows):
        page, content = (row.get("page"), row.get("content")) if isinstance(row, dict) else (None, None)
        if not isinstance(page, int) or isinstance(page, bool) or not isinstance(content, str):
            raise InputError(f"{path.name}: chunk {number} has no text 'content' and whole number 'page'")
        pieces.setdefault(page, []).append(content)
    pages = [Page(id_, page, "\n".join(parts).strip()) for page, parts in sorted(pieces.items())]
    found = [page for page in pages if page.text]
    if not found:
        raise InputError(f"{path.name}: no chunk of it holds text")
    return found
