"""Requests to the model that writes queries, and the drafts read from its answers.

The mix decides which types of query to write for each chunk, and the shares of the wordings how each is worded. The
prompt shows a chunk and some seed queries, and one call asks for all queries of that chunk.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from ragbench import plugins
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.core.spelling import named
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.query_types import query_type
from ragbench.golden.wordings import WORDINGS, counts_of
from ragbench.io.encoding import read_text
from ragbench.io.seed_files import read_shares
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

TYPES: Mapping[str, str] = {
    "attribute": "asks for a property, figure, size, material or name that the passage states",
    "comparative": "weighs two things, variants or options against each other; the passage settles it",
    "use-case": "describes a situation or need without naming the thing that the passage offers for it",
    "question": "a full question, as asked to a person, that the passage answers",
    "keyword": "search words, no sentence",
    "informal": "typed in haste: colloquial, in lower case, with one or two realistic spelling mistakes",
    "multi-evidence": "can only be answered by putting facts of BOTH passages together; quote from each of them",
    "unanswerable": (
        "sounds as if this collection answered it, on the passage's subject, but neither the passage nor anything "
        "like it does; leave quotes empty and say in the answer what is missing"
    ),
}
"""Types of queries, each with the description that the writer gets."""

KEYWORD = "keyword"
MOST_PER_CALL = 50


def schema(count: int) -> dict[str, object]:
    """Return the JSON schema of an answer with ``count`` queries."""
    item = {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "minimum": 1, "maximum": count, "description": "number in the list"},
            "type": {"type": "string", "enum": sorted(TYPES)},
            "query": {"type": "string", "minLength": 1, "maxLength": 500},
            "answer": {"type": "string", "maxLength": 2000, "description": "short, from the passage only"},
            "quotes": {
                "type": "array",
                "maxItems": 8,
                "items": {"type": "string", "minLength": 1, "maxLength": 2000},
                "description": "the words of the passage that hold the answer, copied exactly",
            },
        },
        "required": ["number", "type", "query", "answer", "quotes"],
        "additionalProperties": False,
    }
    return {
        "title": "Queries",
        "type": "object",
        "properties": {"queries": {"type": "array", "minItems": 1, "maxItems": count, "items": item}},
        "required": ["queries"],
        "additionalProperties": False,
    }


DRAFT = Prompt(
    name="draft",
    version=2,
    system=(
        "You write search queries that real users of a document collection would type. " + DATA_RULE + "\n\n"
        "Rules for every query:\n"
        "- The user has not seen the passage. Never write 'this product', 'the passage', 'the text' or 'it' for "
        "something that the query itself does not name.\n"
        "- Each query has a wording, which decides its length and whose words it uses:\n"
        + "".join(f"  - {wording.name}: {wording.asked}\n" for wording in WORDINGS.values())
        + "- No query has more than six words in a row from the passage.\n"
        "- The quotes are copied from the passage letter by letter, as short as they can be and whole enough to "
        "prove the answer.\n"
        "- The answer follows from the quotes alone.\n"
        "- All queries of one list differ in what they ask."
    ),
    template=(
        "Write one query for each number:\n{wanted}\n\n"
        "Title of the document:\n{title}\n\n{passages}{examples}"
        "Answer with one JSON object that follows the schema: a list 'queries', each with number, type, query, "
        "answer, quotes."
    ),
    schema=schema(MOST_PER_CALL),
    max_tokens=4096,
    temperature=0.7,
)


def draft_fields(wanted: Sequence["Wanted"], title: str, passages: Sequence[str], examples: Sequence[str]) -> Filled:
    """Return the fields and data of one request.

    Args:
        wanted: the queries to write, in order.
        title: title of the leading document.
        passages: one or two texts to write from.
        examples: queries of real users, whose style the writer imitates.
    """
    listed = "\n".join(
        f"{number}. type {one.type}: {TYPES[one.type]}; wording {one.wording}; in the language {one.language!r} "
        "(ISO 639-1)"
        for number, one in enumerate(wanted, 1)
    )
    fields = {"wanted": listed, "passages": "", "examples": ""}
    data = {"title": title or "(none)"}
    for number, passage in enumerate(passages, 1):
        name = "Passage" if len(passages) == 1 else f"Passage {number}"
        fields["passages"] += f"{name}:\n{{passage_{number}}}\n\n"
        data[f"passage_{number}"] = passage
    if examples:
        fields["examples"] = (
            "Queries of real users of this collection; take their tone, and the length from the wording:\n{shown}\n\n"
        )
        data["shown"] = "\n".join(examples)
    return Filled(fields, data)


DEFAULT_MIX: Mapping[str, float] = {
    "attribute": 0.2,
    "comparative": 0.1,
    "use-case": 0.2,
    "question": 0.2,
    "keyword": 0.1,
    "informal": 0.1,
    "multi-evidence": 0.05,
    "unanswerable": 0.05,
}
SEEDS = "seeds"
"""The mix that is the one of the seed queries."""
_LANGUAGE = re.compile(r"[a-z]{2}")


class Wanted(NamedTuple):
    """One query to be written."""

    type: str
    language: str
    wording: str


def parse_mix(written: str | None) -> dict[str, float]:
    """``"attribute=3,question=1"`` to shares that sum to 1, sorted by type. None gives the default mix, and ``"seeds"``
    an empty one, as the seed queries are not read yet.

    Raises:
        SettingError: a type is unknown, a share is not a number or is below 0, or no share is above 0.
    """
    if not written:
        return dict(sorted(DEFAULT_MIX.items()))
    if written == SEEDS:
        return {}
    shares: dict[str, float] = {}
    for part in written.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in TYPES:
            raise SettingError(f"{named('mix')}: no query type {name!r}{did_you_mean(name, TYPES)}")
        if name in shares:
            raise SettingError(f"{named('mix')}: {name!r} is given twice")
        try:
            shares[name] = float(value) if equals else 1.0
        except ValueError:
            raise SettingError(f"{named('mix')}: the share of {name!r} is {value!r}, which is no number") from None
        if not 0 <= shares[name] < float("inf"):
            raise SettingError(f"{named('mix')}: the share of {name!r} is {value}; it must be 0 or more")
    total = sum(shares.values())
    if total <= 0:
        raise SettingError(f"{named('mix')}: no type has a share above 0")
    return {name: share / total for name, share in sorted(shares.items()) if share > 0}


def mix_of_seeds(path: Path, seeds: Sequence[str]) -> dict[str, float]:
    """Share by type of the seed queries: that of the log they come from, where ``ragbench seeds`` wrote it beside them,
    else their own by the rules.

    Raises:
        InputError: the file beside them is damaged.
    """
    shares = read_shares(path) or Counter(query_type(text) for text in seeds)
    total = sum(shares.values())
    return {name: share / total for name, share in sorted(shares.items()) if share > 0}


def parse_languages(written: str | None) -> tuple[str, ...]:
    """``"en,de"`` to codes in the order given, without repetition. None gives English.

    Raises:
        SettingError: a value is not an ISO 639-1 code.
    """
    codes = [code.strip().lower() for code in (written or "en").split(",")]
    for code in codes:
        if not _LANGUAGE.fullmatch(code):
            raise SettingError(
                f"{named('languages')}: {code!r} is no ISO 639-1 code; write two letters each, as in en,de"
            )
    return tuple(dict.fromkeys(codes))


def allot(
    chunks: int, per_chunk: int, mix: Mapping[str, float], languages: Sequence[str], wordings: Mapping[str, float],
    seed: int,
) -> list[list[Wanted]]:  # fmt: skip
    """Decide what to write for each chunk, so that the whole set follows the shares as closely as whole numbers allow.

    Types rotate over the chunks, so that the queries of one chunk have different types where the mix allows it. The
    same holds for wordings, and each type has all of them; only keywords are short where enough short ones are wanted.

    Args:
        chunks: number of chunks.
        per_chunk: queries per chunk.
        mix: share by type, summing to 1.
        languages: ISO codes; each gets an equal share.
        wordings: share by wording, summing to 1.
        seed: of the run.
    """
    total = chunks * per_chunk
    names = list(mix)
    exact = np.array([mix[name] * total for name in names])
    counts = np.floor(exact).astype(np.int64)
    for row in np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]:
        counts[row] += 1
    rng = generator(seed, "golden", "mix")
    # The slots are sorted by type and dealt out chunk by chunk, like cards.
    types = np.repeat(np.arange(len(names)), counts)
    order = rng.permutation(chunks)
    dealt: list[list[Wanted]] = [[] for _ in range(chunks)]
    # Each type has equal shares of the languages, in shuffled order: no language always gets the same chunks.
    spoken = np.arange(total) % len(languages)
    for row in range(len(names)):
        rng.shuffle(spoken[counts[:row].sum() : counts[: row + 1].sum()])
    for place, (type_, language) in enumerate(zip(types.tolist(), spoken.tolist(), strict=True)):
        dealt[int(order[place % chunks])].append(Wanted(names[type_], languages[language], ""))
    return _worded(dealt, counts_of(wordings, total))


def _worded(dealt: Sequence[Sequence[Wanted]], counts: Mapping[str, int]) -> list[list[Wanted]]:
    """Deal wordings chunk by chunk. Each query gets the one that lacks the largest part of its queries, and of equal
    ones that which its type has had least. Keywords come first in their chunk, and take short ones.
    """
    taken = dict.fromkeys(counts, 0)
    of_type: Counter[tuple[str, str]] = Counter()
    found: list[list[Wanted]] = []
    for items in dealt:
        worded = list(items)
        for place in sorted(range(len(items)), key=lambda at: items[at].type != KEYWORD):
            type_ = items[place].type
            open_ = [name for name in counts if taken[name] < counts[name]]
            short = [name for name in open_ if type_ == KEYWORD and WORDINGS[name].target is not None]
            name = min(short or open_, key=lambda one: (taken[one] / counts[one], of_type[type_, one]))
            taken[name] += 1
            of_type[type_, name] += 1
            worded[place] = items[place]._replace(wording=name)
        found.append(worded)
    return found


def read_seeds(path: Path) -> tuple[str, ...]:
    """Read queries from a text file with one per line, in order and without repetition. Blank lines are ignored.

    Raises:
        InputError: the file does not exist or has no query.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; "
            f"{named('seed_queries')} takes a text file with one query per line"
        )
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
MULTI = "multi-evidence"
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
    """
    paired = [row for row, items in zip(rows, wanted, strict=True) if any(item.type == MULTI for item in items)]
    partner = linked(chunks, paired, context)
    planned: list[Planned] = []
    for row, items in zip(rows, wanted, strict=True):
        other = partner.get(row)
        # A corpus with a single chunk has nothing to link, so the slot asks for a question instead.
        items = [item if item.type != MULTI or other is not None else item._replace(type="question") for item in items]
        single = tuple(item for item in items if item.type != MULTI)
        double = tuple(item for item in items if item.type == MULTI)
        groups = [((row,), single)] + ([((row, other), double)] if other is not None else [])
        for shown, group in groups:
            for start in range(0, len(group), MOST_PER_CALL):
                planned.append(Planned(shown, group[start : start + MOST_PER_CALL], start))
    return Calls(planned, lambda one: _call(chunks, one, seeds, examples, seed))


def _call(chunks: Chunks, planned: Planned, seeds: tuple[str, ...], examples: int, seed: int) -> Call:
    shown, wanted, start = planned
    ids = tuple(chunks.ids[row] for row in shown)
    drawn = draw_examples(seeds, examples, seed, *ids, str(start))
    title = chunks[shown[0]].title
    fields = draft_fields(wanted, title, [chunks.texts[row] for row in shown], drawn)
    request = DRAFT.request(
        fields, seed=seed, schema=schema(len(wanted)), max_tokens=200 + TOKENS_PER_QUERY * len(wanted)
    )
    return Call(ids, wanted, request)


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


def read_answer(call: Call, answer: Answer, *, model: str, seed: int) -> tuple[list[Draft], list[Failed]]:
    """Read the drafts in an answer, and list the queries that are missing from it.

    The answer is not trusted: a query whose number was not requested or occurs twice, or whose type is wrong, becomes a
        rejected draft.
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
        wanted = call.wanted[int(str(number)) - 1] if asked else call.wanted[0]._replace(type=str(item.get("type")))
        if not fault:
            taken.add(int(str(number)))
            if item.get("type") != wanted.type:
                fault = f"type {item.get('type')!r} where {wanted.type!r} was asked for"
        draft = _draft(call, item, wanted, fingerprint([call.chunk_ids, call.request.fingerprint, place]), provenance)
        drafts.append(draft if not fault else draft.reviewed(Opinion("schema", False, fault)))
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
        provenance={**provenance, ASKED: wanted.wording},
    )
