"""Ask for the statements of a text."""

from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

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
