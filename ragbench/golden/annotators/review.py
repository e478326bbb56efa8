"""A review by annotators: the sample that they get, and the golden set after their decisions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.brief import brief
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.golden.annotators.agreement import JudgeAgreement
from ragbench.golden.annotators.apply import Reviewed
from ragbench.io.files import json_values

VERSION = 1
"""Version of the JSON objects; it is raised when a key changes its meaning or is removed."""


@brief
@dataclass(frozen=True)
class ReviewSample:
    """A sample of queries that was written for annotators.

    Attributes:
        items: the queries, in the order of the table.
        of: number of queries that the sample was drawn from.
        types: sampled queries by type.
        judge: sampled queries by what the judge said of them: ``accepted``, ``rejected`` or ``unjudged``.
    """

    items: tuple[GoldenItem, ...]
    of: int
    types: dict[str, int]
    judge: dict[str, int]


@brief
@dataclass(frozen=True)
class AppliedReview:
    """A golden set after the decisions of annotators.

    Attributes:
        reviewed: the set, the rejected queries, and what was decided.
        undecided: ids of the queries whose decision was left blank. They stay as they are.
        agreement: how far the judge agrees with the annotators.
    """

    reviewed: Reviewed
    undecided: tuple[str, ...]
    agreement: JudgeAgreement

    @property
    def golden(self) -> GoldenSet:
        """The reviewed set."""
        return self.reviewed.golden

    def record(self, out: Path | None) -> dict[str, Any]:
        """The JSON object that ``agreement.json`` holds."""
        return {
            "version": VERSION,
            "queries": len(self.golden),
            "decisions": self.reviewed.counts,
            "undecided": list(self.undecided),
            "recovered": list(self.reviewed.recovered),
            "rejected": [item.id for item in self.reviewed.rejected],
            "agreement": json_values(self.agreement),
            "out": None if out is None else str(out),
        }
