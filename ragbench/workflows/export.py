"""Write a golden set in another format."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.core.options import named, option, options
from ragbench.golden.chunk_labels import label_chunker, label_chunks
from ragbench.io.golden_files import check_writable, write_golden
from ragbench.workflows.groups import CorpusLoading, GoldenReading, LabelledChunks
from ragbench.workflows.reading import read_corpus, read_set

SPLIT = "test"


@options
class Options(GoldenReading, CorpusLoading, LabelledChunks):
    """The options of ``ragbench export`` and `ragbench.export`."""

    golden: Path | GoldenSet = option("Golden set: a file or a folder.", section="Input")
    to: str = option("Format to write: native, beir, trec, squad, simple, hf or ragas.", section="Output")
    out: Path = option("Folder to write, or a file if the format is one file.", section="Output", writes="path")
    split: str | None = option(
        "Part of the set to read, for the formats beir and hf, and its name when beir is written.", default=None,
        section="Input", unset="test",
    )  # fmt: skip
    corpus: Path | Corpus | None = option(
        "Documents: squad and ragas need them, beir writes them too, and simple finds the chunks of evidence in them.",
        default=None, section="Input",
    )  # fmt: skip


@brief
@dataclass(frozen=True)
class Exported:
    """A golden set that was written in another format.

    Attributes:
        golden: the set that was read. Its issue log lists what was skipped while it was read.
        format: the format that was written.
        out: the folder or file.
        lost: what the format cannot hold, for each query.
    """

    golden: GoldenSet
    format: str
    out: Path
    lost: Ledger

    @property
    def ledger(self) -> Ledger:
        """What was skipped while the set was read, then what the format cannot hold."""
        return self.golden.ledger + self.lost


def run(options: Options, context: Context) -> Exported:
    """Write a golden set in another format, and list what that format cannot hold.

    Returns:
        The set, the format and the path, and in ``lost`` an entry for each query that lost something.

    Raises:
        SettingError: an unknown format, or one that can only be read; a loader without documents.
        InputError: the set or the documents cannot be read; the format needs documents and none are given; an id or a
            value cannot be written in the format.

    Examples:
        >>> exported = rb.export("datasets/shop", "trec", "shop-trec")
        >>> exported.format, exported.lost.counts()
        ('trec', {'not-written': 196})
    """
    check_writable(options.to)
    if options.label_chunker is not None and (options.to != "simple" or options.corpus is None):
        raise SettingError(f"is for the format simple, and needs {named('corpus')}", option="label_chunker")
    for name in ("loader", "clean"):
        if getattr(options, name) is not None and options.corpus is None:
            raise SettingError(f"reads documents; name them with {named('corpus')}", option=name)
    corpus = None if options.corpus is None else read_corpus(options.corpus, options, context).corpus
    golden = read_set(options.golden, options, split=options.split)
    chunks = chunker = None
    if options.to == "simple" and corpus is not None:
        chunker = label_chunker(golden, options.label_chunker)
        chunks = label_chunks(corpus, chunker)
    lost = write_golden(
        golden, options.out, options.to, split=options.split or SPLIT, corpus=corpus, chunks=chunks, chunker=chunker
    )
    return Exported(golden, options.to, options.out, lost)
