"""Ask for the statements of a text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    """The data of one request."""
    return Filled({}, {"question": question or "(none)", "text": text})


def most_tokens(text: str) -> int:
    """The most that the answer may take: every word comes back twice, with keys and names in place of pronouns."""
    return min(MOST_TOKENS, max(LEAST_TOKENS, len(text.encode("utf-8", "surrogatepass")) * 3 // 2))


@dataclass(frozen=True, slots=True)
class Said:
    """A text to take apart, and the question that it answers."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        text: in words that stand alone.
        span: start and end (exclusive) of the characters that it rests on; None where they are not found.
    """

    text: str
    span: tuple[int, int] | None


async def split(said: Sequence[Said], session: Session) -> list[tuple[Statement, ...] | Lost]:
    """The statements of each text, in its order; empty where it makes none. One call per text."""
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
    """A list of any length is right."""


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
    """Start and end (exclusive), or None.

    Letter by letter, else with other white space and other case. Of several
    places the first from ``after`` on, else the first at all.
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
