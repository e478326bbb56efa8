"""What a verdict decides, in a word and a colour."""

from ragbench.core.verdicts import Decision, Verdict
from ragbench.render.blocks import Cell, Style

OUTCOMES: dict[Decision, tuple[str, Style]] = {
    "better": ("better", "good"),
    "worse": ("worse", "bad"),
    "different": ("different", "strong"),
    "equivalent": ("equivalent", ""),
    "depends on the wording": ("by wording", "open"),
    "no difference shown": ("undecided", "open"),
    "not comparable": ("-", "quiet"),
}
"""The words are the same on every surface; colours only repeat them."""


def outcome_cell(verdict: Verdict) -> Cell:
    """The cell with the outcome of a comparison: ``better``, ``worse``, ``undecided``."""
    return Cell("same run") if verdict.same_run else Cell(*OUTCOMES[verdict.decision])
