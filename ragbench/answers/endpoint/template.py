"""Placeholders in the request to a service: ``{question}``, ``{user}`` and the columns of the questions."""

import json
import re
from collections.abc import Iterator, Mapping

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{([A-Za-z_]\w*)\}")
"""``{name}``; ``{{name}}`` stands for the braces themselves."""


class NoValue(Exception):
    """A placeholder for which a question has no value.

    Args:
        name: the placeholder.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the question has no value for {{{name}}}; add a column {name!r} to the questions, or a value to "
            f"'defaults' in the description of the service"
        )


def names_in(template: object) -> Iterator[str]:
    """The names of the placeholders of a JSON value.

    Example:
        >>> sorted(names_in({"q": "{question}", "filter": [{"shop": "{shop}"}]}))
        ['question', 'shop']
    """
    if isinstance(template, str):
        yield from (name for _, name in PLACEHOLDER.findall(template) if name)
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from names_in(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from names_in(value)


def filled(template: object, values: Mapping[str, object]) -> object:
    """A JSON value with its placeholders filled. What a value contains is never read as a placeholder.

    A text that is nothing but a placeholder becomes the value itself, so a number stays a number. In a list, a
    placeholder for a list becomes its items.

    Raises:
        NoValue: a placeholder has no value.

    Example:
        >>> filled({"q": "{question}", "k": "{k}"}, {"question": 'a "{k}" tent', "k": 5})
        {'q': 'a "{k}" tent', 'k': 5}
    """
    if isinstance(template, str):
        return _filled_text(template, values)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [item for value in template for item in _items(value, values)]
    return template


def _items(template: object, values: Mapping[str, object]) -> list[object]:
    """What an item of a list becomes: a list that a placeholder stands for is not nested."""
    value = filled(template, values)
    return value if isinstance(template, str) and isinstance(value, list) else [value]


def _filled_text(template: str, values: Mapping[str, object]) -> object:
    def value_of(name: str) -> object:
        if values.get(name) is None:
            raise NoValue(name)
        return values[name]

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:-1]
        value = value_of(found[2])
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    whole = PLACEHOLDER.fullmatch(template)
    if whole is not None and whole[2]:
        return value_of(whole[2])
    return PLACEHOLDER.sub(put, template)
