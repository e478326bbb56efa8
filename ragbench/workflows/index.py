"""Write chunks and their vectors into a collection of a vector database."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.ledger import Ledger
from ragbench.core.options import named, option, options
from ragbench.corpus.chunk import AUTO, chunk_corpus
from ragbench.io.places import cache_folder
from ragbench.plugins import RETRIEVERS, Spec, build, built_in, names
from ragbench.retrievers._database import CHUNK
from ragbench.retrievers._vector_database import Indexed, VectorDatabase, write_collection
from ragbench.workflows.groups import CacheFolder, CorpusReading
from ragbench.workflows.reading import read_corpus


@options
class Options(CorpusReading, CacheFolder):
    """The options of ``ragbench index`` and `ragbench.index`."""

    corpus: Path | Corpus | Chunks = option("File or folder of documents, or a file of chunks.", section="Input")
    into: str = option(
        "Vector database and collection, such as qdrant:path=db,collection=docs.", section="Output",
        metavar="NAME:key=value,...", changes=True,
    )  # fmt: skip
    fields: Sequence[str] = option(
        "Field of the metadata to write beside the text, for filters.", default=(), section="Output", flag="--field",
        unset="all with single values",
    )  # fmt: skip
    replace: bool = option("Replace the collection if it exists.", default=False, section="Output")


def run(options: Options, context: Context) -> Indexed:
    """Embed every chunk and write it with its vector, text, title and ids into a collection.

    The collection has the fields ``chunk_id``, ``document_id``, ``title`` and ``text`` and the metadata of the
    documents, as numbers, texts or booleans. Its vectors are compared by cosine. ``retriever`` is the spec that
    searches it in an evaluation.

    Raises:
        SettingError: this is no vector database, is in memory or has a wrong setting, or the collection exists.
        InputError: the database cannot be opened.

    Examples:
        >>> rb.index("docs/", into="lancedb:path=db,collection=docs")  # doctest: +SKIP
    """
    target = _target(options.into)
    if target.existing:
        raise SettingError("has existing=true; the collection is written here, so leave it out", option="into")
    faults = target.check()
    if faults:
        raise SettingError("; ".join(faults), option="into")
    if target.in_memory:
        raise SettingError("has no path=, so the collection would be lost when the process ends", option="into")
    context = replace(context, cache=cache_folder(options.cache))
    began = time.perf_counter()
    chunks, ledger = _chunks(options, context)
    items, written = write_collection(
        target, chunks, context, fields=options.fields or None, replace_it=options.replace
    )
    return Indexed(
        target.collection, target.place(), f"{options.into},existing=true,id_field={CHUNK}", len(chunks.document_ids),
        items, tuple(written.kinds), target.model, time.perf_counter() - began, ledger + written.ledger,
    )  # fmt: skip


def _target(into: str) -> VectorDatabase:
    name = Spec.parse(into).name
    known = names(RETRIEVERS)
    target = build(RETRIEVERS, into) if name in known else None
    if not isinstance(target, VectorDatabase):
        databases = [name for name, cls in built_in(RETRIEVERS).items() if issubclass(cls, VectorDatabase)]
        raise SettingError(f"is {name!r}, which is no vector database{did_you_mean(name, databases)}", option="into")
    return target


def _chunks(options: Options, context: Context) -> tuple[Chunks, Ledger]:
    if isinstance(options.corpus, Chunks):
        if options.chunker != AUTO:
            raise SettingError(f"applies to documents, and {named('corpus')} is chunks already", option="chunker")
        return options.corpus, Ledger()
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    return chunked.chunks, loaded.corpus.ledger + chunked.ledger
