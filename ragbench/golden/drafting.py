"""Requests to the model that writes queries, and the drafts read from its answers.

The mix decides which types of query to write for each chunk, and the shares of the wordings how each is worded. The
prompt shows a chunk and some seed queries, and one call asks for all queries of that chunk.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, overload

from ragbench import plugins
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence
from ragbench.core.runs import Query
from ragbench.core.spelling import named
from ragbench.corpus.boundaries import headings_above
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.query_types import query_type
from ragbench.golden.wanted import MULTI, UNANSWERABLE, Wanted
from ragbench.golden.writer import MOST_PER_CALL, USUAL, Writer, draft_fields, schema
from ragbench.io.encoding import read_text, require_file
from ragbench.models.llm.base import Answer, Request


def read_seeds(path: Path) -> tuple[str, ...]:
    """Read queries from a text file with one per line, in order and without repetition. Blank lines are ignored.

    Raises:
        InputError: the file does not exist or has no query.
    """
    require_file(path, f"{named('seed_queries')} takes a text file with one query per line")
    text, _ = read_text(path)
    queries = tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))
    if not queries:
        raise InputError(f"{path}: there is no query in it; write one per line, or leave {named('seed_queries')} out")
    return queries


def draw_examples(seeds: tuple[str, ...], count: int, seed: int, *purpose: str) -> list[str]:
    """Draw ``count`` different seed queries for one call. The same seed and purpose give the same queries."""
    if not seeds or count <= 0:
        return []
    rng = generator(seed, "golden", "examples", *purpose)
    return [seeds[at] for at in rng.choice(len(seeds), size=min(count, len(seeds)), replace=False).tolist()]


ASKED = "wording_asked"
"""Key of the wording that was asked for, in the provenance of a draft."""
PERSONA = "persona"
"""Key of the persona that was asked for."""
TOKENS_PER_QUERY = 250
NEIGHBOURS = 20


@dataclass(frozen=True)
class Call:
    """One request to the writer.

    Attributes:
        chunk_ids: the chunks that the prompt shows, the leading one first.
        wanted: the queries to write; the prompt numbers them from 1.
        request: the request itself.
    """

    chunk_ids: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    request: Request


class Planned(NamedTuple):
    """A call without its request: rows of the chunks to show, the queries to write, and the place of the first one
    among all of its kind for the leading chunk.
    """

    shown: tuple[int, ...]
    wanted: tuple[Wanted, ...]
    start: int


@dataclass(frozen=True)
class Calls(Sequence[Call]):
    """Calls whose requests are built when they are needed, because all prompts together take much memory.

    Attributes:
        planned: the calls.
        build: makes one.
    """

    planned: Sequence[Planned]
    build: Callable[[Planned], Call]

    def __len__(self) -> int:
        return len(self.planned)

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        if isinstance(index, slice):
            return [self.build(one) for one in self.planned[index]]
        return self.build(self.planned[index])


def make_calls(
    chunks: Chunks,
    rows: Sequence[int],
    wanted: Sequence[Sequence[Wanted]],
    *,
    seeds: tuple[str, ...],
    examples: int,
    seed: int,
    context: Context,
    writer: Writer = USUAL,
    corpus: Corpus | None = None,
) -> Calls:
    """Make one call per chunk, and one more for each chunk that also gets a query over two chunks.

    Args:
        chunks: all chunks.
        rows: rows of the sampled chunks.
        wanted: what to write for each sampled chunk.
        seeds: queries of real users.
        examples: how many seed queries each prompt shows.
        seed: of the run.
        context: cache and progress, for the search for linked chunks.
        writer: how the writer is asked.
        corpus: the documents, for the headings above a chunk; None shows none.
    """
    paired = [row for row, items in zip(rows, wanted, strict=True) if any(item.type == MULTI for item in items)]
    partner = linked(chunks, paired, context)
    planned: list[Planned] = []
    same: dict[Wanted, Wanted] = {}
    for row, items in zip(rows, wanted, strict=True):
        other = partner.get(row)
        # A corpus with a single chunk has nothing to link, so the slot asks for a question instead.
        items = [item if item.type != MULTI or other is not None else item._replace(type="question") for item in items]
        items = [same.setdefault(item, item) for item in items]
        single = tuple(item for item in items if item.type != MULTI)
        double = tuple(item for item in items if item.type == MULTI)
        groups = [((row,), single)] + ([((row, other), double)] if other is not None else [])
        for shown, group in groups:
            for start in range(0, len(group), MOST_PER_CALL):
                planned.append(Planned(shown, group[start : start + MOST_PER_CALL], start))

    def build(one: Planned) -> Call:
        ids = tuple(chunks.ids[row] for row in one.shown)
        drawn = draw_examples(seeds, examples, seed, *ids, str(one.start))
        above = [_headings(chunks, row, corpus) for row in one.shown]
        fields = draft_fields(
            one.wanted, chunks[one.shown[0]].title, [chunks.texts[row] for row in one.shown], drawn, writer, above
        )
        request = writer.prompt.request(
            fields,
            seed=seed,
            schema=None if writer.own else schema(len(one.wanted)),
            max_tokens=200 + TOKENS_PER_QUERY * len(one.wanted),
        )
        return Call(ids, one.wanted, request)

    return Calls(planned, build)


def _headings(chunks: Chunks, row: int, corpus: Corpus | None) -> str:
    """The path of the headings above a chunk, without its document's title; empty where there is none."""
    chunk = chunks[row]
    document = None if corpus is None else corpus.by_id.get(chunk.document_id)
    path = headings_above(document.text, chunk.start) if document is not None else ()
    return " > ".join(path[1:] if path and path[0] == chunk.title else path)


