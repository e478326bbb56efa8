"""A conformance test for authors of retrievers.

    from ragbench.testing import check_retriever

    def test_my_retriever():
        check_retriever(MyRetriever(depth=20))

One call checks what an evaluation relies on, and lists every fault at once.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import RagbenchError
from ragbench.core.runs import Query, Run
from ragbench.plugins import RETRIEVERS, build, load, names
from ragbench.retrievers.base import Index, Retriever

TEXTS = (
    ("boots", "Waterproof leather boots with a stiff sole for rocky mountain paths."),
    ("boots", "Rub the boots with wax after every wet walk, and dry them away from fire."),
    ("tent", "A tent for two with a fly sheet that stands by itself; it weighs 1.9 kg."),
    ("tent", "Pitch the tent with its narrow end to the wind and peg out all guy lines."),
    ("stove", "The stove burns gas from screw cartridges and boils a litre in four minutes."),
    ("bag", "A down sleeping bag that keeps warm at ten degrees below zero."),
    ("bag", "Store the sleeping bag loose, never pressed into its sack for months."),
    ("lamp", "A head lamp with red light, charged over a cable, thirty hours on low."),
    ("filter", "The filter takes bacteria out of stream water, one litre a minute."),
    ("map", "Printed on plastic, the map of the northern lakes survives rain and folding."),
    ("rope", "Sixty metres of dynamic rope, 9.5 mm, dry treated, with a middle mark."),
    ("poles", "Folding carbon poles with cork grips, 115 to 135 cm."),
)
QUERIES = (
    Query("q1", "warm sleeping bag for winter"),
    Query("q2", "how do I care for leather boots"),
    Query("q3", "light tent for two people"),
)
STRANGE = (
    Query("strange-1", "zxqv wjkp"),
    Query("strange-2", "?"),
    Query("strange-3", "Ünïcödé 水 \U0001f3d4 \"quoted\" 'text'\n\twith a line break"),
    Query("strange-4", "sleeping bag " * 500),
)


def small_corpus() -> Chunks:
    """Twelve chunks of nine documents on camping gear."""
    chunks: list[Chunk] = []
    for at, (document, text) in enumerate(TEXTS):
        before = [chunk for chunk in chunks if chunk.document_id == document]
        start = before[-1].end + 1 if before else 0
        chunks.append(Chunk(f"{document}-{at}", document, text, start, start + len(text)))
    return Chunks.of(chunks)


def check_retriever(retriever: Retriever, chunks: Chunks | None = None, queries: Sequence[Query] | None = None) -> None:
    """Check a retriever against its contract, by running it.

    The retriever is indexed twice. It answers the queries together, one by one,
    with exclusions, and with texts that nothing matches.

    Args:
        retriever: the settings to check.
        chunks: the chunks to index; `small_corpus` if None. For a retriever that holds
            its own items (a service), pass their chunks.
        queries: the queries; three about the small corpus if None. At least one
            should have two or more results.

    Raises:
        AssertionError: the retriever breaks the contract. The message lists every fault.
    """
    chunks = small_corpus() if chunks is None else chunks
    faults = list(_settings_faults(retriever))
    if not faults:
        faults = list(_behaviour_faults(retriever, chunks, list(queries or QUERIES)))
    if faults:
        raise AssertionError(f"{type(retriever).__name__} breaks the contract:\n" + "\n".join(f"- {f}" for f in faults))


def _settings_faults(retriever: Retriever) -> Iterator[str]:
    cls = type(retriever)
    parameters = getattr(cls, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        yield "it is not a frozen dataclass: put @dataclass(frozen=True) above the class; its fields are its settings"
        return
    faults = retriever.check()
    if faults:
        yield f"check() finds fault with the settings given: {'; '.join(faults)}"
    first = retriever.key()
    if retriever.key() != first:
        yield "key() changes from call to call: derive it from settings only"
    if _copy(retriever).key() != first:
        yield "key() of a copy with the same settings differs: derive it from settings only"
    yield from _round_trip_faults(retriever)


def _copy(retriever: Any) -> Any:
    return dataclasses.replace(retriever)


def _round_trip_faults(retriever: Any) -> Iterator[str]:
    """Settings from a YAML file must give the same retriever."""
    name = _plugin_name(type(retriever))
    fields = [field for field in dataclasses.fields(retriever) if field.init]
    settings = {field.name: getattr(retriever, field.name) for field in fields}
    given = {
        field.name: settings[field.name]
        for field in fields
        if field.default is dataclasses.MISSING or settings[field.name] != field.default
    }
    if name is None or not all(_writable(value) for value in given.values()):
        return
    written = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    try:
        again = build(RETRIEVERS, {"name": name, **written})
    except RagbenchError as error:
        yield f"its settings cannot be given by name: {error}"
        return
    if again.key() != retriever.key():
        yield f"built by name as {name!r} with the same settings, it has another key(): {again!r} and {retriever!r}"


def _plugin_name(cls: type[Retriever]) -> str | None:
    """The name under which the class is registered, or None."""
    for name, origin in names(RETRIEVERS).items():
        if origin.partition(":")[0] == cls.__module__ and load(RETRIEVERS, name) is cls:
            return name
    return None


def _writable(value: object) -> bool:
    """Whether a YAML file can hold the value (a path is written as text)."""
    if isinstance(value, list | tuple):
        return all(_writable(item) for item in value)
    if isinstance(value, dict):
        return all(_writable(item) for item in value.values())
    return value is None or isinstance(value, str | int | float | bool) or hasattr(value, "__fspath__")


def _behaviour_faults(retriever: Retriever, chunks: Chunks, queries: list[Query]) -> Iterator[str]:
    index: Any = retriever.index(chunks, Context())
    if not isinstance(index, Index):
        yield f"index() returns a {type(index).__name__}, not an Index"
        return
    try:
        if index.unit not in ("chunk", "document"):
            yield f"unit is {index.unit!r}, neither 'chunk' nor 'document'"
        k = min(5, len(chunks))
        faults = list(_ranking_faults(index, queries, k))
        if faults:
            yield from faults
            return
        run = index.search(queries, k)
        yield from _run_faults(run, queries, k)
        yield from _single_faults(index, run, queries, k)
        yield from _exclusion_faults(index, run, queries, k)
        yield from _strange_faults(index, k)
        yield from _depth_faults(index, run, queries, chunks)
        if retriever.cacheable:
            yield from _repeat_faults(retriever, chunks, index, queries, k)
    finally:
        index.close()
        index.close()


def _ranking_faults(index: Index, queries: list[Query], k: int) -> Iterator[str]:
    ranking = index.rank(queries, k)
    items, scores = np.asarray(ranking.items), np.asarray(ranking.scores)
    if items.shape != scores.shape or items.ndim != 2 or len(items) != len(queries):
        yield f"rank() gives items {items.shape} and scores {scores.shape}; both must be ({len(queries)}, width)"
        return
    if not np.issubdtype(items.dtype, np.integer) or not np.issubdtype(scores.dtype, np.floating):
        yield f"rank() gives items of {items.dtype} and scores of {scores.dtype}; they must be int32 and float32"
        return
    if items.size and (items.min() < -1 or items.max() >= len(index.item_ids)):
        yield f"rank() names item rows {items.min()} to {items.max()}, of {len(index.item_ids)}; only -1 means none"
    if np.isnan(scores[items >= 0]).any():
        yield "rank() gives NaN scores"
    for position, reason in ranking.failures.items():
        if not 0 <= position < len(queries) or not reason:
            yield f"failures must give a reason per query position; it has {position!r}: {reason!r}"


def _run_faults(run: Run, queries: list[Query], k: int) -> Iterator[str]:
    if list(run.query_ids) != [query.id for query in queries]:
        yield "search() returns other query ids than it was given, or in another order"
    for query in queries:
        if query.id in run.failures:
            yield f"query {query.text!r} failed: {run.failures[query.id]}"
    if len(run.lengths) and run.lengths.max() > k:
        yield f"search(k={k}) gives {run.lengths.max()} items for a query"
    if not len(run.items):
        yield "nothing was found for any query; give check_retriever() chunks and queries that fit"
    elif run.constant:
        yield "every item of a query has the same score: a ranking by ids would be scored as if it were its own"


def _single_faults(index: Index, run: Run, queries: list[Query], k: int) -> Iterator[str]:
    """Latency is measured one query at a time, so single answers must be those of the batch."""
    for position, query in enumerate(queries):
        alone = index.search([query], k).ranking(0)
        together = run.ranking(position)
        if len(alone) != len(together) or not np.allclose(
            [score for _, score in alone], [score for _, score in together], rtol=1e-3, atol=1e-5
        ):
            yield f"query {query.text!r} alone gives {alone}, among others {together}"


def _exclusion_faults(index: Index, run: Run, queries: list[Query], k: int) -> Iterator[str]:
    if index.unit != "chunk":
        return
    without = [
        query._replace(exclude=frozenset(id_ for id_, _ in run.ranking(at)[:2])) for at, query in enumerate(queries)
    ]
    again = index.search(without, k)
    for at, query in enumerate(without):
        shown = {id_ for id_, _ in again.ranking(at)}
        if shown & query.exclude:
            yield f"query {query.text!r} shows {sorted(shown & query.exclude)}, which are excluded for it"
        kept = {id_ for id_, _ in run.ranking(at)[2:]}
        if kept - shown:
            yield f"query {query.text!r} loses {sorted(kept - shown)} when others are excluded: rank() gave too few"


def _strange_faults(index: Index, k: int) -> Iterator[str]:
    for query in STRANGE:
        try:
            index.search([query], k)
        # Any exception is the finding.
        except Exception as error:
            yield f"query {query.text[:40]!r} raises {type(error).__name__}: {error}; return no items, or a failure"


def _depth_faults(index: Index, run: Run, queries: list[Query], chunks: Chunks) -> Iterator[str]:
    """Asking for k = 1 gives the first of k = 5; k above the number of items is no error."""
    try:
        first = index.search(queries, 1)
        deep = index.search(queries, len(chunks) + 50)
    # Any exception is the finding.
    except Exception as error:
        yield f"k=1 or k={len(chunks) + 50} raises {type(error).__name__}: {error}"
        return
    for at, query in enumerate(queries):
        if run.ranking(at) and not first.ranking(at):
            yield f"query {query.text!r} has results for k=5 and none for k=1"
        if len(deep.ranking(at)) < len(run.ranking(at)):
            yield f"query {query.text!r} has fewer results for a larger k"


def _repeat_faults(retriever: Retriever, chunks: Chunks, index: Index, queries: list[Query], k: int) -> Iterator[str]:
    first = index.search(queries, k)
    if index.search(queries, k).fingerprint != first.fingerprint:
        yield "the same search twice differs; then set cacheable: ClassVar[bool] = False"
    other = retriever.index(chunks, Context())
    try:
        if other.search(queries, k).fingerprint != first.fingerprint:
            yield "a second index of the same chunks differs; then set cacheable: ClassVar[bool] = False"
    finally:
        other.close()
