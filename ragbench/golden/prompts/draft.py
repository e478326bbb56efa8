"""Ask for queries that a chunk answers."""

from collections.abc import Mapping, Sequence

from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

TYPES: Mapping[str, str] = {
    "attribute": "asks for a property, figure, size, material or name that the passage states",
    "comparative": "weighs two things, variants or options against each other; the passage settles it",
    "use-case": "describes a situation or need without naming the thing that the passage offers for it",
    "question": "a full question, as asked to a person, that the passage answers",
    "keyword": "two to five search words, no sentence",
    "informal": "typed in haste: colloquial, in lower case, with one or two realistic spelling mistakes",
    "multi-evidence": "can only be answered by putting facts of BOTH passages together; quote from each of them",
    "unanswerable": (
        "sounds as if this collection answered it, on the passage's subject, but neither the passage nor anything "
        "like it does; leave quotes empty and say in the answer what is missing"
    ),
}
"""Types of queries, and how each is described to the writer."""

MOST_PER_CALL = 50


def schema(count: int) -> dict[str, object]:
    """JSON schema of an answer with this many queries."""
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
    version=1,
    system=(
        "You write search queries that real users of a document collection would type. " + DATA_RULE + "\n\n"
        "Rules for every query:\n"
        "- The user has not seen the passage. Never write 'this product', 'the passage', 'the text' or 'it' for "
        "something that the query itself does not name.\n"
        "- Use a user's words rather than the passage's: change the wording wherever a user would.\n"
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


def filled(wanted: Sequence[tuple[str, str]], title: str, passages: Sequence[str], examples: Sequence[str]) -> Filled:
    """Fields and data of one request.

    Args:
        wanted: (type, language) of each query, in order.
        title: of the leading document.
        passages: the texts to write from, one or two.
        examples: queries of real users, to imitate in style.
    """
    listed = "\n".join(
        f"{number}. type {type_}: {TYPES[type_]}; in the language {language!r} (ISO 639-1)"
        for number, (type_, language) in enumerate(wanted, 1)
    )
    fields = {"wanted": listed, "passages": "", "examples": ""}
    data = {"title": title or "(none)"}
    for number, passage in enumerate(passages, 1):
        name = "Passage" if len(passages) == 1 else f"Passage {number}"
        fields["passages"] += f"{name}:\n{{passage_{number}}}\n\n"
        data[f"passage_{number}"] = passage
    if examples:
        fields["examples"] = "Queries of real users of this collection; take their tone and length:\n{shown}\n\n"
        data["shown"] = "\n".join(examples)
    return Filled(fields, data)
