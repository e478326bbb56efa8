"""A check of a catalogue on a terminal, as JSON and as JUnit XML."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ragbench.core.ledger import first_ten
from ragbench.corpus.checks.result import DataCheck
from ragbench.corpus.checks.rules import Checked, Finding
from ragbench.corpus.checks.schema import schema_dict
from ragbench.render.blocks import Block, Cell, Line, Row, Style
from ragbench.render.junit import JunitCase, Tag, junit
from ragbench.render.numbers import counted

VERSION = 1
SUITE = "ragbench data check"
STRICT = (
    "Without a schema, at most 1% of the cells of a column may be empty. The proposed schema allows as many as there "
    "are now, so change max_null where that is too many."
)
SHOWN = 5
"""Rows that a terminal shows for each rule."""
IN_JUNIT = 100
STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "open"}
TAGS: dict[str, Tag] = {"pass": "", "fail": "failure", "inconclusive": "error"}


def data_check_json(check: DataCheck) -> dict[str, Any]:
    """Every rule, every row that breaks one, and the schema."""
    return {
        "version": VERSION,
        "name": check.name,
        "outcome": check.outcome,
        "exit_code": check.exit_code,
        "rows": check.rows,
        "columns": list(check.columns),
        "checks": [{"name": one.name, **asdict(one)} for one in check.checks],
        "schema": schema_dict(check.schema),
        "proposed": check.proposed is not None,
    }


def data_check_blocks(check: DataCheck) -> list[Block]:
    """The rules that did not pass with rows as examples, a table of all rules, and the outcome."""
    rows: list[Row] = [
        (one.column or "(table)", one.rule, one.found, one.allowed, Cell(one.outcome, STYLES[one.outcome]))
        for one in check.checks
    ]
    failed = [one for one in check.checks if one.outcome == "fail"]
    blocks = [Block(f"Rows that break {one.name}", lines=_examples(one.findings)) for one in failed if one.findings]
    loose = check.proposed is not None and any(one.rule == "null" for one in failed)
    head = ("column", "rule", "found", "allowed", "outcome")
    blocks.append(Block("Rules", head, tuple(rows), (STRICT,) if loose else (), align="lllll"))
    if check.proposed is not None and check.written is None:
        blocks.append(Block("Proposed schema", lines=tuple(Line(line) for line in check.proposed.splitlines())))
    return [*blocks, Block(lines=(Line(sentence(check), STYLES[check.outcome]),), main=True)]


def sentence(check: DataCheck) -> str:
    """``fail: 2 of 14 rules fail for 500 rows (price: type, name: null)``."""
    names = [one.name for one in check.checks if one.outcome == check.outcome]
    rules = f"{len(check.checks)} rules"
    if check.outcome == "pass":
        return f"pass: {counted(check.rows, 'row')}, {rules}"
    what = "fail" if check.outcome == "fail" else "had nothing to measure"
    return f"{check.outcome}: {len(names)} of {rules} {what} for {counted(check.rows, 'row')} ({first_ten(names)})"


def _examples(findings: Sequence[Finding]) -> tuple[Line, ...]:
    lines = [Line(_said(one), bullet=True) for one in findings[:SHOWN]]
    more = len(findings) - SHOWN
    return (*lines, Line(f"{more:,} more; --json lists all", "quiet")) if more > 0 else tuple(lines)


def _said(finding: Finding) -> str:
    return f"{finding.where}: {finding.problem}" + (f": {finding.value!r}" if finding.value else "")


def data_check_junit(check: DataCheck) -> bytes:
    """JUnit XML: a rule that fails is a failure, and one that had nothing to measure is an error."""
    return junit(SUITE, [_case(one) for one in check.checks])


def _case(one: Checked) -> JunitCase:
    numbers = f"found {one.found}, allowed {one.allowed}"
    lines = [_said(finding) for finding in one.findings[:IN_JUNIT]]
    if len(one.findings) > IN_JUNIT:
        lines.append(f"{len(one.findings) - IN_JUNIT:,} more")
    return JunitCase(
        one.name, f"data.{one.column or 'table'}", TAGS[one.outcome], f"{one.outcome}: {numbers}", one.outcome,
        "\n".join(lines), numbers,
    )  # fmt: skip
