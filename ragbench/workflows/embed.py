"""Embed a corpus: Parquet in, Parquet with a column of vectors out, in this process or on a Ray cluster."""

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.document import Chunk
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.options import named, option, options
from ragbench.corpus.chunk import AUTO, chunk_corpus
from ragbench.corpus.loaders._rows import TEXT_NAMES, TITLE_NAMES
from ragbench.engines import open_engine
from ragbench.engines.base import Written
from ragbench.engines.embed_stage import EmbeddedCorpus, EmbedStage
from ragbench.engines.part_folder import check_folder, dimensions, null_vectors, remove_after, write_array
from ragbench.engines.parts import ROWS_PER_PART, parquet_parts
from ragbench.engines.worker import part_path
from ragbench.io.chunk_files import checked_chunks, is_chunk_file, write_chunks
from ragbench.io.files import make_out, temporary_folder
from ragbench.io.outputs import FOLDER
from ragbench.io.tables import choose_columns, columns_by_role, open_parquet
from ragbench.models.embed.base import TextKind
from ragbench.plugins import EMBEDDERS, build
from ragbench.workflows.groups import CorpusReading, EngineChoice
from ragbench.workflows.reading import read_corpus

PARQUET = (".parquet", ".pq")
ARRAY = "embeddings.npy"
VECTOR = "vector"
ROLES = {"text": (*TEXT_NAMES, "chunk", "query", "prompt"), "title": TITLE_NAMES}


@options
class Options(CorpusReading, EngineChoice):
    """The options of ``ragbench embed`` and `ragbench.embed`."""

    corpus: Path | Corpus | Chunks = option(
        "Parquet file or folder of them, file of chunks, or documents.", section="Input", positional=True
    )
    out: Path = option("Folder to write, with part-00000.parquet and so on.", section="Output", writes=FOLDER)
    model: str = option("Embedder, NAME or NAME:key=value,...", default="minilm")
    kind: TextKind = option("Whether the texts are passages or queries.", default="passage")
    columns: Mapping[str, str] | None = option(
        "Columns of Parquet files, text=NAME,title=NAME; vector=NAME names the one that is added.", default=None,
        section="Input", unset="recognised by name", metavar="ROLE=NAME,...", parse=columns_by_role,
    )  # fmt: skip
    npy: bool = option(f"Also write all vectors to {ARRAY}, in the order of the rows.", default=False, section="Output")


def run(options: Options, context: Context) -> EmbeddedCorpus:
    """Embed the texts of a corpus, and write its rows with their vectors to numbered Parquet files.

    Rows of Parquet files keep their columns and their order. Their text is embedded as it is, with the title before it
    if there is one. Everything else is read as a corpus and cut into chunks first. Parts that an earlier run has
    finished, of the same rows and with the same model, are not made again.

    Raises:
        InputError: there is nothing to embed, a column is missing, or the folder holds parts of another program.
        SettingError: no such embedder, or an option that does not apply to the corpus.

    Examples:
        >>> done = rb.embed("datasets/shop/product_catalog.csv", "vectors")  # doctest: +SKIP
        >>> done.rows, done.dimensions  # doctest: +SKIP
        (166, 384)
    """
    began = time.perf_counter()
    settings, columns = options.engine_settings, dict(options.columns or {})
    vector = columns.pop("vector", VECTOR)
    identity = build(EMBEDDERS, options.model).fingerprint()
    check_folder(options.out)
    array = options.out / ARRAY
    if array.exists() and not options.npy:
        raise InputError(f"{array} is from an earlier run; add {named('npy')} to write it anew, or remove it")
    make_out(options.out)
    with _parquet(options, context) as (paths, ledger):
        text, title = _columns(paths, columns, vector, options.kind)
        stage = EmbedStage(options.model, identity, options.kind, text, title, vector)
        parts = parquet_parts(paths)
        if not parts:
            raise InputError(f"{_shown(options.corpus)}: there is no row to embed")
        with open_engine(settings) as engine:
            written = engine.write(stage, parts, options.out, what="embedding", progress=context.progress)
    remove_after(options.out, len(written))
    if options.npy:
        write_array(written, vector, array)
    return _result(options, written, stage, ledger, time.perf_counter() - began)


