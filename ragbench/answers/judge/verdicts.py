"""Ask a judge for a verdict per statement and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ragbench.answers.judge.replies import Check, Lost, Mismatch, Session, ask_checked
from ragbench.answers.judge.statements import VERDICTS, Claim, Statement, Verdict, most_frequent
from ragbench.models.llm.base import Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

TOKENS_PER_CALL = 4096
PER_CALL, PER_STATEMENT, PER_SOURCE = 64, 160, 12
"""The most tokens of an answer: around the rows, per row, and per verdict in a row."""


def schema(statements: int, sources: int) -> dict[str, object]:
    """JSON schema of an answer with exactly one row per statement and one verdict per source in it."""
    verdict: dict[str, object] = {"type": "string", "enum": list(VERDICTS)}
    numbers = [str(number) for number in range(1, sources + 1)]
    held = {
        "type": "object",
        "properties": dict.fromkeys(numbers, verdict),
        "required": numbers,
        "additionalProperties": False,
    }
    row = _row({"type": "integer", "minimum": 1, "maximum": statements}, held, verdict)
    return _rows({"type": "array", "minItems": statements, "maxItems": statements, "items": row})


def _row(number: dict[str, object], sources: dict[str, object], together: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {
            "statement": number,
            "reason": {"type": "string", "maxLength": 600, "description": "one short sentence"},
            "sources": sources,
            "together": together,
        },
        "required": ["statement", "reason", "sources", "together"],
        "additionalProperties": False,
    }


def _rows(rows: dict[str, object]) -> dict[str, object]:
    return {
        "title": "Verdicts",
        "type": "object",
        "properties": {"verdicts": rows},
        "required": ["verdicts"],
        "additionalProperties": False,
    }


ANY = _rows({"type": "array", "items": _row({"type": "integer"}, {"type": "object"}, {"type": "string"})})
"""The form without counts and verdicts: what it takes and `schema` does not has the wrong number of them, or others."""

HOLD = Prompt(
    name="judge-verdicts",
    version=1,
    system=(
        "You compare statements with sources. " + DATA_RULE + "\n\n"
        "For every statement and every source by itself, the verdict is one of:\n"
        "- supported: the source says it, or it follows from the source without any other knowledge.\n"
        "- contradicted: the source says something that cannot be true if the statement is.\n"
        "- not found: neither.\n"
        "'together' is the verdict when all sources are read as one text: a statement may need several of them.\n"
        "Judge by the sources alone, never by what you know. A statement that is supported in part is not found; "
        "numbers, names, dates and conditions must agree."
    ),
    template=(
        "The question that the statements answer:\n{question}\n\n{sources}"
        "The statements, one a line, each with its number:\n{statements}\n\n"
        "Answer with one JSON object: a list 'verdicts' with one entry per statement ({count} in all), each with "
        "statement (its number), reason, sources (the verdict by number of source) and together."
    ),
    schema=ANY,
    max_tokens=TOKENS_PER_CALL,
)


def filled(question: str, statements: Sequence[str], sources: Sequence[str]) -> Filled:
    """The fields and data of one request."""
    listed = "\n".join(f"{number}. {' '.join(text.split())}" for number, text in enumerate(statements, 1))
    fields = {
        "sources": "".join(f"Source {n}:\n{{source_{n}}}\n\n" for n in range(1, len(sources) + 1)),
        "count": str(len(statements)),
    }
    data = {"question": question or "(none)", "statements": listed}
    return Filled(fields, data | {f"source_{n}": text for n, text in enumerate(sources, 1)})


def most_tokens(statements: int, sources: int) -> int:
    """The most tokens of the answer."""
    return PER_CALL + statements * (PER_STATEMENT + PER_SOURCE * (sources + 1))


def most_statements(sources: int) -> int:
    """The number of statements that fit into one call."""
    return max(1, (TOKENS_PER_CALL - PER_CALL) // (PER_STATEMENT + PER_SOURCE * (sources + 1)))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """The statements of one answer, to be judged.

    Attributes:
        question: the question that the statements answer.
        statements: at least one.
        sources: text by id, at least one, best first.
    """

    question: str
    statements: tuple[Statement, ...]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One judgement of one statement.

    Attributes:
        by_source: verdict by id of the source.
        verdict: the verdict over all sources: supported if one of them, or all together, support it; otherwise
            contradicted if one of them, or all together, contradict it; otherwise not found.
        reason: the judge's reason.
    """

    by_source: Mapping[str, Verdict]
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class _Call:
    """One call: a part of the statements of one answer, with the shown numbers mapped to places and ids."""

    owner: int
    places: tuple[int, ...]
    ids: tuple[str, ...]


