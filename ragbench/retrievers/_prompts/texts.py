"""The form of the answers: a list of texts."""

MOST_TEXTS = 20
CHARACTERS_PER_TOKEN = 3
"""Fewer than in most languages of the Latin script, so that a text which keeps to its length is not cut off."""
FORM = "Answer with one JSON object: 'texts', a list of strings."


def schema(most: int = MOST_TEXTS, tokens: int = 1000) -> dict[str, object]:
    """JSON schema of an answer with one to this many texts.

    Args:
        most: how many texts at most.
        tokens: room for each. Its length is bounded too, since a model that repeats itself without end
            would otherwise fill all the room and be cut off.
    """
    text = {"type": "string", "minLength": 1, "maxLength": CHARACTERS_PER_TOKEN * tokens}
    return {
        "title": "Texts",
        "type": "object",
        "properties": {"texts": {"type": "array", "minItems": 1, "maxItems": most, "items": text}},
        "required": ["texts"],
        "additionalProperties": False,
    }