def _result(
    options: Options, written: Sequence[Written], stage: EmbedStage, ledger: Ledger, seconds: float
) -> EmbeddedCorpus:  # fmt: skip
    empty = null_vectors(written, stage.vector)
    ledger = ledger + [LedgerEntry("embed", name, f"rows have no text, and their vector is null; {n:,} rows", "no-text")
                       for name, n in empty.items()]  # fmt: skip
    columns = {"text": stage.text, **({"title": stage.title} if stage.title else {}), "vector": stage.vector}
    return EmbeddedCorpus(
        options.out, sum(part.rows for part in written), len(written), sum(part.found for part in written),
        dimensions(written[0], stage.vector), options.model, columns, sum(empty.values()),
        options.out / ARRAY if options.npy else None, seconds, ledger,
    )  # fmt: skip


@contextmanager
def _parquet(options: Options, context: Context) -> Iterator[tuple[list[Path], Ledger]]:
    """The Parquet files to embed: those of the user, or a copy of the chunks in numbered parts.

    The copy is in the output folder, which all machines of a cluster see, and is removed at the end.
    """
    corpus = options.corpus
    read = options.loader is not None or options.clean is not None or options.chunker != AUTO
    if isinstance(corpus, Path) and not read:
        found = parquet_files(corpus)
        if found:
            if options.out.resolve() in {path.resolve().parent for path in found}:
                raise SettingError("is the folder of the corpus; name another", option="out")
            yield [path.resolve() if options.engine == "ray" else path for path in found], Ledger()
            return
    if set(options.columns or {}) - {"vector"}:
        raise SettingError(f"applies to Parquet files, and {_shown(corpus)} is not one", option="columns")
    chunks, ledger = _chunks(options, context, read)
    with temporary_folder(options.out / "chunks") as folder:
        yield _copied(chunks, folder.resolve()), ledger


def parquet_files(path: Path) -> list[Path]:
    """The Parquet file, or the files of a folder that holds nothing else but hidden files; empty if it is neither."""
    if path.is_file():
        return [path] if path.suffix.lower() in PARQUET else []
    inside = sorted(one for one in path.rglob("*") if one.is_file())
    seen = [one for one in inside if not any(part[0] in "._" for part in one.relative_to(path).parts)]
    return seen if all(one.suffix.lower() in PARQUET for one in seen) else []


def _chunks(options: Options, context: Context, read: bool) -> tuple[Iterable[Chunk], Ledger]:
    """The chunks of a corpus. Those of a file of chunks are read one after another."""
    corpus = options.corpus
    if isinstance(corpus, Chunks):
        if read:
            raise SettingError(f"applies to documents, and {named('corpus')} is chunks already", option="chunker")
        return corpus, Ledger()
    if isinstance(corpus, Path) and corpus.is_file() and not read and is_chunk_file(corpus):
        return checked_chunks(corpus), Ledger()
    loaded = read_corpus(corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    return chunked.chunks, loaded.corpus.ledger + chunked.ledger


def _copied(chunks: Iterable[Chunk], folder: Path) -> list[Path]:
    """Write the chunks to numbered Parquet files, one for each part."""
    paths: list[Path] = []
    left = iter(chunks)
    while some := list(itertools.islice(left, ROWS_PER_PART)):
        paths.append(part_path(folder, len(paths)))
        write_chunks(Chunks.of(some), paths[-1])
    return paths


def _columns(
    paths: Sequence[Path], chosen: Mapping[str, str], vector: str, kind: TextKind
) -> tuple[str, str | None]:  # fmt: skip
    """The columns of texts and titles, which every file must have.

    Raises:
        InputError: a file lacks one, has none that holds texts, or already has a column of the vector's name.
        SettingError: no such role or column.
    """
    import pyarrow

    roles = ROLES if kind == "passage" else {**ROLES, "title": ()}
    found: dict[str, str] = {}
    for path in paths:
        try:
            with open_parquet(path) as file:
                types = {field.name: field.type for field in file.schema_arrow}
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
        if vector in types:
            raise InputError(f"{path}: has a column {vector!r} already; name another, {named('columns')} vector=NAME")
        for column in (found or chosen).values():
            if column in types and not _is_text(types[column]):
                raise InputError(f"{path}: column {column!r} holds {types[column]}, not texts")
            if found and column not in types:
                raise InputError(f"{path}: no column {column!r}{did_you_mean(column, types)}, which {paths[0]} has")
        if not found:
            texts = [name for name, type_ in types.items() if _is_text(type_)]
            found = choose_columns(
                texts, chosen, str(path), roles, {"text": "the texts"}, f"{named('columns')} {{role}}=NAME"
            )
    return found["text"], found.get("title")


def _is_text(type_: object) -> bool:
    import pyarrow

    kind = type_.value_type if isinstance(type_, pyarrow.DictionaryType) else type_
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _shown(corpus: Path | Corpus | Chunks) -> str:
    return str(corpus) if isinstance(corpus, Path) else named("corpus")