async def judge(held: Sequence[Held], session: Session, *, repeat: int = 0) -> list[tuple[Ruling, ...] | Lost]:
    """Judge the statements: a ruling per statement, in order, or `Lost` if one of an answer's calls gives nothing.

    Args:
        held: the statements to judge.
        session: the judge.
        repeat: number of the judgement. Each has its own sample number and seed, and rotates sources and statements
            by this many places, since a model at temperature 0 mostly repeats itself on the same words.
    """
    calls, requests, checks = list[_Call](), list[Request](), list[Check]()
    for owner, one in enumerate(held):
        order = _turned(range(len(one.statements)), repeat)
        ids = _turned(tuple(one.sources), repeat)
        step = most_statements(len(ids))
        for places in (order[at : at + step] for at in range(0, len(order), step)):
            calls.append(_Call(owner, places, ids))
            requests.append(_request(one, places, ids, session.context.seed, repeat))
            checks.append(_check(len(places), len(ids)))
    what = "judging statements" + (f", repeat {repeat + 1}" if repeat else "")
    values = await ask_checked(session, requests, checks, form=ANY, what=what)
    found: list[dict[int, Ruling] | Lost] = [{} for _ in held]
    for call, value in zip(calls, values, strict=True):
        rulings = found[call.owner]
        if isinstance(value, Lost) or isinstance(rulings, Lost):
            found[call.owner] = rulings if isinstance(rulings, Lost) else value
            continue
        for row in value["verdicts"]:
            rulings[call.places[row["statement"] - 1]] = _ruling(row, call.ids, held[call.owner])
    return [one if isinstance(one, Lost) else tuple(one[at] for at in sorted(one)) for one in found]


def claim(statement: Statement, rulings: Sequence[Ruling]) -> Claim:
    """The `Claim` of a statement with all its judgements."""
    start, end = statement.span or (None, None)
    verdicts: list[Verdict] = [ruling.verdict for ruling in rulings]
    ids = list(rulings[0].by_source)
    by_id = {id_: most_frequent([ruling.by_source[id_] for ruling in rulings]) for id_ in ids}
    return Claim(
        text=statement.text,
        start=start,
        end=end,
        verdict=most_frequent(verdicts),
        supported_by=[id_ for id_ in ids if by_id[id_] == "supported"],
        contradicted_by=[id_ for id_ in ids if by_id[id_] == "contradicted"],
        reason=rulings[0].reason,
        verdicts=verdicts,
    )


def _turned(items: Sequence[T], places: int) -> tuple[T, ...]:
    by = places % len(items)
    return (*items[by:], *items[:by])


def _request(one: Held, places: Sequence[int], ids: Sequence[str], seed: int, repeat: int) -> Request:
    data = filled(one.question, [one.statements[at].text for at in places], [one.sources[id_] for id_ in ids])
    made = HOLD.request(
        data,
        seed=seed,
        schema=schema(len(places), len(ids)),
        max_tokens=most_tokens(len(places), len(ids)),
    )
    return replace(made, sample=repeat)


def _check(statements: int, sources: int) -> Check:
    """Check that each statement and each source is there once, with one of the three verdicts."""
    numbers, keys = list(range(1, statements + 1)), {str(number) for number in range(1, sources + 1)}

    def check(value: Any) -> None:
        rows = value["verdicts"]
        told = sorted(row["statement"] for row in rows)
        if told != numbers:
            reason = f"{len(rows)} verdicts came for {statements} statements: numbers {told[:20]}"
            raise Mismatch("judge-count", reason)
        for row in rows:
            if set(row["sources"]) != keys:
                reason = f"statement {row['statement']}: {len(row['sources'])} verdicts came for {sources} sources"
                raise Mismatch("judge-count", reason)
            for verdict in (*row["sources"].values(), row["together"]):
                if verdict not in VERDICTS:
                    raise Mismatch("judge-verdict", f"statement {row['statement']}: {verdict!r} is no verdict")

    return check


def _ruling(row: Mapping[str, Any], ids: Sequence[str], held: Held) -> Ruling:
    said: dict[str, Verdict] = {id_: row["sources"][str(number)] for number, id_ in enumerate(ids, 1)}
    by_source = {id_: said[id_] for id_ in held.sources}
    every = {*by_source.values(), row["together"]}
    order: tuple[Verdict, ...] = ("supported", "contradicted", "not found")
    verdict = next(one for one in order if one in every)
    return Ruling(by_source, verdict, " ".join(row["reason"].split()))
