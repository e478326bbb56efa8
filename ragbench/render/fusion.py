"""The result of training a fusion, as JSON and as blocks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ragbench.comparison.gate.result import EXIT_CODES, Gate
from ragbench.core.brief import brief, numbered
from ragbench.core.evaluations import Evaluation
from ragbench.core.ledger import first_ten
from ragbench.io.files import json_values
from ragbench.io.fusion_models import FusionModel
from ragbench.learning.fusion import Learned
from ragbench.learning.guard import Guarded
from ragbench.render.blocks import Block, Line, Style
from ragbench.render.by_slice import slice_blocks
from ragbench.render.gate import gate_blocks, gate_json

VERSION = 1
OUTCOMES: dict[str, tuple[str, Style]] = {
    "pass": ("promoted: the test queries show that the model is good enough", "good"),
    "fail": ("refused: the test queries show that the model is worse", "bad"),
    "inconclusive": ("refused: the test queries cannot show that the model is good enough", "open"),
}
UNCHANGED: tuple[str, Style] = ("not promoted: nothing was learned, so the untrained blend stays", "open")

Source = Literal["human", "masked"]


@brief
@dataclass(frozen=True, eq=False)
class TrainedFusion:
    """A learned fusion, and the decision on it.

    Attributes:
        model: the weights.
        path: the file of the model.
        retriever: the spec that uses it.
        learned: how the weights were chosen.
        source: whether the queries to learn from were human or masked.
        queries: queries that were learned from.
        positives: their relevant candidates.
        guarded: queries that the guard dropped.
        evaluation: the untrained blend and the model on the test queries.
        gate: whether the model may replace the blend.
        by: columns of the slices.
    """

    model: FusionModel
    path: Path
    retriever: str
    learned: Learned
    source: Source
    queries: int
    positives: int
    guarded: Guarded
    evaluation: Evaluation
    gate: Gate
    by: tuple[str, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether something was learned, and the test queries show that the model keeps the margin."""
        return not self.unchanged and self.gate.outcome == "pass"

    @property
    def unchanged(self) -> bool:
        """Whether the weights are those of the untrained blend."""
        return self.learned.strength is None

    @property
    def exit_code(self) -> int:
        """0 for a promoted model, 1 for one that is shown to be worse, and 3 if the queries cannot decide, or nothing
        was learned.
        """
        return EXIT_CODES["inconclusive"] if self.unchanged else self.gate.exit_code


def fusion_json(found: TrainedFusion) -> dict[str, Any]:
    """What was learned from what, what the guard dropped, and the decision."""
    return {
        "version": VERSION,
        "promoted": found.promoted,
        "unchanged": found.unchanged,
        "retriever": found.retriever,
        "weights": dict(found.model.weights),
        "strength": found.learned.strength,
        "cross_validation": [
            {"strength": strength, "gain": gain, "standard_error": found.learned.errors[strength]}
            for strength, gain in found.learned.gains.items()
        ],
        "queries": found.queries,
        "source": found.source,
        "positives": found.positives,
        "leaks": [json_values(leak) for leak in found.guarded.leaks.values()],
        "trained": json_values(found.model.trained),
        "gate": gate_json(found.gate),
    }


def fusion_blocks(found: TrainedFusion) -> list[Block]:
    """What was learned from what, the weights, and the decision on the test queries."""
    read = (
        f"Learned from {found.queries:,} {found.source} queries with {found.positives:,} relevant candidates. "
        f"The decision uses {len(found.evaluation.queries):,} other queries."
    )
    lines = [read]
    if found.guarded.leaks:
        texts = first_ten(leak.query_id for leak in found.guarded.leaks.values())
        lines.append(
            f"The leakage guard skipped {numbered(len(found.guarded.leaks), 'query')} of protected sets: {texts}"
        )
    notes: list[str | Line] = []
    if found.unchanged:
        notes.append(Line(
            "cross-validation shows no gain above its standard error, so the weights of the untrained blend stay",
            "note",
        ))  # fmt: skip
    names = sorted(found.model.weights, key=lambda name: -abs(found.model.weights[name]))
    rows = tuple((name, f"{found.model.weights[name]:.3f}") for name in names)
    verdict, style = UNCHANGED if found.unchanged else OUTCOMES[found.gate.outcome]
    metric = found.gate.rules.rules[0].metric  # type: ignore[union-attr]
    systems = [arm.scored for arm in found.evaluation.arms]
    decided = (*(slice_blocks(systems, found.by, metric) if found.by else ()), *gate_blocks(found.gate))
    return [
        Block(lines=tuple(lines)),
        Block("Weights of the signals", ("signal", "weight"), rows, lines=tuple(notes), align="lr"),
        # An unchanged blend keeps every rule, which would look like a verdict on something new.
        *(() if found.unchanged else decided),
        Block(lines=(Line(verdict, style), *((f"use it as {found.retriever}",) if found.promoted else ()))),
    ]
