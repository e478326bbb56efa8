"""The result of a check of a catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.corpus.checks.rules import Checked, Outcome
from ragbench.corpus.checks.schema import Schema

EXIT: Mapping[Outcome, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


@brief
@dataclass(frozen=True)
class DataCheck:
    """What a check found.

    Attributes:
        name: the file or folder.
        rows: how many rows were checked.
        columns: names of the columns.
        checks: one result for each rule.
        schema: the rules, or those that are proposed if none were given.
        proposed: the proposed schema as YAML; None if a schema was given.
        written: where the proposal was written.
    """

    name: str
    rows: int
    columns: tuple[str, ...]
    checks: tuple[Checked, ...]
    schema: Schema
    proposed: str | None = None
    written: Path | None = None

    @property
    def outcome(self) -> Outcome:
        """``fail`` if a rule fails, else ``inconclusive`` if a rule had nothing to measure, else ``pass``."""
        found = {one.outcome for one in self.checks}
        return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"

    @property
    def exit_code(self) -> int:
        """That of a gate: 0 for a pass, 1 for a failure, 3 if it is inconclusive."""
        return EXIT[self.outcome]
