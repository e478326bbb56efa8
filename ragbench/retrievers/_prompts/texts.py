"""The form of the answers: a list of texts."""

MOST_TEXTS = 20
MOST_CHARACTERS = 4000
FORM = "Answer with one JSON object: 'texts', a list of strings."


def schema(most: int = MOST_TEXTS) -> dict[str, object]:
    """JSON schema of an answer with one to this many texts."""
    text = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
    return {
        "title": "Texts",
        "type": "object",
        "properties": {"texts": {"type": "array", "minItems": 1, "maxItems": most, "items": text}},
        "required": ["texts"],
        "additionalProperties": False,
    }
