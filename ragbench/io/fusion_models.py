"""Files of learned fusions: weights of signals, as JSON. Reading one runs no code."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.io.files import write_json
from ragbench.io.parsing import read_json

KIND, VERSION = "ragbench fusion", 1


@brief
@dataclass(frozen=True)
class FusionModel:
    """A learned fusion: the score of a candidate is the weighted sum of its signals.

    Attributes:
        weights: weight by signal (`ragbench.retrievers._signals.NAMES`).
        embedder: spec of the embedder whose signals were weighed.
        trained: facts about the training, for readers of the file.
    """

    weights: Mapping[str, float]
    embedder: str
    trained: Mapping[str, object] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what decides a score."""
        return fingerprint([KIND, VERSION, dict(self.weights), self.embedder])


def write_fusion_model(model: FusionModel, path: Path) -> None:
    """Write a model as JSON."""
    write_json(path, {
        "kind": KIND, "version": VERSION, "embedder": model.embedder, "weights": dict(model.weights),
        "trained": dict(model.trained),
    })  # fmt: skip


def read_fusion_model(path: Path, signals: tuple[str, ...]) -> FusionModel:
    """Read a model.

    Args:
        path: the file.
        signals: the signals that exist.

    Raises:
        InputError: there is no such file, it is not a model, or a weight is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; 'ragbench train fusion' writes fusion.json into its folder")
    found = read_json(path)
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise InputError(f"{path} is not a model of 'ragbench train fusion': its kind is not {KIND!r}")
    if found.get("version") != VERSION:
        raise InputError(f"{path} has version {found.get('version')!r:.20}; this ragbench reads version {VERSION}")
    weights, embedder = found.get("weights"), found.get("embedder")
    if not isinstance(embedder, str) or not isinstance(weights, dict):
        raise InputError(f"{path}: weights must be an object, and embedder a string")
    for name, value in weights.items():
        if name not in signals:
            raise InputError(f"{path}: there is no signal {name!r:.40}; there are: {', '.join(signals)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{path}: the weight of {name} is {value!r:.40}; it must be a finite number")
    if not any(weights.values()):
        raise InputError(f"{path}: every weight is 0")
    trained = found.get("trained")
    return FusionModel(
        {name: float(value) for name, value in weights.items()}, embedder, trained if isinstance(trained, dict) else {}
    )
