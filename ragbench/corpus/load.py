"""Read a file or folder as a corpus.

In a folder, every file is read by the loader that recognises its ending, in sorted order. A file that cannot be read is
skipped, with an entry in the corpus's issue log. Only a corpus without any document, duplicate ids, and a damaged table
(which could lose thousands of documents) are errors.
"""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ragbench import plugins
from ragbench.core.context import Progress, silent
from ragbench.core.documents import Chunks, Corpus, Document
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.corpus.clean import Clean, Cleaned, clean_documents
from ragbench.corpus.file_limits import FileLimits, OverLimit
from ragbench.corpus.loaders._chunk_rows import CHUNKS, chunks_of, for_file
from ragbench.corpus.loaders.base import Loader, NotDocuments
from ragbench.corpus.readers import read_apart
from ragbench.corpus.reading import Content, Source, read_items
from ragbench.io.archives import unpacked

ARCHIVE = ".zip"
"""Ending of a file that is unpacked and read as a folder."""
_ROOM = 50
_ROOM_FROM = 10_000_000


def restore_documents(chunks: Chunks) -> Corpus:
    """Restore documents in which ``document.text[start:end] == chunk.text`` holds for every chunk.

    Characters that no chunk covers become spaces, so that offsets, and the evidence of golden sets, stay valid.

    Raises:
        InputError: two chunks contradict each other about the same characters, or the offsets cover almost nothing.
    """
    lengths = [0] * len(chunks.document_ids)
    members: list[list[int]] = [[] for _ in lengths]
    for row, at in enumerate(chunks.document_index.tolist()):
        members[at].append(row)
        lengths[at] = max(lengths[at], int(chunks.ends[row]))
    written = sum(map(len, chunks.texts))
    if sum(lengths) > _ROOM_FROM + _ROOM * written:
        raise InputError(
            f"the chunks hold {written:,} characters, yet their offsets ask for {sum(lengths):,}; check start and end"
        )
    documents = []
    for at, rows in enumerate(members):
        pieces: list[str] = []
        done = 0
        for row in sorted(rows, key=lambda row: (int(chunks.starts[row]), int(chunks.ends[row]))):
            start, end, text = int(chunks.starts[row]), int(chunks.ends[row]), chunks.texts[row]
            if start > done:
                pieces.append(" " * (start - done))
                done = start
            if end > done:
                pieces.append(text[done - start :])
                done = end
        whole = "".join(pieces)
        for row in rows:
            if not whole.startswith(chunks.texts[row], int(chunks.starts[row])):
                raise InputError(
                    f"chunk {chunks.ids[row]!r} contradicts another chunk of document {chunks.document_ids[at]!r} "
                    "where they overlap; check start and end"
                )
        metadata = chunks.metadata[at] if chunks.metadata else {}
        documents.append(Document(chunks.document_ids[at], whole, chunks.titles[at], metadata))
    return Corpus(tuple(documents))


class Loaded(NamedTuple):
    """A corpus that was read.

    Attributes:
        corpus: the documents, with the issue log of what was skipped. For a file of chunks, the documents as far as the
            chunks cover them.
        cleaned: what was cleaned, if that was asked for.
    """

    corpus: Corpus
    cleaned: Cleaned | None = None

    @property
    def passages(self) -> bool:
        """Whether all documents are ready passages."""
        return self.corpus.passages

    @property
    def chunks(self) -> Chunks | None:
        """The chunks, if the input was a file of chunks."""
        return self.corpus.ready


