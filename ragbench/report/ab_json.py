"""An A/B analysis as one JSON object."""

import dataclasses
import math
from typing import Any

from ragbench.harness.ab.results import AbResult

VERSION = 1


def ab_json(result: AbResult) -> dict[str, Any]:
    """Every field of `AbResult` under its own name; what cannot be estimated is null, never NaN."""
    found: dict[str, Any] = _finite(dataclasses.asdict(result))
    if result.plan is not None:
        found["plan"] |= {"more_units": result.plan.more, "days": _finite(result.plan.days)}
    return {"version": VERSION, "decision": result.recommendation.decision} | found


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
