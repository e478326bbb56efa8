"""Documents: every loader, chunks, and what is done to a text before anything else looks at it."""

import io
import traceback
import zipfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from ragbench import plugins
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.corpus.loaders.base import Loader
from ragbench.corpus.reading import Source, read_items
from ragbench.io.archives import unpack_zip
from ragbench.io.chunk_files import is_chunk_file, read_chunks
from ragbench.io.encoding import decode
from tests.fuzz.target import add, also, desk, placed, target

LONGEST = 20_000
"""Characters of a document that are chunked: the time of a chunker grows with the text, and mutations repeat pieces."""


def documents(loader: Loader, path: Path) -> list[Document]:
    """The documents of a file.

    `read_items` turns any exception of a loader into an `InputError`, because the libraries of office files raise what
    they like. What ragbench itself raises by mistake must not hide there.
    """
    try:
        found = [item for item in read_items(Source(path, path.name, loader)) if isinstance(item, Document)]
    except InputError as error:
        raised_in = traceback.extract_tb(error.__traceback__)[-1].name
        cause = error.__cause__
        if raised_in == "read_items" and cause is not None and not isinstance(cause, RecursionError):
            raise cause from None
        raise
    for document in found:
        document.text.encode()
        document.id.encode()
        document.title.encode()
    return found


def loaded(name: str, file: str, *tokens: str) -> None:
    """Declare a loader by the name of a file that it recognises."""

    def read(data: bytes) -> None:
        loader: Loader = plugins.build(plugins.LOADERS, name)
        documents(loader, placed(f"{name}/{file}", data))

    add(f"documents.{name}", read, *tokens)


TAGS = (
    "<p>",
    "</div>",
    "<pre>",
    "<script>",
    "</table>",
    "<br/>",
    "&#x110000;",
    "&#0;",
    "&nbsp",
    "<title>",
    "<svg>",
    "<math>",
)
loaded("text", "a.txt")
loaded(
    "markdown", "a.md", "---\n", "title: x\n", "# ", "```", "[a]: b", "<<: *a", "&a", "? ", "!!binary", "!!set", "...\n"
)
loaded("html", "a.html", *TAGS, "<meta charset=utf-7>", "<meta charset='hex'>", "<meta charset=unicode_escape>")
loaded("csv", "a.csv", '"', "id,text\n", "\t", ";", "id", "text", "title")
loaded("jsonl", "a.jsonl", '{"id": "a", "text": "b"}', "_id", "contents")
loaded("parquet", "a.parquet")
loaded("docx", "a.docx", "<w:p/>", "<w:tc>", '<w:gridSpan w:val="-5"/>', '<w:vMerge w:val="continue"/>')
loaded("pptx", "a.pptx", "<a:t>", "<p:sp/>", "<a:tc/>")
loaded(
    "pdf", "a.pdf", "obj", "endobj", "stream", "/Kids", "/Length", "xref", "trailer", "/Filter /FlateDecode", "<<", ">>"
)
loaded("trec", "a.sgml", "<DOC>", "</DOC>", "<DOCNO>", "</TEXT>", "<TITLE>", "<!--", "&amp;")
loaded("squad", "squad.json", '"qas"', '"context"', '"data"', '"paragraphs"')


@target("documents.json", '{"id": "a", "text": "b"}')
def read_json(data: bytes) -> None:
    """A JSON array of documents."""
    documents(plugins.build(plugins.LOADERS, "jsonl"), placed("json/a.json", data))


@target("documents.gzip")
def read_gzip(data: bytes) -> None:
    """Compressed JSON Lines and SGML, which the content is recognised by."""
    also(documents, plugins.build(plugins.LOADERS, "jsonl"), placed("gzip/a.jsonl.gz", data))
    path = placed("gzip/a.gz", data)
    trec = plugins.load(plugins.LOADERS, "trec")
    if trec.recognises(path):
        documents(trec(), path)


@target("documents.folder")
def read_folder(data: bytes) -> None:
    """A folder of files (a ZIP archive here): BEIR, a data set of Hugging Face, or anything."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpacked(data, Path(folder))
        load_corpus(Path(folder))


@target("documents.archive")
def read_archive(data: bytes) -> None:
    """A ZIP archive that is unpacked after a download."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpack_zip(placed("archive.zip", data), Path(folder) / "out", most_bytes=1 << 24)


@target("documents.zip-corpus")
def read_zip_corpus(data: bytes) -> None:
    """A ZIP archive of documents that nobody has checked."""
    load_corpus(placed("archive.zip", data))


@target("documents.encoding")
def read_encoding(data: bytes) -> None:
    """The encoding of a text file."""
    text, name = decode(data, "a.txt")
    assert isinstance(text, str)
    assert name


@target("documents.chunks", '"start": 0', '"end": 5', '"document_id"')
def read_chunk_lines(data: bytes) -> None:
    """A file of chunks as JSON Lines, and the documents behind it."""
    path = placed("chunks/a.jsonl", data)
    if is_chunk_file(path):
        load_corpus(path)
    read_chunks(path)


@target("documents.paged-chunks", '"doc_id"', '"page_num": 1', '"chunk_idx_in_page"')
def read_paged_chunk_lines(data: bytes) -> None:
    """A file of chunks by page as JSON Lines."""
    load_corpus(placed("chunks/pages.jsonl", data))


@target("documents.chunks-parquet")
def read_chunk_table(data: bytes) -> None:
    """A file of chunks as Parquet."""
    path = placed("chunks/a.parquet", data)
    is_chunk_file(path)
    read_chunks(path)


def chunked(name: str) -> None:
    """Declare a chunker: its chunks must be pieces of the document."""

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "replace")[:LONGEST]
        if text.strip():
            document = Document("d", text)
            chunks = chunk_corpus(Loaded(Corpus((document,))), name).chunks
            for chunk in chunks:
                assert text[chunk.start : chunk.end] == chunk.text
                assert chunk.text.strip()

    add(f"chunker.{name.partition(':')[0]}", read, "# ", "\n\n", ". ", "```\n", "|a|b|\n", "\u3002", "- ", "    ")


for chunker in ("markdown:size=200", "recursive:size=200,overlap=20", "sentence:size=200", "fixed:size=50,overlap=7"):
    chunked(chunker)


def unpacked(data: bytes, folder: Path) -> None:
    """Write the members of a ZIP archive as files; an input that is none is one file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                place = (folder / name).resolve()
                if place.is_relative_to(folder.resolve()) and not name.endswith("/"):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(archive.read(name))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
        (folder / "corpus.jsonl").write_bytes(data)
