"""The family of a language model, as its name tells it: models of one family share their blind spots."""

import re

FAMILIES: tuple[tuple[str, str], ...] = (
    ("anthropic claude", r"claude|anthropic"),
    ("openai gpt", r"gpt|chatgpt|davinci|\bo[1345](-|$)|text-embedding-(3|ada)"),
    ("google gemini and gemma", r"gemini|gemma|palm|text-bison"),
    ("meta llama", r"llama|vicuna|alpaca"),
    ("mistral", r"mistral|mixtral|ministral|codestral|magistral|zephyr"),
    ("qwen", r"qwen|qwq|gte-"),
    ("deepseek", r"deepseek"),
    ("amazon nova and titan", r"nova|titan"),
    ("cohere", r"cohere|command-?[ar]|\brerank-(english|multilingual|v3)|embed-(english|multilingual)"),
    ("microsoft phi", r"\bphi-?\d"),
    ("smollm", r"smollm"),
    ("ibm granite", r"granite"),
    ("zhipu glm", r"\bglm|chatglm"),
    ("baai bge", r"bge-"),
    ("minilm", r"minilm"),
)
"""Name of a family, and a pattern for the names of its models; the first that fits counts.

A model distilled from, or trained on answers of, another family is counted to its own, not to its teacher's.
"""
_PROVIDER = re.compile(r"^[a-z_]+[:/](?=[^:]*[a-z])", re.IGNORECASE)


def family(model: str) -> str | None:
    """The family a model's name tells of; None if it tells none.

    The provider before a colon does not count: ``openai:`` is also written
    before models of others that are served by a compatible server.
    """
    name = _PROVIDER.sub("", model.strip(), count=1)
    return next((known for known, pattern in FAMILIES if re.search(pattern, name, re.IGNORECASE)), None)


def shared_family(one: str, other: str) -> str | None:
    """The family that both models belong to, or their common name where no family is known; None if they differ."""
    first, second = family(one), family(other)
    if first is not None or second is not None:
        return first if first == second else None
    return one.strip() if one.strip().lower() == other.strip().lower() else None
