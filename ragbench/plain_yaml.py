"""The one reader of YAML: plain values, each written where it is read.

Aliases and merge keys are refused: 500 bytes of them can stand for more data than memory holds.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import Node

DEEPEST = 100
"""Largest depth of lists and mappings."""
LARGEST = 2**63
"""Whole numbers lie below it. Larger ones overflow in arithmetic."""
MOST_CHARACTERS = 1 << 16
"""Longest text. Reading one of this length takes a second."""


class NotPlain(ValueError):
    """YAML with an alias, a merge key or a number that is too large; YAML that is too long or nested too deeply.

    Args:
        problem: what is wrong.
        line: where, from 1.
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"line {line}: {problem}")
        self.problem, self.line = problem, line


def load_yaml(text: str) -> Any:
    """The values of a YAML or JSON text.

    Raises:
        NotPlain: it has an alias, a merge key or a number that is too large, is longer than `MOST_CHARACTERS`, or is
            nested too deeply.
        yaml.YAMLError: it is no YAML.
        ValueError, TypeError: a value is none, such as the 30th of February.
    """
    return compose_yaml(text)[0]


def compose_yaml(text: str, deepest: int = DEEPEST) -> "tuple[Any, Node | None]":
    """The values of a text, and the nodes with their lines.

    Raises:
        NotPlain: it has an alias, a merge key or a number that is too large, is longer than `MOST_CHARACTERS`, or is
            nested more than ``deepest`` levels deep.
        yaml.YAMLError: it is no YAML.
        ValueError, TypeError: a value is none, such as the 30th of February.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotPlain(f"YAML of more than {MOST_CHARACTERS:,} characters is not read", 1)
    loader = _loader()(text)
    loader.deepest = deepest
    try:
        node = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), node
    finally:
        loader.dispose()


@cache
def _loader() -> Any:
    import yaml

    class PlainLoader(yaml.SafeLoader):
        deepest = DEEPEST
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                raise NotPlain(f"aliases are not read; write the value out in place of *{event.anchor}", line)
            collection = isinstance(event, yaml.CollectionStartEvent)
            self.depth += collection
            if self.depth > self.deepest:
                raise NotPlain("nested too deeply", line)
            node = super().compose_node(parent, index)
            self.depth -= collection
            return node

        def construct_yaml_int(self, node: Any) -> int:
            value: int = super().construct_yaml_int(node)
            if abs(value) >= LARGEST:
                raise NotPlain("a whole number is too large", node.start_mark.line + 1)
            return value

        def flatten_mapping(self, node: Any) -> None:
            for key, _ in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    raise NotPlain("merge keys (<<) are not read; write the keys out", key.start_mark.line + 1)
            super().flatten_mapping(node)

    PlainLoader.add_constructor("tag:yaml.org,2002:int", PlainLoader.construct_yaml_int)
    return PlainLoader
