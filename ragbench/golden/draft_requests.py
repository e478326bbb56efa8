"""Chunks -> what the writer is asked, and its answers -> drafts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.fingerprint import fingerprint
from ragbench.core.queries import Query
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.mix import Wanted
from ragbench.golden.prompts import draft as prompt
from ragbench.golden.seeds_file import draw_examples
from ragbench.models.llm.base import Answer, Request

MULTI = "multi-evidence"
TOKENS_PER_QUERY = 250
NEIGHBOURS = 20


@dataclass(frozen=True)
class Call:
    """One request to the writer.

    Attributes:
        chunk_ids: the chunks shown, the leading one first.
        wanted: what is asked for; number 1 is the first.
        request: the request itself.
    """

    chunk_ids: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    request: Request


def make_calls(
    chunks: Chunks,
    rows: Sequence[int],
    wanted: Sequence[Sequence[Wanted]],
    *,
    seeds: tuple[str, ...],
    examples: int,
    seed: int,
    context: Context,
) -> list[Call]:
    """One call per chunk, and one more for those that also get a query over two chunks.

    Args:
        chunks: all chunks.
        rows: the sampled ones.
        wanted: what to write for each of them.
        seeds: queries of real users.
        examples: how many of them each prompt shows.
        seed: of the run.
        context: cache and progress, for the search for linked chunks.
    """
    paired = [row for row, items in zip(rows, wanted, strict=True) if any(item.type == MULTI for item in items)]
    partner = linked(chunks, paired, context)
    calls: list[Call] = []
    for row, items in zip(rows, wanted, strict=True):
        other = partner.get(row)
        # A corpus of one chunk has nothing to link; the slot then asks for a question.
        items = [item if item.type != MULTI or other is not None else item._replace(type="question") for item in items]
        single = tuple(item for item in items if item.type != MULTI)
        double = tuple(item for item in items if item.type == MULTI)
        groups = [((row,), single)] + ([((row, other), double)] if other is not None else [])
        for shown, group in groups:
            for start in range(0, len(group), prompt.MOST_PER_CALL):
                part = group[start : start + prompt.MOST_PER_CALL]
                calls.append(_call(chunks, shown, part, start, seeds, examples, seed))
    return calls


def _call(
    chunks: Chunks,
    shown: tuple[int, ...],
    wanted: tuple[Wanted, ...],
    start: int,
    seeds: tuple[str, ...],
    examples: int,
    seed: int,
) -> Call:
    ids = tuple(chunks.ids[row] for row in shown)
    drawn = draw_examples(seeds, examples, seed, *ids, str(start))
    title = chunks[shown[0]].title
    filled = prompt.filled(wanted, title, [chunks.texts[row] for row in shown], drawn)
    request = prompt.DRAFT.request(
        filled, seed=seed, schema=prompt.schema(len(wanted)), max_tokens=200 + TOKENS_PER_QUERY * len(wanted)
    )
    return Call(ids, wanted, request)


def linked(chunks: Chunks, rows: Sequence[int], context: Context) -> dict[int, int]:
    """A second chunk for each of these, as far as there is one: a neighbour in its document, else the chunk of
    another document that BM25 finds nearest to it.
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
    """A query that was asked for and never came.

    Attributes:
        chunk_ids: the chunks it was asked of.
        type: the kind of query.
        reason: why there is none.
        raw: what the writer said, as far as it said anything.
    """

    chunk_ids: tuple[str, ...]
    type: str
    reason: str
    raw: str


def read_answer(call: Call, answer: Answer, *, model: str, seed: int) -> tuple[list[Draft], list[Failed]]:
    """The drafts in an answer, and what is missing from it.

    Nothing of the answer is trusted: a number that was not asked for, or
    twice, or whose type is another one, becomes a rejected draft.
    """
    value = answer.value
    items = value.get("queries") if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        reason = answer.failure or "the answer has no list of queries"
        return [], [Failed(call.chunk_ids, wanted.type, reason, answer.raw) for wanted in call.wanted]
    provenance: dict[str, object] = {"model": model, "prompt": call.request.prompt, "seed": seed}
    drafts: list[Draft] = []
    taken: set[int] = set()
    for place, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        number = item.get("number")
        asked = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= len(call.wanted)
        fault = "" if asked else f"number {number!r} was not asked for"
        if asked and number in taken:
            fault = f"number {number} was there before"
        wanted = call.wanted[int(str(number)) - 1] if asked else Wanted(str(item.get("type")), call.wanted[0].language)
        if not fault:
            taken.add(int(str(number)))
            if item.get("type") != wanted.type:
                fault = f"type {item.get('type')!r} where {wanted.type!r} was asked for"
        draft = _draft(call, item, wanted, fingerprint([call.chunk_ids, call.request.fingerprint, place]), provenance)
        drafts.append(draft if not fault else Draft(**{**vars(draft), "opinions": (Opinion("schema", False, fault),)}))
    missing = [wanted for number, wanted in enumerate(call.wanted, 1) if number not in taken]
    reason = f"the writer gave {len(taken)} of {len(call.wanted)} queries"
    return drafts, [Failed(call.chunk_ids, wanted.type, reason, answer.raw) for wanted in missing]


def _draft(
    call: Call, item: Mapping[str, object], wanted: Wanted, digest: str, provenance: Mapping[str, object]
) -> Draft:
    quotes = item.get("quotes")
    answer = item.get("answer")
    return Draft(
        id=f"q-{digest[:16]}",
        text=" ".join(str(item.get("query") or "").split()),
        type=wanted.type,
        answer=" ".join(answer.split()) or None if isinstance(answer, str) else None,
        quotes=tuple(str(quote) for quote in quotes) if isinstance(quotes, list) else (),
        chunk_ids=call.chunk_ids,
        language=wanted.language,
        provenance=provenance,
    )
