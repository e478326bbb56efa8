"""Send the same live queries through two systems, and compare their results without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ragbench.comparison.shadow import Answered, Disagreement, LiveQueries, Shadow, shadow
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunk, Chunks, Corpus
from ragbench.core.errors import ArmError, InputError, RagbenchError, SettingError
from ragbench.core.evaluations import Latency
from ragbench.core.foreign import excerpt
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.options import named, option, options
from ragbench.core.runs import Query, Run
from ragbench.core.scored import MEDIAN, ScoredRun
from ragbench.core.search_log import SearchLog
from ragbench.corpus.chunk import AUTO, chunk_corpus
from ragbench.golden.personal_data import personal_data
from ragbench.golden.query_types import query_type
from ragbench.io.files import write_bytes, write_json
from ragbench.io.golden_files import write_golden
from ragbench.io.label_sheets import check_unfilled, write_item_sheet
from ragbench.io.live_queries import read_live_queries, with_text
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.io.scored_runs import ARM_AFTER, read_scored
from ragbench.io.tables import lines
from ragbench.io.trec import write_trec_run
from ragbench.metrics.settings import cut_offs
from ragbench.plugins import RETRIEVERS, build
from ragbench.render.numbers import counted
from ragbench.render.shadow import shadow_json
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.run import Run as RunFile
from ragbench.workflows.groups import CacheFolder, CorpusReading, LogColumns
from ragbench.workflows.measure import measure, replay
from ragbench.workflows.reading import read_corpus

LiveSystem = str | Path | Retriever | ScoredRun
"""A retriever or its spec, a run file, a folder of an evaluation, or a system of one."""
SHADOW, QUERIES, SHEET, CANDIDATES = "shadow.json", "queries.jsonl", "labels.csv", "candidates.jsonl"
SIDES = ("first", "second")
JUDGED, SHOWN, CHARACTERS = 200, 3, 300
"""Queries whose results are written for a judge, results of each, and characters of each result."""
DEPTH = 10
"""Least depth of the rankings, so that rank-biased overlap sees most of its weight."""


@options
class Options(CorpusReading, CacheFolder, LogColumns):
    """The options of ``ragbench shadow`` and `ragbench.shadow`."""

    systems: Sequence[LiveSystem] = option(
        "The two systems: a retriever (NAME:key=value,...), a run file, FOLDER or FOLDER::ARM; the first is the one in "
        "use.", section="Input", positional=True, metavar="SYSTEM",
    )  # fmt: skip
    queries: Path | SearchLog | None = option(
        "Live queries (required): a search log, a table with a column of queries, or a text file with one per line.",
        default=None, section="Input",
    )  # fmt: skip
    corpus: Path | Corpus | Chunks | None = option(
        "File or folder of documents, or a file of chunks. Run files and services need none.", default=None,
        section="Input", unset="none",
    )  # fmt: skip
    sample: int | None = option(
        "Most searches to use; whole sessions are drawn.", default=None, section="Input", metavar="N", unset="all"
    )
    k: Sequence[int] = option(
        "Cut-offs, as in 1,3,10.", default=(1, 3, 10), section="Comparison", metavar="K,K,...", parse=cut_offs
    )
    disagreements: int = option(
        "Number of queries to list, those with the largest disagreement.", default=50, section="Output"
    )
    out: Path | None = option(
        "Folder for shadow.json, queries, rankings, results to label or to judge, and candidates for the golden set.",
        default=None, section="Output", writes="folder",
    )  # fmt: skip
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        if not self.k or min(self.k) < 1:
            raise SettingError("must be 1 or more", option="k")
        for name, least in (("sample", 1), ("disagreements", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingError(f"is {value}; it must be {least} or more", option=name)
        if self.columns and isinstance(self.queries, SearchLog):
            raise SettingError(f"applies to a path only, and {named('queries')} is loaded already", option="columns")
        if self.corpus is None or isinstance(self.corpus, Chunks):
            why = f"needs {named('corpus')}" if self.corpus is None else "applies to documents, not to Chunks"
            for name, usual in (("loader", None), ("clean", None), ("chunker", AUTO)):
                if getattr(self, name) != usual:
                    raise SettingError(why, option=name)


def run(options: Options, context: Context) -> Shadow:
    """Send the same live queries through two systems, and compare their results without labels.

    Each distinct query is asked once, and counts as often as it was searched. The result has the overlap of the
    rankings, the share of searches with other results, failures and latency, each with an interval over sessions, and
    the queries with the largest disagreement. It says how much differs, not which system is better: label the items of
    ``labels.csv`` for that.

    Raises:
        InputError: the queries or a system cannot be read, or a system did not run.
        SettingError: a retriever is unknown or has a wrong setting; every fault is listed.

    Examples:
        >>> found = rb.shadow(
        ...     "bm25:stem=false", "bm25", queries="datasets/shop/seed_queries.txt",
        ...     corpus="datasets/shop/product_catalog.csv",
        ... )
        >>> found.searches, round(found.overlap[10].mean, 2), round(found.changed[1].mean, 2)
        (42, 0.81, 0.17)
    """
    if len(options.systems) != 2:
        raise SettingError(f"names {counted(len(options.systems), 'system')}; a shadow test has two", option="systems")
    if options.queries is None:
        raise SettingError("is not given", option="queries")
    if options.out is not None:
        check_unfilled(options.out / SHEET)
    systems = [resolved(given, options.corpus is not None) for given in options.systems]
    names = [name for name, _ in systems]
    if names[0] == names[1]:
        names = [str(given) if isinstance(given, str | Path) else name
                 for given, name in zip(options.systems, names, strict=True)]  # fmt: skip
    if names[0] == names[1]:
        raise SettingError(f"names {names[0]} twice: a system cannot be compared with itself", option="systems")
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    stored = any(isinstance(system, RunFile | ScoredRun) for _, system in systems)
    live = live_queries(_log(options.queries, options.columns), by_id=stored, most=options.sample, seed=options.seed)
    chunks, texts = _corpus(options, context)
    depth = max(DEPTH, *options.k)
    first, second = (
        _answered(name, system, live, chunks, depth, context) for name, (_, system) in zip(names, systems, strict=True)
    )
    if chunks is not None:
        first, second = (replace(one, run=as_documents(one.run, chunks)) for one in (first, second))
    first, second = (replace(one, run=one.run.top(depth)) for one in (first, second))
    found = shadow(live, first, second, k=sorted(set(options.k)), most=options.disagreements, seed=options.seed)
    if options.out is not None:
        with working_in(options.out):
            write(options.out, found, live, (first, second), texts, options.seed)
    return found


def resolved(given: LiveSystem, has_corpus: bool) -> tuple[str, Retriever | ScoredRun]:
    """Find the system, with its name.

    Raises:
        InputError: there is no such folder or system.
        SettingError: the retriever is unknown, has a wrong setting, or needs documents.
    """
    if isinstance(given, ScoredRun):
        return given.name, given
    if isinstance(given, Retriever):
        name, retriever = repr(given), given
    else:
        name = str(given)
        folder, named_arm, _ = name.partition(ARM_AFTER)
        if Path(folder).is_dir() and (named_arm or Path(name).is_dir()):
            found = read_scored(name)
            if len(found) != 1:
                raise InputError(
                    f"{name} has {len(found)} systems ({', '.join(one.name for one in found)}); name one: "
                    f"{folder}{ARM_AFTER}{found[0].name}"
                )
            return found[0].name, found[0]
        retriever = RunFile(Path(name), returns="document") if Path(name).is_file() else build(RETRIEVERS, name)
    faults = retriever.check()
    if faults:
        raise SettingError("\n".join(f"retriever {name!r}: {fault}" for fault in faults))
    if not has_corpus and retriever.needs_chunks and not isinstance(retriever, RunFile):
        raise SettingError(f"is not given, and {name} needs documents to search", option="corpus")
    return name, retriever


def _log(queries: Path | SearchLog, columns: Mapping[str, str] | None) -> SearchLog:
    return with_text(queries if isinstance(queries, SearchLog) else read_live_queries(queries, columns))


def live_queries(log: SearchLog, *, by_id: bool, most: int | None = None, seed: int = 0) -> LiveQueries:
    """Find the distinct queries of a log.

    Args:
        log: the searches. A search without a session is one of its own.
        by_id: whether rankings are stored by query id; otherwise, searches with the same text are one query.
        most: most searches; whole sessions are drawn until the next one would exceed it.
        seed: seed of the draw.

    Raises:
        InputError: ids are needed and a search has none, or two texts share an id.
    """
    searches = list(log)
    sessions = [search.session or search.user or f"search {number}" for number, search in enumerate(searches)]
    if most is not None and most < len(searches):
        names = list(dict.fromkeys(sessions))
        order = generator(seed, "shadow", "sample").permutation(len(names))
        place = {name: at for at, name in enumerate(names)}
        sizes = np.bincount([place[one] for one in sessions])
        drawn = {names[at] for at in order[np.cumsum(sizes[order]) <= most].tolist()} or {names[order[0]]}
        rows = [row for row, session in enumerate(sessions) if session in drawn]
        searches, sessions = [searches[row] for row in rows], [sessions[row] for row in rows]
    texts: dict[str, str] = {}
    rows_of: dict[str, int] = {}
    asked = []
    for search in searches:
        text = " ".join(search.query.split())
        if by_id and not search.id:
            raise InputError(
                f"{search.where}: the query has no id, and run files and stored runs are matched by query id. Add a "
                f"column query_id, or name it: {named('columns')} id=NAME"
            )
        key = search.id if by_id else text
        if texts.setdefault(key, text) != text:
            raise InputError(f"{search.where}: query {key!r} reads {text!r:.60} here and {texts[key]!r:.60} further up")
        asked.append(rows_of.setdefault(key, len(rows_of)))
    ids = list(texts) if by_id else [f"s{number:05d}" for number in range(1, len(texts) + 1)]
    return LiveQueries(ids, list(texts.values()), np.array(asked, dtype=np.int64), sessions, log.ledger)


def _corpus(options: Options, context: Context) -> tuple[Chunks | None, dict[str, str]]:
    """The chunks to search, and the texts of documents by id."""
    if options.corpus is None:
        return None, {}
    if isinstance(options.corpus, Chunks):
        chunks = options.corpus
        texts: dict[str, list[str]] = {}
        for chunk in chunks:
            texts.setdefault(chunk.document_id, []).append(chunk.content)
        return chunks, {id_: "\n".join(parts) for id_, parts in texts.items()}
    loaded = read_corpus(options.corpus, options, context)
    chunks = chunk_corpus(loaded, options.chunker, progress=context.progress).chunks
    return chunks, {one.id: f"{one.title}\n{one.text}".strip() for one in loaded.corpus}


def _answered(
    name: str, system: Retriever | ScoredRun, live: LiveQueries, chunks: Chunks | None, depth: int, context: Context
) -> Answered:
    """Ask a system all queries, or take its stored rankings."""
    queries = [Query(id_, text) for id_, text in zip(live.ids, live.texts, strict=True)]
    if isinstance(system, ScoredRun):
        return _stored(name, system, live)
    try:
        if isinstance(system, RunFile):
            measured = replay(system, queries, system.returns)
        else:
            deeper = depth if chunks is None else depth * _chunks_per_document(chunks)
            measured = measure(system, chunks or NO_CORPUS, queries, deeper, context)
    except RagbenchError as error:
        raise ArmError(f"{name} did not run: {error}") from error
    return Answered(name, measured.run, measured.cost.latency_ms, len(measured.degraded))


NO_CORPUS = Chunks.of([Chunk("-", "-", "-", 0, 1)])
"""What a service that holds its own documents is given if there is no corpus."""


def _chunks_per_document(chunks: Chunks) -> int:
    """How much deeper to search, so that several chunks that fall on one document leave enough documents."""
    per_document = -(-len(chunks) // len(chunks.document_ids))
    return 2 * per_document if per_document > 1 else 1


def _stored(name: str, system: ScoredRun, live: LiveQueries) -> Answered:
    if system.run is None:
        raise InputError(f"{name} has no rankings{f': {system.error}' if system.error else ''}")
    known = set(system.run.query_ids)
    absent = {id_: "not among the queries of its evaluation" for id_ in live.ids if id_ not in known}
    if len(absent) == len(live.ids):
        shown = ", ".join(live.ids[:3])
        raise InputError(f"{name}: its evaluation has none of the live queries, whose ids are {shown}, ...")
    run = system.run.select(live.ids)
    timed = {id_: ms for id_, ms in system.query_ms.items() if id_ in set(live.ids)}
    low, high = system.intervals.get(MEDIAN, (None, None))
    latency = None
    if system.latency_ms:
        p50, p95, p99 = (system.latency_ms[key] for key in ("p50", "p95", "p99"))
        latency = Latency(p50, p95, p99, len(system.query_ms), low, high, timed)
    return Answered(name, replace(run, failures={**run.failures, **absent}), latency)


def as_documents(run: Run, chunks: Chunks) -> Run:
    """Convert a run of chunks to documents by the ids of the chunks; other ids stay as they are."""
    if run.unit == "document":
        return run
    names: dict[str, int] = {}
    row, documents = chunks.row, chunks.document_ids
    index = [
        names.setdefault(documents[chunks.document_index[row[id_]]] if id_ in row else id_, len(names))
        for id_ in run.item_ids
    ]
    return run.as_documents(list(names), np.array(index, dtype=np.int32))


def write(
    out: Path,
    found: Shadow,
    live: LiveQueries,
    systems: tuple[Answered, Answered],
    texts: Mapping[str, str],
    seed: int,
) -> None:
    """Write what a shadow test found, the queries and rankings, and what is to be labelled.

    Args:
        out: the folder.
        found: the result.
        live: the queries.
        systems: the two systems.
        texts: text by document id.
        seed: of the order of the items to label.
    """
    write_json(out / SHADOW, shadow_json(found))
    counts = np.bincount(live.asked, minlength=len(live.ids)).tolist()
    rows = zip(live.ids, live.texts, counts, strict=True)
    asked = (("queries", {"query_id": id_, "query": text, "searches": count}) for id_, text, count in rows)
    write_bytes(out / QUERIES, lines(asked))
    for side, system in zip(SIDES, systems, strict=True):
        write_trec_run(system.run, out / "runs" / f"{side}.trec", "_".join(system.name.split()), escape=True)
    _write_results(out, live, systems, texts, seed)
    if not found.disagreements:
        return
    sheet = [(one.query_id, one.text, item) for one in found.disagreements for item in _items(one, seed)]
    write_item_sheet(sheet, out / SHEET, texts)
    items = tuple(_candidate(one, found) for one in found.disagreements)
    write_golden(GoldenSet(items, "candidates"), out / CANDIDATES)


def _write_results(
    out: Path, live: LiveQueries, systems: tuple[Answered, Answered], texts: Mapping[str, str], seed: int
) -> None:
    """Write the results of queries where they differ as answers, for a judge: those of searches drawn at random."""
    tops = [
        [tuple(item for item, _ in one.run.ranking(row)[:SHOWN]) for row in range(len(live.ids))] for one in systems
    ]
    order = generator(seed, "shadow", "judged").permutation(len(live))
    asked = dict.fromkeys(live.asked[order].tolist())
    failed = systems[0].run.failures.keys() | systems[1].run.failures.keys()
    chosen = [
        row
        for row in asked
        if tops[0][row] != tops[1][row] and live.ids[row] not in failed and not personal_data(live.texts[row])
    ][:JUDGED]
    if not chosen or not texts:
        return
    for side, top in zip(SIDES, tops, strict=True):
        rows = (
            (side, {"query_id": live.ids[row], "query": live.texts[row], "answer": _listed(top[row], texts)})
            for row in chosen
        )
        write_bytes(out / f"{side}.jsonl", lines(rows))


def _listed(items: Sequence[str], texts: Mapping[str, str]) -> str:
    """The results as a person sees them: a number, and the beginning of the text."""
    shown = (excerpt(texts.get(item, item), CHARACTERS) for item in items)
    return "\n".join(f"{at}. {text}" for at, text in enumerate(shown, start=1)) or "(no result)"


def _items(one: Disagreement, seed: int) -> list[str]:
    """The items of both systems in an order that does not show which system found them."""
    items = sorted({*one.first, *one.second})
    return [items[at] for at in generator(seed, "sheet", one.query_id).permutation(len(items))]


def _candidate(one: Disagreement, found: Shadow) -> GoldenItem:
    metadata = {
        "searches": one.searches, "rank_biased_overlap": round(one.rbo, 4),
        "results": {found.first.name: list(one.first), found.second.name: list(one.second)},
    }  # fmt: skip
    return GoldenItem(one.query_id, one.text, query_type(one.text), metadata=metadata)
