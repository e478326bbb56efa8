"""Ask a judge for the statements of a text, and the form in which statements and verdicts are kept.

Judges of any kind write `Claims` into ``Column.details`` (and so into details.jsonl), and reports read them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from ragbench.answers.judge.replies import Lost, Session, ask_checked
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

_WORDS = re.compile(r"\S+")
MOST_STATEMENTS = 100
LEAST_TOKENS, MOST_TOKENS = 256, 8192

SCHEMA: dict[str, object] = {
    "title": "Statements",
    "type": "object",
    "properties": {
        "statements": {
            "type": "array",
            "maxItems": MOST_STATEMENTS,
            "items": {
                "type": "object",
                "properties": {
                    "quote": {
                        "type": "string",
                        "maxLength": 4000,
                        "description": "copied from the text",
                    },
                    "statement": {"type": "string", "minLength": 1, "maxLength": 2000},
                },
                "required": ["quote", "statement"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["statements"],
    "additionalProperties": False,
}

SPLIT = Prompt(
    name="judge-split",
    version=1,
    system=(
        "You take an answer to a question apart into the statements that it makes. " + DATA_RULE + "\n\n"
        "Rules:\n"
        "- Each statement says one thing that can be true or false, and can be understood alone: put names in place of "
        "words such as 'it', 'he' or 'there'.\n"
        "- All statements together say what the text says: leave nothing out, add nothing, correct nothing, not even "
        "what you know to be wrong.\n"
        "- Write in the language of the text. Leave out marks of sources such as [1].\n"
        "- Greetings, questions, offers of help and remarks on not knowing are no statements. A text without "
        "a statement gives an empty list.\n"
        "- The quote is the shortest run of words of the text that the statement rests on, copied letter by letter."
    ),
    template=(
        "The question, to understand the text by:\n{question}\n\nThe text:\n{text}\n\n"
        "Answer with one JSON object: a list 'statements' in the order of the text, each with quote and statement."
    ),
    schema=SCHEMA,
    max_tokens=MOST_TOKENS,
)


def filled(question: str, text: str) -> Filled:
    """The fields and data of one request."""
    return Filled({}, {"question": question or "(none)", "text": text})


def most_tokens(text: str) -> int:
    """The most tokens of the answer: every word comes back twice, with keys and names in place of pronouns."""
    return min(MOST_TOKENS, max(LEAST_TOKENS, len(text.encode("utf-8", "surrogatepass")) * 3 // 2))


@dataclass(frozen=True, slots=True)
class Said:
    """A text to split, and the question that it answers."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        text: the statement, worded to be understood by itself.
        span: start and end (exclusive) of the characters that it is based on; None if they are not found.
    """

    text: str
    span: tuple[int, int] | None


async def split(said: Sequence[Said], session: Session) -> list[tuple[Statement, ...] | Lost]:
    """Split each text into statements, in their order, with one call per text. A text may make none."""
    requests = [
        SPLIT.request(
            filled(one.question, one.text),
            seed=session.context.seed,
            max_tokens=most_tokens(one.text),
        )
        for one in said
    ]
    checks = [_anything] * len(requests)
    values = await ask_checked(session, requests, checks, form=SCHEMA, what="splitting into statements")
    return [
        value if isinstance(value, Lost) else _located(value["statements"], one.text)
        for value, one in zip(values, said, strict=True)
    ]


def _anything(value: Any) -> None:
    """Accept a list of any length."""


def _located(rows: Sequence[dict[str, str]], text: str) -> tuple[Statement, ...]:
    found: list[Statement] = []
    after = 0
    for row in rows:
        words = " ".join(row["statement"].split())
        if not words:
            continue
        span = place(row["quote"], text, after) or place(words, text, after)
        after = span[0] if span else after
        found.append(Statement(words, span))
    return tuple(found)


def place(quote: str, text: str, after: int = 0) -> tuple[int, int] | None:
    """Find the place of a quote: start and end (exclusive), or None.

    The match is exact, otherwise without regard to white space and case. Of several
    places, the first from ``after`` on counts, otherwise the first.
    """
    bare = quote.strip().strip("\"“”'‘’«»…").strip()
    if not bare:
        return None
    for start in (after, 0):
        if (at := text.find(bare, start)) >= 0:
            return at, at + len(bare)
    pattern = re.compile(r"\s+".join(re.escape(word) for word in _WORDS.findall(bare)), re.IGNORECASE)
    found = pattern.search(text, after) or pattern.search(text)
    return (found.start(), found.end()) if found else None


Verdict = Literal["supported", "contradicted", "not found"]
VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "not found")
Text = Literal["answer", "reference", "sources"]


class Claim(TypedDict):
    """One statement and its verdict. Holds JSON values only, and every key is always present.

    Keys:
        text: the statement in the judge's words, to be understood by itself.
        start, end: the characters of the text in ``of`` that it is based on, ``end`` exclusive; both None if the
            place is not found. Two statements may share a place.
        verdict: the verdict over all sources. With repeats it is the most frequent one, and of equally frequent
            ones the least favourable (contradicted before not found before supported).
        supported_by: ids of the sources that support it by themselves, best source first. It may be empty for a
            supported statement: only several sources together say it, or the judge does not say which.
        contradicted_by: ids of the sources that contradict it.
        reason: the judge's reason in the first judgement; empty if it gives none.
        verdicts: one per judgement, in their order; a single one without repeats.
    """

    text: str
    start: int | None
    end: int | None
    verdict: Verdict
    supported_by: list[str]
    contradicted_by: list[str]
    reason: str
    verdicts: list[Verdict]


class Claims(TypedDict):
    """The statements of one text, in their order.

    Keys:
        of: the text that was split; ``start`` and ``end`` of the statements refer to it.
        against: what the statements were checked against. For ``sources``, the ids in ``supported_by`` are
            ``Source.id``; for an answer or a reference, they are that word itself.
        statements: see `Claim`.
        repeats: how many judgements there are.
        flips: share of the statements whose verdict differs between judgements; None with one judgement.
    """

    of: Text
    against: Text
    statements: list[Claim]
    repeats: int
    flips: float | None


def claims(statements: Sequence[Claim], *, of: Text, against: Text) -> Claims:
    """Build the details of one text. Repeats and flips are counted from the statements.

    Raises:
        ValueError: the statements of the text were not judged equally often.
    """
    counts = {len(one["verdicts"]) for one in statements}
    if len(counts) > 1:
        raise ValueError(f"statements of one text were judged unequally often: {sorted(counts)}")
    repeats = counts.pop() if counts else 0
    flips = None
    if repeats > 1:
        flips = sum(len(set(one["verdicts"])) > 1 for one in statements) / len(statements)
    return Claims(of=of, against=against, statements=list(statements), repeats=repeats, flips=flips)


def most_frequent(verdicts: Sequence[Verdict]) -> Verdict:
    """The most frequent verdict; of equally frequent ones, the least favourable."""
    cautious: tuple[Verdict, ...] = ("contradicted", "not found", "supported")
    return max(cautious, key=lambda verdict: (verdicts.count(verdict), -cautious.index(verdict)))
