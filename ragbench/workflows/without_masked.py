"""Cut the masked text of a golden set out of its corpus, and move the set's evidence to its new place."""

from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.core.options import option, options
from ragbench.golden.masked_corpus import WithoutMasked, copies_without, write_without
from ragbench.workflows.groups import CorpusLoading, GoldenReading
from ragbench.workflows.reading import read_corpus, read_set


@options
class Options(CorpusLoading, GoldenReading):
    """The options of ``ragbench golden corpus`` and `ragbench.without_masked`."""

    corpus: Path | Corpus = option("File or folder of documents.", section="Input")
    golden: Path | GoldenSet = option("Golden set: a file or a folder.", section="Input")
    out: Path | None = option(
        "Folder to write: corpus.jsonl, and the set that belongs to it in golden. Each wording gets its own folder.",
        default=None, section="Output", writes="folder", unset="nothing is written",
    )  # fmt: skip


def run(options: Options, context: Context) -> WithoutMasked:
    """Cut every span that a query of the set masks out of a copy of the corpus.

    A set in several wordings gets a copy for each, which lacks only the text that queries of this wording mask. All
    queries of a wording share the copy, so one index serves them. A sentence that one query was taken from is
    therefore missing for the others too. If evidence lay in it, that evidence is lost, and the issue log lists it.
    Ids of excluded chunks stay as they are and may not exist in the new chunking. If the corpus is a file of chunks,
    the result has its documents, which are cut anew.

    Returns:
        ``copies`` by wording, each with ``corpus``, the shortened documents, and ``golden``, the set that belongs to
        them. For a set without wordings, ``corpus`` and ``golden`` are those of the only copy. The issue logs list what
        was skipped.

    Raises:
        InputError: a masked span names a document that the corpus lacks or reaches past its end; no query has
            evidence left; or there is a folder to write and the set masks nothing.

    Examples:
        >>> corpus = rb.Corpus((rb.Document("tent", "It sleeps two. It weighs 1.9 kg."),))
        >>> evidence, masked = (rb.Evidence("tent", 15, 32),), (rb.Span("tent", 0, 15),)
        >>> item = rb.GoldenItem("q1", "it sleeps two", evidence=evidence, masked=masked)
        >>> rb.without_masked(corpus, rb.GoldenSet((item,))).corpus.documents[0].text
        'It weighs 1.9 kg.'
    """
    golden = read_set(options.golden, options)
    corpus = read_corpus(options.corpus, options, context).corpus
    if options.out is None:
        return copies_without(corpus, golden)
    return write_without(corpus, golden, options.out)
