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
from ragbench.core.runs import Query, Run, Unit
from ragbench.corpus.chunk import Chunked, choose_chunker, chunk
from ragbench.corpus.load import Loaded
from ragbench.engine import joined
from ragbench.golden.masked_corpus import copies_without

RETRIEVERS = ("bm25", "dense", "hybrid")
FUSED = ("hybrid", "rerank")
"""Retrievers that combine others. Their agreement with their parts is not a second opinion."""
DEPTH = 100


@dataclass(frozen=True, eq=False)
class Retrieved:
    """Rankings of a set by several retrievers.

    Attributes:
        golden, corpus: the set and its documents.
        chunks: their chunks. Queries that mask text search a copy without it.
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
    queries mask text, those of each wording search a copy of the corpus without it, and documents are judged. A file of
    ready chunks cannot be chunked again, so its chunks with masked text are excluded from the rankings.

    Raises:
        SettingError: as in `check_retrievers`.
        InputError: no query has anything relevant.
    """
    built = check_retrievers(specs)
    chunks = chunked.chunks
    unit: Unit = "chunk" if golden.has_spans and len(chunks) > len(chunks.document_ids) else "document"
    copies, asked = {"": chunks}, golden
    wordings = dict.fromkeys((item.id for item in golden), "")
    if loaded.chunks is None and any(item.masked for item in golden):
        chunker = choose_chunker(chunked.chunker, passages=loaded.passages).chunker
        without = copies_without(loaded.corpus, golden).copies
        copies = {wording: chunk(copy.corpus, chunker)[0] for wording, copy in without.items()}
        wordings = {item.id: wording for wording, copy in without.items() for item in copy.golden}
        golden = replace(golden, items=tuple(item for item in golden if item.id in wordings))
        asked = replace(golden, items=tuple(replace(item, masked=()) for item in golden))
        unit = "document"
    task = project_labels(asked, chunks, unit=unit, allow_missing=True)
    depth = DEPTH * (-(-len(chunks) // len(chunks.document_ids)) if unit == "document" else 1)
    queries: dict[str, list[Query]] = {}
    for query in task.queries:
        queries.setdefault(wordings[query.id], []).append(query)
    runs = {}
    with context.progress("retrieving for the audit", len(built)) as advance:
        for spec, retriever in built.items():
            parts = []
            for wording, its in queries.items():
                index = retriever.index(copies[wording], replace(context, stored_queries=True))
                try:
                    parts.append(_judged(index.search(its, depth), copies[wording], chunks, unit, spec))
                finally:
                    index.close()
            runs[spec] = joined(parts).select([query.id for query in task.queries])
            advance(1)
    return Retrieved(golden, loaded.corpus, chunks, task, runs)


def _judged(run: Run, copy: Chunks, chunks: Chunks, unit: Unit, spec: str) -> Run:
    if run.unit == unit == "chunk":
        return run
    if unit == "chunk":
        raise SettingError(f"retriever {spec!r} returns documents, but chunks are judged; name another for the audit")
    rows = np.array([chunks.document_row[id_] for id_ in copy.document_ids], dtype=np.int32)
    if run.unit == "chunk":
        rows = rows[copy.document_index]
        rows = rows if run.item_ids is copy.ids else rows[[copy.row[id_] for id_ in run.item_ids]]
    return run.as_documents(chunks.document_ids, rows)
