"""Cut documents into chunks, and write them to a file that other commands take as their corpus."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.ledger import Ledger
from ragbench.core.options import option, options
from ragbench.corpus.chunk import AUTO, choose_chunker, chunk_corpus
from ragbench.io.chunk_files import write_chunks
from ragbench.workflows.groups import CorpusLoading
from ragbench.workflows.reading import read_corpus


@options
class Options(CorpusLoading):
    """The options of ``ragbench chunk`` and `ragbench.chunk`."""

    corpus: Path | Corpus = option("File or folder of documents.", section="Input")
    chunker: str = option(
        "How documents are cut, NAME or NAME:key=value,...; auto leaves table rows whole.", default=AUTO
    )
    out: Path | None = option(
        "File to write, .parquet or .jsonl.", default=None, section="Output", writes="Parquet or JSON Lines"
    )


@dataclass(frozen=True)
class ChunkedCorpus:
    """The chunks of a corpus, and what was skipped.

    Attributes:
        chunks: the chunks, in the order of the documents.
        documents: how many documents were read.
        chunker: the chunker with its settings.
        ledger: what was skipped while the documents were loaded and cut.
    """

    chunks: Chunks
    documents: int
    chunker: str
    ledger: Ledger


def run(options: Options, context: Context) -> ChunkedCorpus:
    """Cut every document into chunks; ``"whole"`` leaves the documents as they are.

    ``"auto"`` leaves rows of a table whole, cuts everything else with ``"recursive:join_titles=true"``, and takes the
    chunks of a file of chunks as they are. ``chunks.ledger`` lists what was skipped, also while the corpus was loaded.

    Raises:
        InputError: there is nothing to read, or no document gave a chunk.
        SettingError: no such chunker, it has no such setting, or the corpus is a file of chunks.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> len(rb.chunk(corpus, "fixed:size=400"))
        250
    """
    # A wrong setting shows before the documents are read.
    choose_chunker(options.chunker, passages=False)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    if options.out is not None:
        write_chunks(chunked.chunks, options.out)
    ledger = loaded.corpus.ledger + chunked.ledger
    return ChunkedCorpus(chunked.chunks, len(loaded.corpus), chunked.chunker, ledger)
