"""Prompts that turn a query into other texts to search for, and the schema of their answers."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt

MOST_TEXTS = 20
CHARACTERS_PER_TOKEN = 3
"""Characters per token. Most languages in Latin script have more, so a text of the requested length is not cut off."""
FORM = "Answer with one JSON object: 'texts', a list of strings."


def schema(most: int = MOST_TEXTS, tokens: int = 1000) -> dict[str, object]:
    """JSON schema of an answer with one to this many texts.

    Args:
        most: how many texts at most.
        tokens: token limit per text. The schema bounds the length too, because a model that repeats itself endlessly
            would otherwise use all tokens and be cut off.
    """
    text = {"type": "string", "minLength": 1, "maxLength": CHARACTERS_PER_TOKEN * tokens}
    return {
        "title": "Texts",
        "type": "object",
        "properties": {"texts": {"type": "array", "minItems": 1, "maxItems": most, "items": text}},
        "required": ["texts"],
        "additionalProperties": False,
    }


HYDE = Prompt(
    name="hyde",
    version=1,
    system=(
        "You write passages as they could stand in the documents of a collection. Their wording matters, since they "
        "are used to find real passages like them; whether their facts are true does not. " + DATA_RULE
    ),
    template=(
        "Write {count} that would answer the query below, of 50 to 100 words each, in the language and the style of "
        "such documents. No introduction, no remark on the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=400,
)


MULTI_QUERY = Prompt(
    name="multi-query",
    version=1,
    system=(
        "You know how search in document collections fails: the documents say the same in other words. " + DATA_RULE
    ),
    template=(
        "Write {count} for the query below that ask for exactly the same in different words: synonyms, technical and "
        "everyday terms, a question and mere search words. Add no condition and drop none. Keep names, numbers and "
        "the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=150,
)


REWRITE = Prompt(
    name="rewrite",
    version=1,
    system="You turn what users type into queries that a search engine answers well. " + DATA_RULE,
    template=(
        "Rewrite the query below as one query for a search engine: spelling corrected, abbreviations written out "
        "beside their short form, politeness and filler left out, the thing that is looked for named. Keep every "
        "condition, name and number, and the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=300,
)


DECOMPOSE = Prompt(
    name="decompose",
    version=1,
    system=(
        "You split queries that need facts from several places into questions that one passage each can answer. "
        + DATA_RULE
    ),
    template=(
        "Split the query below into at most {count}. Each must be understood by itself: name the thing instead of "
        "writing 'it' or 'the former'. Where the query asks for one fact only, give the query itself as the only "
        "text. Keep the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=150,
)


TRANSLATE = Prompt(
    name="translate",
    version=1,
    system="You translate search queries into the language of the documents that are searched. " + DATA_RULE,
    template=(
        "Translate the query below into the language {to}, as a native speaker who searches such documents would "
        "type it. Keep names, numbers and codes as they are. A query that is in this language already is given "
        "unchanged.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=300,
)


CONDENSE = Prompt(
    name="condense",
    version=1,
    system=(
        "You turn the last message of a conversation into a search query that can be understood alone. " + DATA_RULE
    ),
    template=(
        "Write one search query that asks for what the last message asks for. Put names in place of words such as "
        "'it' or 'the second one', and keep conditions of earlier messages that still hold. Drop what the message "
        "changes or withdraws, add nothing, and keep the language of the message.{about}\n\n"
        "The conversation before:\n{history}\n\nThe last message:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=200,
)
