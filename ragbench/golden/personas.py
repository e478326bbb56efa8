"""Personas: kinds of people who search a collection, as the user describes them or as a model proposes them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.spelling import named
from ragbench.io.encoding import require_file
from ragbench.io.files import read_yaml
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

PROPOSE = "propose"
PROPOSED = 5
"""Personas that a model is asked for."""
MOST = 20
MOST_NAME, MOST_DESCRIPTION = 40, 300
NAME = re.compile(r"[^\W\d_][\w'’.-]*(?: [\w'’.-]+)*")
SHOWN, BEGINNING = 12, 500
"""Chunks that a model sees, and characters of each."""
KEYS = ("name", "description", "share")


@dataclass(frozen=True)
class Persona:
    """One kind of people.

    Attributes:
        name: its name, a few words. It becomes ``persona`` in the metadata of a query.
        description: what these people know and want, and how they put it.
        share: share of the queries.
    """

    name: str
    description: str
    share: float = 1.0


def read_personas(path: Path) -> tuple[Persona, ...]:
    """Read personas from a YAML file: a list with ``name``, ``description`` and, if they differ, ``share``.

    Raises:
        InputError: the file cannot be read, or a persona lacks a part.
    """
    require_file(path, f"{named('personas')} takes a YAML file, or {PROPOSE}")
    found = read_yaml(path)
    if isinstance(found, dict) and set(found) == {"personas"}:
        found = found["personas"]
    if not isinstance(found, list) or not found:
        raise InputError(f"{path}: personas are a list, each with name, description and, if you like, share")
    return _with_shares([_persona(f"{path}: persona {at}", row) for at, row in enumerate(found, 1)], str(path))


def _persona(where: str, row: object) -> Persona:
    if not isinstance(row, dict):
        raise InputError(f"{where}: it needs name and description, it is {str(row)[:80]!r}")
    unknown = sorted(set(map(str, row)) - set(KEYS))
    if unknown:
        raise InputError(f"{where}: it has no key {unknown[0]!r}; there are: {', '.join(KEYS)}")
    name, description = (" ".join(str(row.get(key) or "").split()) for key in ("name", "description"))
    if not NAME.fullmatch(name) or len(name) > MOST_NAME:
        raise InputError(f"{where}: its name is {name[:80]!r}; write up to {MOST_NAME} characters, a letter first")
    if not description or len(description) > MOST_DESCRIPTION or not description.isprintable():
        raise InputError(f"{where} ({name}): its description needs 1 to {MOST_DESCRIPTION} characters of text")
    share = row.get("share", 1)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1e9:
        raise InputError(f"{where} ({name}): its share is {share!r}; it must be a number above 0")
    return Persona(name, description, float(share))


def _with_shares(personas: Sequence[Persona], where: str) -> tuple[Persona, ...]:
    """The personas with shares that sum to 1."""
    names = [one.name.casefold() for one in personas]
    twice = sorted({one.name for one in personas if names.count(one.name.casefold()) > 1})
    if twice:
        raise InputError(f"{where}: the persona {twice[0]!r} is there twice; give each a name of its own")
    if len(personas) > MOST:
        raise InputError(f"{where}: {len(personas)} personas; at most {MOST} can be used")
    total = sum(one.share for one in personas)
    return tuple(Persona(one.name, one.description, one.share / total) for one in personas)


SCHEMA: dict[str, object] = {
    "title": "Personas",
    "type": "object",
    "properties": {
        "personas": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2 * PROPOSED,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": MOST_NAME},
                    "description": {"type": "string", "maxLength": MOST_DESCRIPTION},
                    "share": {"type": "integer", "minimum": 1, "maximum": 100, "description": "of 100 searches"},
                },
                "required": list(KEYS),
                "additionalProperties": False,
            },
        }
    },
    "required": ["personas"],
    "additionalProperties": False,
}

PERSONAS = Prompt(
    name="personas",
    version=1,
    system="You describe the kinds of people who search a collection of documents. " + DATA_RULE,
    template=(
        "{about}The beginnings of some documents of the collection:\n\n{passages}"
        "Describe {count} kinds of people who search this collection. They differ in what they know, in what they want "
        "to get done, and in how they put it into words. Each has a name of one to three words, a description in one "
        "sentence, and a share: how many of 100 searches come from such people. Use no names of persons.\n\n"
        "Answer with one JSON object: personas, a list, each with name, description and share."
    ),
    schema=SCHEMA,
    max_tokens=1000,
    temperature=0.7,
)


def personas_request(chunks: Chunks, rows: Sequence[int], about: Filled, seed: int) -> Request:
    """The request for personas. It shows beginnings of chunks that are spread evenly over the collection.

    Args:
        chunks: all chunks.
        rows: rows of the chunks that are asked about.
        about: what the collection is, as `ragbench.golden.writer.about_fields` gives it.
        seed: of the run.
    """
    places = np.unique(np.linspace(0, len(rows) - 1, num=min(SHOWN, len(rows))).round().astype(int))
    shown = {f"passage_{at}": chunks[rows[place]].content[:BEGINNING] for at, place in enumerate(places.tolist(), 1)}
    fields = {
        **about.fields,
        "passages": "".join(f"Document {at}:\n{{{name}}}\n\n" for at, name in enumerate(shown, 1)),
        "count": str(PROPOSED),
    }
    return PERSONAS.request(Filled(fields, shown, about.own), seed=seed)


def proposed_personas(answer: Answer, model: str) -> tuple[Persona, ...]:
    """Read the personas of an answer. Those that cannot be used do not count.

    Raises:
        InputError: fewer than two can be used.
    """
    rows = answer.value.get("personas") if isinstance(answer.value, Mapping) else None
    found: dict[str, Persona] = {}
    fault = answer.failure or "the answer has no list of personas"
    for at, row in enumerate(rows if isinstance(rows, list) else [], 1):
        try:
            one = _persona(f"persona {at}", row)
        except InputError as error:
            fault = str(error)
            continue
        found.setdefault(one.name.casefold(), one)
    if len(found) < 2:
        raise InputError(
            f"{model} proposed no personas that can be used ({fault}). Write them to a file and name it by "
            f"{named('personas')}"
        )
    return _with_shares(list(found.values())[:MOST], model)


def personas_yaml(personas: Sequence[Persona], model: str) -> str:
    """The text of a file that `read_personas` reads."""
    lines = [
        f"# Proposed by {json.dumps(model)}. To use others, change a copy, and name it by --personas in a new run.\n"
    ]
    for one in personas:
        for mark, key, value in zip("-  ", KEYS, (one.name, one.description, round(one.share, 6)), strict=True):
            lines.append(f"{mark} {key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
