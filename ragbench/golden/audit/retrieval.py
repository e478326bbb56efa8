"""Rankings of a few cheap retrievers, for the audits that need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import EvaluationTask, project_labels
from ragbench.core.runs import Run, Unit
from ragbench.corpus.chunk import Chunked, choose_chunker, chunk
from ragbench.corpus.load import Loaded
from ragbench.golden.masked_corpus import without_masked

RETRIEVERS = ("bm25", "dense", "hybrid")
FUSED = ("hybrid", "rerank")
"""Retrievers that combine others. Their agreement with their parts is not a second opinion."""
DEPTH = 100


@dataclass(frozen=True, eq=False)
class Retrieved:
    """Rankings of a set by several retrievers.

    Attributes:
        golden, corpus: the set and its documents. If queries mask text, they are copies without it.
        chunks: the indexed chunks.
        task: queries and labels over these chunks.
        runs: run by retriever spec, in the judged unit.
    """

    golden: GoldenSet
    corpus: Corpus
    chunks: Chunks
    task: EvaluationTask
    runs: Mapping[str, Run]

    @property
    def independent(self) -> dict[str, Run]:
        """The runs of retrievers that do not combine others, or all runs if there are none."""
        alone = {spec: run for spec, run in self.runs.items() if plugins.Spec.parse(spec).name not in FUSED}
        return alone or dict(self.runs)


def check_retrievers(specs: Sequence[str]) -> dict[str, Any]:
    """Build and check the retrievers.

    Raises:
        SettingError: there is no spec, one is named twice, or one is wrong; the message lists every fault.
    """
    faults, built = [], {}
    for spec in specs:
        try:
            built[spec] = plugins.build(plugins.RETRIEVERS, spec)
        except SettingError as error:
            faults.append(str(error))
            continue
        faults += [f"retriever {spec!r}: {fault}" for fault in built[spec].check()]
    if not specs:
        faults.append("no retriever is named")
    if len(set(specs)) < len(specs):
        faults.append(f"a retriever is named twice: {', '.join(specs)}")
    if faults:
        raise SettingError("\n".join(faults))
    return built


def retrieve(golden: GoldenSet, loaded: Loaded, chunked: Chunked, specs: Sequence[str], context: Context) -> Retrieved:
    """Retrieve the top 100 of every retriever for every query.

    Chunks are judged if evidence points at parts of documents and some document was cut; otherwise documents are. If
    queries mask text, the text is removed from the corpus first and documents are judged, so that labels also fit the
    original corpus. A file of ready chunks cannot be chunked again, so its chunks with masked text are excluded from
    the rankings.

    Raises:
        SettingError: as in `check_retrievers`.
        InputError: no query has anything relevant.
    """
    built = check_retrievers(specs)
    corpus, chunks = loaded.corpus, chunked.chunks
    unit: Unit = "chunk" if golden.has_spans and len(chunks) > len(chunks.document_ids) else "document"
    if loaded.chunks is None and any(item.masked for item in golden):
        corpus, golden = without_masked(corpus, golden)
        chunks = chunk(corpus, choose_chunker(chunked.chunker, passages=loaded.passages).chunker)[0]
        unit = "document"
    task = project_labels(golden, chunks, unit=unit, allow_missing=True)
    per_document = -(-len(chunks) // len(chunks.document_ids))
    runs = {}
    with context.progress("retrieving for the audit", len(built)) as advance:
        for spec, retriever in built.items():
            index = retriever.index(chunks, replace(context, stored_queries=True))
            try:
                run = index.search(task.queries, DEPTH * (per_document if unit == "document" else 1))
            finally:
                index.close()
            runs[spec] = _judged(run, chunks, unit, spec)
            advance(1)
    return Retrieved(golden, corpus, chunks, task, runs)


def _judged(run: Run, chunks: Chunks, unit: Unit, spec: str) -> Run:
    if run.unit == unit:
        return run
    if run.unit == "document":
        raise SettingError(f"retriever {spec!r} returns documents, but chunks are judged; name another for the audit")
    if run.item_ids is chunks.ids:
        return run.as_documents(chunks.document_ids, chunks.document_index)
    rows = np.array([chunks.row[id_] for id_ in run.item_ids], dtype=np.int64)
    return run.as_documents(chunks.document_ids, chunks.document_index[rows])
