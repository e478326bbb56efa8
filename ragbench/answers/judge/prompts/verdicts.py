"""Ask for a verdict per statement and source."""

from collections.abc import Sequence

from ragbench.answers.judge.claims import VERDICTS
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

TOKENS_PER_CALL = 4096
PER_CALL, PER_STATEMENT, PER_SOURCE = 64, 160, 12
"""Tokens that an answer takes at most: around the rows, per row, and per verdict in it."""


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
    """Fields and data of one request."""
    listed = "\n".join(f"{number}. {' '.join(text.split())}" for number, text in enumerate(statements, 1))
    fields = {
        "sources": "".join(f"Source {n}:\n{{source_{n}}}\n\n" for n in range(1, len(sources) + 1)),
        "count": str(len(statements)),
    }
    data = {"question": question or "(none)", "statements": listed}
    return Filled(fields, data | {f"source_{n}": text for n, text in enumerate(sources, 1)})


def most_tokens(statements: int, sources: int) -> int:
    """The most that the answer may take."""
    return PER_CALL + statements * (PER_STATEMENT + PER_SOURCE * (sources + 1))


def most_statements(sources: int) -> int:
    """How many statements fit into one call."""
    return max(1, (TOKENS_PER_CALL - PER_CALL) // (PER_STATEMENT + PER_SOURCE * (sources + 1)))
