"""The page on golden sets says what was measured, and leaves no stage out."""

from pathlib import Path

from ragbench.golden.generate import STAGES_WITH_LLM

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "concepts"
PAGE = (DOCS / "synthetic-sets.md").read_text(encoding="utf-8")


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the first table under a heading that begins with these words."""
    lines = text[text.index(head) :].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_the_claims_are_those_of_the_measured_page() -> None:
    measured = {
        row[1].strip("*"): row[2:8]
        for row in rows((DOCS / "validity.md").read_text(encoding="utf-8"), "## Claims")
        if row[0] == "**all**"
    }
    shown = rows(PAGE, "## How well it agrees with human queries")
    assert len(shown) == len(measured) == 4
    for (_, *cells), found in zip(shown, measured.values(), strict=True):
        *counts, tau, lost = (float(cell.strip("*")) for cell in cells)
        assert counts == [float(f"{float(count):.0f}") for count in found[:4]]
        assert [tau, lost] == [float(figure) for figure in found[4:]]


def test_every_stage_of_review_is_explained() -> None:
    explained = PAGE[PAGE.index("## From documents to a set") : PAGE.index("## What it costs")].lower()
    called = {"round_trip": "round trip", "judge": "judge", "reconsider": "second opinion"}
    for stage in STAGES_WITH_LLM:
        assert called.get(stage, f"`{stage}`") in explained