def linked(chunks: Chunks, rows: Sequence[int], context: Context) -> dict[int, int]:
    """Find a second chunk for each row, where there is one: a neighbour in the same document, else the chunk of another
    document that BM25 ranks first.
    """
    found: dict[int, int] = {}
    alone: list[int] = []
    for row in rows:
        beside = [at for at in (row + 1, row - 1) if 0 <= at < len(chunks)]
        same = [at for at in beside if chunks.document_index[at] == chunks.document_index[row]]
        if same:
            found[row] = same[0]
        else:
            alone.append(row)
    if not alone or len(chunks.document_ids) < 2:
        return found
    index = plugins.build(plugins.RETRIEVERS, "bm25").index(chunks, context)
    run = index.search([Query(chunks.ids[row], chunks.texts[row]) for row in alone], NEIGHBOURS)
    for at, row in enumerate(alone):
        for id_, _ in run.ranking(at):
            other = chunks.row[id_]
            if chunks.document_index[other] != chunks.document_index[row]:
                found[row] = other
                break
    return found


@dataclass(frozen=True)
class Failed:
    """A query that was requested and that the writer did not return.

    Attributes:
        chunk_ids: the chunks that the prompt showed.
        type: the kind of query.
        reason: why it is missing.
        raw: the reply of the writer, if there was one.
    """

    chunk_ids: tuple[str, ...]
    type: str
    reason: str
    raw: str


class Read(NamedTuple):
    """What came of a call.

    Attributes:
        drafts: the queries.
        failed: queries that were not returned.
        skipped: queries whose type does not suit the chunk, as the writer says, with its reason.
    """

    drafts: list[Draft]
    failed: list[Failed]
    skipped: list[tuple[Wanted, Failed]]


