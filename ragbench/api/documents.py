"""Documents, chunks and golden sets."""

from pathlib import Path

from ragbench.api.bind import call_then
from ragbench.api.checked import checked
from ragbench.api.progress import bars
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.load import load_corpus as _load
from ragbench.workflows import chunk as chunk_workflow
from ragbench.workflows import generate as generate_workflow
from ragbench.workflows.chunk import ChunkedCorpus
from ragbench.workflows.generate import GenerateResult, Plan

DOCUMENTS = "a path: the file or folder of the documents"
CORPUS = "a path of documents, or a corpus, as rb.load_corpus(path) reads one"


@checked(path=DOCUMENTS)
def load_corpus(path: Path | str, loader: str | None = None) -> Corpus:
    """Read the documents of a file or folder. ``corpus.ledger`` lists what was skipped.

    Args:
        path: a file or folder of documents, or a file of chunks.
        loader: loader with its settings (``"csv:text_column=body"``); None chooses by the ending of each file.

    Raises:
        InputError: the path does not exist, has no documents, or holds a damaged table.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> len(corpus), corpus.documents[0].title
        (166, 'Tarnfell 2 trekking tent')
    """
    return _load(Path(path), loader, progress=bars).corpus


def _chunks(result: ChunkedCorpus) -> Chunks:
    return result.chunks


chunk = call_then("chunk", chunk_workflow.Options, chunk_workflow.run, _chunks, called={"corpus": CORPUS})


def golden_of(result: GenerateResult | Plan) -> GoldenSet | Plan:
    """The golden set of a run; after a dry run, the estimate."""
    return result.golden if isinstance(result, GenerateResult) else result


generate = call_then("generate", generate_workflow.Options, generate_workflow.run, golden_of, called={"corpus": CORPUS})
