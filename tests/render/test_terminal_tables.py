"""Tables on narrow and wide terminals, and outcomes in words and colours."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.render.blocks import Block, markdown, terminal
from ragbench.render.outcome import OUTCOMES, outcome_cell
from tests.render.test_interval_words import METRIC, scored

HEAD = ("system", "ndcg@10", "p", "outcome")
ROW = ("bm25", ".661 [.609, .709]", ".004", "better")


def printed(block: Block, width: int, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(terminal([block]))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(("width", "columns"), [(80, HEAD), (38, ("system", "ndcg@10", "outcome")), (30, HEAD[:2])])
def test_a_narrow_terminal_leaves_out_spare_columns_in_their_order(width: int, columns: tuple[str, ...]) -> None:
    block = Block(head=HEAD, rows=(ROW,), spare=("p", "outcome"))
    head, row = printed(block, width).splitlines()
    assert tuple(head.split()) == columns
    assert row.split()[-1] == ROW[HEAD.index(columns[-1])].split()[-1]


def test_a_document_has_every_column() -> None:
    assert "| system | ndcg@10 | p | outcome |" in markdown("Title", [Block(head=HEAD, rows=(ROW,), spare=HEAD[1:])])


def test_colours_repeat_what_the_words_say() -> None:
    settings = CompareSettings(metrics=(METRIC,))
    (verdict,) = compare_runs([scored("old", [0.0] * 120), scored("new", [1.0, 0.5] * 60)], settings).verdicts
    assert outcome_cell(verdict).text == "better"
    shown = {}
    for decision, (word, _) in OUTCOMES.items():
        cell = outcome_cell(replace(verdict, decision=decision))
        block = Block(head=("system", "outcome"), rows=(("a", cell),))
        shown[decision] = printed(block, 80, colour=True)
        assert word in shown[decision]
    assert "\x1b[1;32m" in shown["better"]
    assert "\x1b[1;31m" in shown["worse"]
    assert "\x1b[1;33m" in shown["no difference shown"]
    assert outcome_cell(replace(verdict, same_run=True)).text == "same run"