def read_answer(
    call: Call, answer: Answer, *, model: str, seed: int, writer: Writer = USUAL
) -> Read:  # fmt: skip
    """Read the drafts in an answer, and list the queries that are missing from it.

    The answer is not trusted: a query whose number was not requested or occurs twice, or whose type is wrong, becomes a
        rejected draft. Replies to a prompt of the user may leave number and type out: the number is then the place in
        the list, and the type that was asked for or, if the prompt lists none, the one that the rules find.
    """
    value = answer.value
    items = value.get("queries") if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        reason = answer.failure or "the answer has no list of queries"
        return Read([], [Failed(call.chunk_ids, wanted.type, reason, answer.raw) for wanted in call.wanted], [])
    provenance: dict[str, object] = {"model": model, "prompt": call.request.prompt, "seed": seed}
    drafts: list[Draft] = []
    skipped: dict[int, Failed] = {}
    taken: set[int] = set()
    for place, item in enumerate(_completed(items, call.wanted) if writer.own else items):
        if not isinstance(item, Mapping):
            continue
        number = item.get("number")
        asked = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= len(call.wanted)
        wanted = call.wanted[int(str(number)) - 1] if asked else call.wanted[0]._replace(type=str(item.get("type")))
        if asked and not str(item.get("query") or "").strip():
            reason = " ".join(str(item.get("answer") or "").split()) or "the writer gave no reason"
            skipped[int(str(number))] = Failed(call.chunk_ids, wanted.type, reason, "")
            continue
        fault = "" if asked else f"number {number!r} was not asked for"
        if fault and writer.own:
            fault = f"the reply has {len(items)} queries; {len(call.wanted)} were asked for"
        if asked and number in taken:
            fault = f"number {number} was there before"
        if not fault:
            taken.add(int(str(number)))
            if item.get("type") != wanted.type:
                fault = f"type {item.get('type')!r} where {wanted.type!r} was asked for"
        name = fingerprint([call.chunk_ids, call.request.fingerprint, place])
        draft = _draft(call, item, wanted, name, provenance, listed=writer.lists)
        drafts.append(draft if not fault else draft.reviewed(Opinion("schema", False, fault)))
    left_out = [(call.wanted[number - 1], one) for number, one in sorted(skipped.items()) if number not in taken]
    missing = [one for number, one in enumerate(call.wanted, 1) if number not in taken and number not in skipped]
    reason = f"the writer gave {len(taken)} of {len(call.wanted)} queries"
    return Read(drafts, [Failed(call.chunk_ids, one.type, reason, answer.raw) for one in missing], left_out)


def _completed(items: Sequence[object], wanted: Sequence[Wanted]) -> Iterator[Mapping[str, object]]:
    """Replies to a prompt of the user, with the number and the type that they leave out."""
    for number, item in enumerate(items, 1):
        given = {"query": item} if isinstance(item, str) else item
        if isinstance(given, Mapping):
            at = given.get("number", number)
            known = isinstance(at, int) and 1 <= at <= len(wanted)
            yield {"number": number, **given, "type": wanted[int(str(at)) - 1].type if known else given.get("type")}


def _draft(
    call: Call, item: Mapping[str, object], wanted: Wanted, digest: str, provenance: Mapping[str, object], *,
    listed: bool,
) -> Draft:  # fmt: skip
    quotes = item.get("quotes")
    answer = item.get("answer")
    text = " ".join(str(item.get("query") or "").split())
    asked = {ASKED: wanted.wording} if listed else {}
    persona = {PERSONA: wanted.persona} if wanted.persona else {}
    return Draft(
        id=f"q-{digest[:16]}",
        text=text,
        type=wanted.type if listed else query_type(text),
        answer=" ".join(answer.split()) or None if isinstance(answer, str) else None,
        quotes=tuple(str(quote) for quote in quotes) if isinstance(quotes, list) else (),
        chunk_ids=call.chunk_ids,
        language=wanted.language,
        provenance={**provenance, **asked, **persona},
    )


def with_whole_chunk(draft: Draft, chunks: Chunks) -> Draft:
    """Give a draft without quotes its whole chunk as evidence: a prompt of the user may ask for queries alone."""
    if draft.quotes or draft.evidence or draft.type == UNANSWERABLE:
        return draft
    found = (chunks[chunks.row[id_]] for id_ in draft.chunk_ids)
    return replace(draft, evidence=tuple(Evidence(one.document_id, one.start, one.end, chunk=True) for one in found))
