"""What a model costs: a table that comes with ragbench, and the user's own over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.io.encoding import read_text
from ragbench.io.files import parse_yaml
from ragbench.models.llm.base import Usage

TABLE = Path(__file__).with_name("prices.yaml")


@dataclass(frozen=True)
class Price:
    """Price of one million tokens.

    Attributes:
        input: of input.
        output: of output.
        source: where the number comes from, for the report.
    """

    input: float
    output: float
    source: str = ""

    def cost(self, usage: Usage) -> float:
        """What these tokens cost."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


def find_price(model: str, own: Path | None = None, *, at_provider: bool = True) -> Price | None:
    """The price of a model, or None where neither table has it.

    Bedrock's prices differ by region, so that its inference profiles (``eu....``) have rows of their own.

    Args:
        model: ``provider:name``.
        own: the user's table; it goes before the built-in one.
        at_provider: whether the provider itself serves it; a server named by the user has prices of its own,
            so that only the user's table counts.

    Raises:
        InputError: the user's table cannot be read.
    """
    if own is not None:
        found = _read(own).get(model)
        if found:
            return found
    if not at_provider:
        return None
    provider, _, name = model.partition(":")
    provider = "bedrock_converse" if provider == "bedrock" else provider
    return _built_in().get(f"{provider}:{name}")


def how_to_name_a_price(model: str) -> str:
    """The words that tell a user how to add a price."""
    return (
        f"write it to a YAML file and name that file with --prices: '{model}: {{input: 0.15, output: 0.60}}' "
        "(per million tokens; 0 for a model of your own)"
    )


@cache
def _built_in() -> Mapping[str, Price]:
    return _read(TABLE)


def _read(path: Path) -> Mapping[str, Price]:
    found = parse_yaml(str(path), read_text(path)[0])
    if not isinstance(found, dict):
        raise InputError(f"{path}: a price table is a mapping from provider:model to {{input, output}}")
    source = str(found.pop("source", path.name))
    return {str(model): _price(path, str(model), row, source) for model, row in found.items()}


def _price(path: Path, model: str, row: Any, source: str) -> Price:
    if not isinstance(row, dict) or set(row) != {"input", "output"}:
        raise InputError(f"{path}: {model!r} needs exactly the keys input and output, it has {row!r}")
    for key, value in row.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise InputError(f"{path}: {key} of {model!r} must be a number from 0 up, it is {value!r}")
    return Price(float(row["input"]), float(row["output"]), source)
