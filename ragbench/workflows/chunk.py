"""Cut documents into chunks, and write them to a file that other commands take as their corpus."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.ledger import Ledger
from ragbench.core.options import option, options
from ragbench.corpus.chunk import AUTO, USUAL, choose_chunker, chunk_corpus
from ragbench.io.chunk_files import write_chunks
from ragbench.plugins import CHUNKERS, Spec, load
from ragbench.workflows.groups import CorpusLoading
from ragbench.workflows.reading import read_corpus

FIFTH = 5
"""Divides the size to get the overlap, if the overlap of the chunker is too large for it."""


@options
class Options(CorpusLoading):
    """The options of ``ragbench chunk`` and `ragbench.chunk`."""

    corpus: Path | Corpus = option("File or folder of documents.", section="Input")
    chunker: str = option(
        "How documents are cut, NAME or NAME:key=value,...; auto leaves table rows whole.", default=AUTO
    )
    size: int | None = option(
        "Most characters of a chunk, as in recursive:size=800.", default=None, unset="that of the chunker"
    )
    overlap: int | None = option(
        "Characters that neighbouring chunks share, as in recursive:overlap=100; sentences, for the chunker sentence.",
        default=None, unset="that of the chunker, or a fifth of the size if that is too large",
    )  # fmt: skip
    out: Path | None = option(
        "File to write, .parquet or .jsonl.", default=None, section="Output", writes="Parquet or JSON Lines"
    )

    @property
    def cut_by(self) -> str:
        """The chunker with the size and overlap that were given beside it.

        Raises:
            SettingError: the chunker has no such setting, or sets it itself.
        """
        given = {name: value for name, value in (("size", self.size), ("overlap", self.overlap)) if value is not None}
        if not given:
            return self.chunker
        spec = Spec.parse(USUAL if self.chunker == AUTO else self.chunker)
        if twice := given.keys() & spec.settings.keys():
            raise SettingError(f"is given twice: {self.chunker!r} sets it too", option=min(twice))
        usual = getattr(load(CHUNKERS, spec.name), "overlap", 0)
        if self.size is not None and self.overlap is None and "overlap" not in spec.settings and usual >= self.size:
            given["overlap"] = self.size // FIFTH
        return Spec(spec.name, {**spec.settings, **given}, "").text


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
    chunks of a file of chunks as they are. With ``size`` or ``overlap``, it cuts everything.

    ``chunks.ledger`` lists what was skipped, also while the corpus was loaded.

    Raises:
        InputError: there is nothing to read, or no document gave a chunk.
        SettingError: no such chunker, it has no such setting, or the corpus is a file of chunks.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> len(rb.chunk(corpus, "fixed:size=400"))
        250
        >>> len(rb.chunk(corpus, size=400, overlap=50))
        250
    """
    # A wrong setting shows before the documents are read.
    cut_by = options.cut_by
    choose_chunker(cut_by, passages=False)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, cut_by, progress=context.progress)
    if options.out is not None:
        write_chunks(chunked.chunks, options.out)
    ledger = loaded.corpus.ledger + chunked.ledger
    return ChunkedCorpus(chunked.chunks, len(loaded.corpus), chunked.chunker, ledger)
