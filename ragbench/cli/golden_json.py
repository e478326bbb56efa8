"""Results of the ``golden`` commands as JSON values."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


def json_values(value: Any) -> Any:
    """Dataclasses and named tuples as objects, other sequences as lists, NaN and infinity as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: json_values(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return json_values(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    return value