def load_corpus(
    path: Path,
    loader: str | Mapping[str, object] | plugins.Spec | None = None,
    *,
    limits: FileLimits | None = None,
    progress: Progress | None = None,
    clean: Clean | None = None,
) -> Loaded:
    """Read a corpus.

    Hidden files, and links that lead out of the input, are not read. Ids of
    whole files are their paths relative to ``path``, with ``/``.

    Args:
        path: a file, or a folder. A zip file is read as the folder that it holds.
        loader: the loader to use, with its settings (``"csv:text_column=body"``).
            By default each file's ending decides. On a folder, a loader for
            files reads the files with its endings only.
        limits: the longest time and the most memory for a file. Files are then read in processes of their own; a file
            over a limit is skipped, with an entry in the issue log. By default there is no limit.
        progress: progress by file.
        clean: ``html`` turns HTML in titles, texts and metadata into the text that a reader sees.

    Raises:
        InputError: the path is missing, no document was found, ids occur twice, a table is damaged, or ready chunks are
            to be cleaned.
        SettingError: the loader does not exist, or has no such setting.
        MissingExtra: a file needs an optional library.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    given: Loader | None = None if loader is None else plugins.build(plugins.LOADERS, loader)
    with ExitStack() as stack:
        root, ledger = path, list[LedgerEntry]()
        if is_archive(path):
            root, ledger = stack.enter_context(unpacked(path))
        return _load(path, _sources(root, given, ledger), ledger, limits, progress, clean)


def is_archive(path: Path) -> bool:
    """Whether a path is that of a zip file of documents."""
    return path.suffix.lower() == ARCHIVE and path.is_file()


def _load(
    path: Path,
    sources: Sequence[Source],
    ledger: list[LedgerEntry],
    limits: FileLimits | None,
    progress: Progress | None,
    clean: Clean | None,
) -> Loaded:
    """Read the files of a corpus."""
    documents: list[Document] = []
    passages = True
    with (
        (progress or silent)("reading documents", len(sources)) as advance,
        closing(read_contents(sources, limits)) as contents,
    ):
        for source, content in zip(sources, contents, strict=True):
            ledger += content.issues
            if content.fault is not None:
                ledger.append(_skipped(source, content.fault, path))
            documents += content.documents
            passages = passages and (source.loader.passages or not content.documents)
            advance(1)
    try:
        chunks = chunks_of(documents, ledger)
        if chunks is not None:
            if clean:
                raise InputError(f"holds ready chunks; clean the documents before they are cut ({named('clean')})")
            skipped = Ledger(tuple(issue for issue in ledger if issue.code != CHUNKS))
            return Loaded(replace(restore_documents(chunks), ready=chunks, ledger=skipped))
        cleaned = None
        if clean == "html":
            documents, cleaned, without_text = clean_documents(documents)
            ledger += without_text
        return Loaded(Corpus(tuple(documents), Ledger(tuple(ledger)), passages), cleaned)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_contents(sources: Sequence[Source], limits: FileLimits | None) -> Generator[Content]:
    """What the files hold, in their order. Files over a limit, and those that cannot be read, have a fault.

    Args:
        sources: the files.
        limits: for each of them, if they are read in processes of their own; None to read them in this process.
    """
    if limits is not None and limits.any:
        yield from read_apart(sources, limits)
        return
    for source in sources:
        documents: list[Document] = []
        issues: list[LedgerEntry] = []
        fault: RagbenchError | None = None
        try:
            for item in read_items(source):
                if isinstance(item, Document):
                    documents.append(item)
                else:
                    issues.append(item)
        except RagbenchError as error:
            documents, fault = [], error
        yield Content(documents, issues, fault)


def _skipped(source: Source, fault: RagbenchError, corpus: Path) -> LedgerEntry:
    """The entry for a file of a corpus that cannot be read.

    Raises:
        RagbenchError: the fault is more than that of one file of several.
    """
    if not isinstance(fault, InputError):
        raise fault
    if source.path == corpus:
        raise _with_path(source, fault, corpus)
    if isinstance(fault, OverLimit):
        return _entry(source, fault, "over-limit")
    if isinstance(fault, NotDocuments):
        return _entry(source, fault, "not-documents")
    if source.loader.passages:
        raise _with_path(source, fault, corpus / source.name)
    return _entry(source, fault, "unreadable")


def _with_path(source: Source, error: InputError, path: Path) -> InputError:
    """The error of a loader, with the path that the user gave where the loader names the document."""
    message = str(error)
    if not source.name or not message.startswith(source.name):
        return error
    return type(error)(f"{path}{message.removeprefix(source.name)}")


def _entry(source: Source, error: InputError, code: str) -> LedgerEntry:
    return LedgerEntry("load", source.name, str(error).removeprefix(f"{source.name}: "), code)


def _sources(path: Path, given: Loader | None, ledger: list[LedgerEntry]) -> list[Source]:
    """List the files to read, in order, each with its loader. The issue log lists skipped ones."""
    if path.is_file():
        if given is not None and given.folders:
            raise InputError(f"{path}: this loader reads folders; give it the folder")
        chosen = given or for_file(path) or _recogniser(path)
        if chosen is None:
            raise InputError(f"{path}: no loader knows this ending; name one with a loader (text, csv, jsonl, ...)")
        return [Source(path, path.name, chosen)]
    whole = given if given is not None and given.folders else None if given is not None else _recogniser(path)
    if whole is not None:
        return [Source(path, "", whole)]
    return list(_walk(path, given, ledger))


def _walk(root: Path, given: Loader | None, ledger: list[LedgerEntry]) -> Iterator[Source]:
    inside = os.path.realpath(root)
    for folder, subfolders, files in os.walk(root, followlinks=False):
        here = Path(folder)
        for subfolder in sorted(subfolders):
            path = here / subfolder
            name = path.relative_to(root).as_posix()
            whole = None
            if path.is_symlink():
                ledger.append(LedgerEntry("load", name, "a link to a folder is not followed", "link"))
            elif given is None and not _hidden(subfolder):
                whole = _recogniser(path)
            if whole is not None:
                yield Source(path, name, whole)
            if whole is not None or path.is_symlink() or _hidden(subfolder):
                subfolders.remove(subfolder)
        # os.walk goes on in the order of this list.
        subfolders.sort()
        for file in sorted(files):
            path = here / file
            name = path.relative_to(root).as_posix()
            if _hidden(file):
                continue
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                reason = "a link that leads out of the input is not followed"
                ledger.append(LedgerEntry("load", name, reason, "link"))
            elif not path.is_file():
                ledger.append(LedgerEntry("load", name, "no regular file", "not-a-file"))
            elif given is not None and given.suffixes and not given.recognises(path):
                ledger.append(LedgerEntry("load", name, "not for the loader that was asked for", "other-ending"))
            elif chosen := given or _recogniser(path):
                yield Source(path, name, chosen)
            elif path.suffix.lower() == ARCHIVE:
                reason = "an archive among other files is not read; unpack it, or name it as the corpus"
                ledger.append(LedgerEntry("load", name, reason, "archive"))
            else:
                ending = path.suffix or "a file without an ending"
                ledger.append(LedgerEntry("load", name, f"no loader for {ending}", "unknown-ending"))


def _hidden(name: str) -> bool:
    """Dot files, what macOS packs into archives, and the lock files of Office."""
    return name.startswith((".", "~$")) or name == "__MACOSX"


def _recogniser(path: Path) -> Loader | None:
    """The loader for a path, with default settings; those of third parties come after ragbench's own."""
    for cls in _classes():
        if cls.recognises(path):
            return cls()
    return None


@cache
def _classes() -> tuple[type[Loader], ...]:
    names = plugins.names(plugins.LOADERS)
    own_first = sorted(names, key=lambda name: (not names[name].startswith(plugins.LOADERS.package), name))
    classes = [plugins.load(plugins.LOADERS, name) for name in own_first]
    return tuple(sorted(classes, key=lambda cls: bool(cls.suffixes)))  # what is known by its content comes first
