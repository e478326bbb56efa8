"""The prompts of the model that writes queries: ragbench's, and one of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragbench.core.fingerprint import text_hash
from ragbench.golden.personas import Persona
from ragbench.golden.wanted import TYPES, Wanted
from ragbench.golden.wordings import WORDINGS
from ragbench.models.llm.own_prompt import read_template
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

MOST_PER_CALL = 50


def schema(count: int) -> dict[str, object]:
    """Return the JSON schema of an answer with ``count`` queries. Quotes come before the query that they answer."""
    item = {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "minimum": 1, "maximum": count, "description": "number in the list"},
            "type": {"type": "string", "enum": sorted(TYPES)},
            "quotes": {
                "type": "array",
                "maxItems": 8,
                "items": {"type": "string", "minLength": 1, "maxLength": 2000},
                "description": "the words of the passage that hold the answer, copied exactly",
            },
            "query": {"type": "string", "maxLength": 500, "description": "empty if the passage does not suit the type"},
            "answer": {"type": "string", "maxLength": 2000, "description": "short, from the passage only"},
        },
        "required": ["number", "type", "quotes", "query", "answer"],
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
    version=3,
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
        "- All queries of one list differ in what they ask.\n"
        "- If the passage does not suit the type of a query at all (nothing can be compared, say), leave query empty "
        "and say why in answer. Most passages suit most types."
    ),
    template=(
        "{about}Write one query for each number:\n{wanted}\n\n{context}{personas}{examples}"
        "Answer with one JSON object that follows the schema: a list 'queries', each with number, type, quotes, query, "
        "answer. Choose the quotes first, then ask for what they say."
    ),
    schema=schema(MOST_PER_CALL),
    max_tokens=4096,
    temperature=0.7,
)

OWN_SCHEMA: dict[str, object] = {
    "title": "Queries",
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {
                            "number": {"type": "integer"},
                            "quotes": {"type": "array", "items": {"type": "string"}},
                            "query": {"type": "string"},
                            "answer": {"type": ["string", "null"]},
                        },
                        "required": ["query"],
                    },
                ]
            },
        }
    },
    "required": ["queries"],
}
"""Replies to a prompt of the user: ``{"queries": ["...", ...]}``, or objects with ``query`` and what else they have."""

OWN = Prompt(
    name="own-draft",
    version=1,
    system="You follow the task of the user, who has search queries written for a document collection. " + DATA_RULE,
    template="",
    schema=OWN_SCHEMA,
    max_tokens=4096,
    temperature=0.7,
)
NEEDED = {"context": "the passage", "n": "the number of queries"}
PLACES = ("examples", "wanted", "about")
"""Placeholders that a prompt of the user may have."""


@dataclass(frozen=True)
class Writer:
    """How the writer is asked.

    Attributes:
        prompt: the prompt.
        about: what the collection is, in the user's words; empty if the user does not say.
        personas: who searches; empty for nobody in particular.
    """

    prompt: Prompt = DRAFT
    about: str = ""
    personas: tuple[Persona, ...] = ()

    @property
    def own(self) -> bool:
        """Whether the prompt is one of the user."""
        return self.prompt.name != DRAFT.name

    @property
    def lists(self) -> bool:
        """Whether the prompt lists the types, wordings and personas to write."""
        return not self.own or "{wanted}" in self.prompt.template

    @property
    def shows_examples(self) -> bool:
        """Whether the prompt has a place for seed queries."""
        return "{examples}" in self.prompt.template

    @property
    def shares(self) -> dict[str, float]:
        """Share of the queries by persona."""
        return {one.name: one.share for one in self.personas}


USUAL = Writer()
"""ragbench's prompt, and nothing else."""


def read_prompt(path: Path) -> Prompt:
    """Read a prompt of the user for the writer.

    Raises:
        InputError: the file cannot be read, a placeholder is unknown, or one that is needed is missing.
    """
    text = read_template(path, NEEDED, PLACES)
    return replace(OWN, name=f"{OWN.name}-{text_hash(text)[:12]}", template=text)


def about_fields(about: str) -> Filled:
    """The field ``about`` of a prompt, which is empty if the user does not say what the collection is."""
    if not about:
        return Filled({"about": ""})
    return Filled({"about": "The collection: {about_text}\n\n"}, own={"about_text": about})


def draft_fields(
    wanted: Sequence[Wanted],
    title: str,
    passages: Sequence[str],
    examples: Sequence[str],
    writer: Writer = USUAL,
    headings: Sequence[str] = (),
) -> Filled:
    """Return the fields and data of one request.

    Args:
        wanted: the queries to write, in order.
        title: title of the leading document.
        passages: one or two texts to write from.
        examples: queries of real users, whose style the writer imitates.
        writer: how the writer is asked.
        headings: path of the headings above each passage; empty where there is none.
    """
    about = about_fields(writer.about)
    data = {"title": title or "(none)"}
    context = "Title of the document:\n{title}\n\n"
    for number, passage in enumerate(passages, 1):
        name = "Passage" if len(passages) == 1 else f"Passage {number}"
        path = headings[number - 1] if headings else ""
        if path:
            context += f"Headings above {name.lower()}:\n{{headings_{number}}}\n\n"
            data[f"headings_{number}"] = path
        context += f"{name}:\n{{passage_{number}}}\n\n"
        data[f"passage_{number}"] = passage
    personas = ""
    if writer.personas and writer.lists:
        personas = "The personas who ask; write each query as its persona would:\n{personas_shown}\n\n"
        data["personas_shown"] = "\n".join(
            f"{number}. {one.name}: {one.description}" for number, one in enumerate(writer.personas, 1)
        )
    if examples:
        data["shown"] = "\n".join(examples)
    listed = _listed(wanted, [one.name for one in writer.personas])
    if writer.own:
        fields = {
            "context": context.strip(),
            "examples": "{shown}" if examples else "(none)",
            "n": str(len(wanted)),
            "wanted": f"{listed}\n\n{personas}".strip(),
            "about": "{about_text}",
        }
        return Filled(fields, data, {"about_text": writer.about or "(not described)"})
    shown = "Queries of real users of this collection; take their tone, and the length from the wording:\n{shown}\n\n"
    fields = {
        "wanted": listed, "personas": personas, "context": context, "examples": shown if examples else "",
        **about.fields,
    }  # fmt: skip
    return Filled(fields, data, about.own)


def _listed(wanted: Sequence[Wanted], personas: Sequence[str]) -> str:
    """The queries to write, numbered. Personas are named by number, because a model may have chosen their names."""
    return "\n".join(
        f"{number}. type {one.type}: {TYPES[one.type]}; wording {one.wording}; in the language {one.language!r} "
        f"(ISO 639-1){f'; asked by persona {personas.index(one.persona) + 1}' if one.persona else ''}"
        for number, one in enumerate(wanted, 1)
    )
