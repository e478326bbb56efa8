"""Documents, chunks and golden sets."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.api.bind import call_then
from ragbench.api.checked import checked, saying
from ragbench.api.progress import bars
from ragbench.api.several import texts
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.load import load_corpus as _load
from ragbench.workflows import chunk as chunk_workflow
from ragbench.workflows.chunk import ChunkedCorpus
from ragbench.workflows.generate import Options, generate_run

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


@checked(corpus=DOCUMENTS)
def generate(
    corpus: Path | str,
    out: Path | str,
    *,
    llm: str = "none",
    judge: str | None = None,
    seed_queries: Path | str | None = None,
    per_chunk: int | None = None,
    sample: int | None = None,
    mix: str | None = None,
    languages: str | None = None,
    stages: str | Sequence[str] = (),
    chunker: str = "auto",
    max_cost: float | None = None,
    base_url: str | None = None,
    concurrency: int = 8,
    seed: int = 0,
    cache: Path | str | None = None,
) -> GoldenSet:
    """Write a golden set from documents, as ``ragbench generate`` does; what it tells is printed.

    An interrupted call goes on where it was when it is made again, and an answer
    is paid for once. Works inside a running event loop.

    Args:
        corpus: file or folder of documents.
        out: folder for the set, its card, rejects and answers.
        llm: ``"provider:model"`` that writes; ``"none"`` masks sentences of the documents and uses
            them as queries.
        judge: model that reviews; the writer if None, ``"none"`` for no review by a model.
        seed_queries: file with queries of real users, one a line.
        per_chunk: queries to ask for per chunk; 5 with a model, 1 without.
        sample: how many chunks to ask about; all if None.
        mix: shares of query types, ``"question=0.5,keyword=0.5"``.
        languages: ISO codes, ``"en,de"``.
        stages: review stages, in order; the usual ones if empty.
        chunker: ``"recursive"``, ``"fixed:size=1200"`` and so on; ``"auto"`` looks at the documents.
        max_cost: the most to spend, all calls for this folder together.
        base_url: of a server compatible with OpenAI's.
        concurrency: calls in flight at once.
        seed: of everything drawn.
        cache: folder for embeddings; the user's cache folder if None.

    Raises:
        SettingError: an option that cannot be used.
        InputError: the documents cannot be read, the folder holds something else, or no query was accepted.

    Examples:
        >>> golden = rb.generate("datasets/shop/product_catalog.csv", "golden/shop")
        corpus: 166 documents, 166 chunks (chunker: whole)
        ...
        >>> golden.items[0].type
        'masked-sentence'
    """
    options = Options(
        corpus=Path(corpus), out=Path(out), seed_queries=_path(seed_queries), llm=llm, judge=judge, reconsider=None,
        per_chunk=per_chunk, sample=sample, mix=mix, languages=languages, examples=None, stages=texts(stages),
        loader=None, chunker=chunker, max_cost=max_cost, max_tokens=None, prices=None, concurrency=concurrency,
        rpm=None, tpm=None, timeout=60.0, base_url=base_url, dry_run=False, seed=seed, resume=False, force=False,
        cache=_path(cache),
    )  # fmt: skip
    return generate_run(options, say=saying(generate), progress=bars).golden


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
