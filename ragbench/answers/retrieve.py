"""Retrieve the passages that the model sees for each question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbench import plugins
from ragbench.core.answers import Source
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.runs import Query, Run

QUERIES_PER_BATCH = 1024


@dataclass(frozen=True)
class Retrieved:
    """Sources by query id, best first, and the reason of each failed search.

    Attributes:
        sources: the sources of every query; empty if nothing was found.
        failures: reason by query id.
        key: fingerprint of the retriever.
        unknown: ids that the retriever returned and the corpus lacks, so there is no text to show.
    """

    sources: Mapping[str, tuple[Source, ...]]
    failures: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def build(spec: str) -> Any:
    """Build the retriever of a spec, with its settings checked.

    Raises:
        SettingError: the retriever or a setting is unknown, or a setting cannot work.
    """
    retriever = plugins.build(plugins.RETRIEVERS, spec)
    faults = retriever.check()
    if faults:
        raise SettingError(f"retriever {spec!r}: {'; '.join(faults)}")
    return retriever


def retrieve(
    retriever: Any, queries: Sequence[Query], corpus: Corpus, chunks: Chunks, k: int, context: Context
) -> Retrieved:
    """Retrieve the k best passages of each query.

    Args:
        retriever: made by `build`.
        queries: the queries; their exclusions apply.
        corpus: the documents, for retrievers that rank whole documents.
        chunks: the chunks to index.
        k: passages per query.
        context: cache, seed and progress.

    Raises:
        ArmError: the retriever failed on every query.
    """
    index = retriever.index(chunks, context)
    sources: dict[str, tuple[Source, ...]] = {}
    failures: dict[str, str] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    try:
        with context.progress("searching", len(queries)) as advance:
            for start in range(0, len(queries), QUERIES_PER_BATCH):
                batch = queries[start : start + QUERIES_PER_BATCH]
                run: Run = index.search(batch, k)
                _collect(run, corpus, chunks, sources, unknown)
                failures.update(run.failures)
                advance(len(batch))
    finally:
        index.close()
    if len(failures) == len(queries):
        reason = next(iter(failures.values()))
        raise ArmError(f"the retriever failed on every one of {len(queries)} queries; the first: {reason}")
    return Retrieved(sources, failures, retriever.key(), unknown)


def _collect(
    run: Run,
    corpus: Corpus,
    chunks: Chunks,
    sources: dict[str, tuple[Source, ...]],
    unknown: dict[str, tuple[str, ...]],
) -> None:
    for at, query_id in enumerate(run.query_ids):
        rows = slice(int(run.offsets[at]), int(run.offsets[at + 1]))
        ranked = [
            (run.item_ids[row], float(score)) for row, score in zip(run.items[rows], run.scores[rows], strict=True)
        ]
        found = [_source(id_, score, run.unit, corpus, chunks) for id_, score in ranked]
        sources[query_id] = tuple(source for source in found if source is not None)
        missing = tuple(id_ for (id_, _), source in zip(ranked, found, strict=True) if source is None)
        if missing:
            unknown[query_id] = missing


def _source(id_: str, score: float, unit: str, corpus: Corpus, chunks: Chunks) -> Source | None:
    if unit == "document":
        document = corpus.by_id.get(id_)
        return None if document is None else Source(id_, id_, document.text, score)
    row = chunks.row.get(id_)
    return None if row is None else Source(id_, chunks[row].document_id, chunks.texts[row], score)
