"""The output of ``ragbench demo``, in 80 columns."""

import json
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ragbench.core.evaluations import Estimate
from ragbench.core.scores import headline
from ragbench.render.blocks import Block, Cell, terminal
from ragbench.render.numbers import fraction, with_interval

WIDTH = 80
INDENT = 3
EXAMPLE = 60
"""Length in characters of the query that is shown as an example."""
SHOWN = 140
"""The most characters of a finding."""


class DemoReport:
    """Print the steps while they run, and the leaderboards at the end.

    Args:
        shown: False prints nothing.
    """

    def __init__(self, *, shown: bool) -> None:
        self.console = Console(width=WIDTH, highlight=False, quiet=not shown)

    def heading(self, text: str) -> None:
        """The title of a part."""
        self.console.print(Text(f"\n{text}", style="bold"))

    def command(self, words: Sequence[str]) -> None:
        """A command as you would type it, on several lines if it is long."""
        self._lines(command_lines(words), style="cyan")

    def example(self, folder: Path) -> None:
        """The number of queries, and a short one."""
        rows = [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").split("\n") if line]
        row = min(rows, key=lambda row: abs(len(row["text"]) - EXAMPLE))
        self.text(f'{len(rows)} queries, such as "{row["text"]}" (from {row["source"]})', INDENT)

    def findings(self, findings: Sequence[Mapping[str, str]]) -> None:
        """Warnings and errors of an audit; long lists are cut."""
        for found in findings:
            if found["severity"] != "note":
                message = textwrap.shorten(found["message"], SHOWN, placeholder=" ...")
                self.text(f"{found['severity']}: {message}", INDENT, style="yellow")

    def leaderboards(self, written: Mapping[str, Any], masked: Mapping[str, Any]) -> None:
        """Both leaderboards side by side, and how far they agree."""
        metric = headline(list(written["arms"][0]["metrics"]))
        sets = (("human queries", written), ("masked queries", masked))
        counts = [f"{results['arms'][0]['metrics'][metric]['n']} {name}" for name, results in sets]
        best = [_best(results, metric) for _, results in sets]
        rows = [
            (
                arm["name"],
                *(
                    Cell(with_interval(Estimate(**one["metrics"][metric])), "strong" if one["name"] == top else "")
                    for one, top in zip((arm, other), best, strict=True)
                ),
            )
            for arm, other in zip(written["arms"], masked["arms"], strict=True)
        ]
        board = Block(f"{metric}, mean [95% interval]", ("retriever", *counts), tuple(rows))
        self.block(board)
        self.text(verdict(written, masked, metric))

    def block(self, block: Block) -> None:
        """A table."""
        self.console.print()
        self.console.print(terminal([block]))
        self.console.print()

    def end(self, printed: Path, page: Path | None = None) -> None:
        """Where the results are."""
        pages = [] if page is None else [f"The page: {page}"]
        self._lines(["", f"Everything these commands printed: {printed}", *pages])

    def text(self, text: str, indent: int = 0, style: str = "") -> None:
        """A paragraph."""
        blanks = " " * indent
        self._lines(textwrap.wrap(text, WIDTH, initial_indent=blanks, subsequent_indent=blanks), style)

    def _lines(self, lines: Sequence[str], style: str = "") -> None:
        self.console.print(Text("\n".join(lines), style=style), soft_wrap=True)


def command_lines(words: Sequence[str]) -> list[str]:
    """``$ ragbench ...``, broken before options so that lines fit 80 columns, unless a single word is longer."""
    pieces: list[str] = ["ragbench"]
    for word in words:
        quoted = shlex.quote(word)
        if word.startswith("--"):
            pieces.append(quoted)
        else:
            pieces[-1] += f" {quoted}"
    lines = ["$ " + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) + len("  \\") > WIDTH:
            lines[-1] += " \\"
            lines.append(" " * (INDENT + 1) + piece)
        else:
            lines[-1] += f" {piece}"
    return lines


def verdict(written: Mapping[str, Any], masked: Mapping[str, Any], metric: str) -> str:
    """How far the masked queries agree with the human queries, what depends on the wording, and what to do then."""
    ours, theirs = _better(written, metric), _better(masked, metric)
    base = written["arms"][0]["name"]
    both = [name for name in ours if name in theirs]
    said = f"Both sets say that {_and(both)} beat{'s' if len(both) == 1 else ''} {base}. " if both else ""
    first, second = _best(written, metric), _best(masked, metric)
    said += (
        f"Both rank {first} first. "
        if first == second
        else f"They disagree on the best: {first} by the human queries, {second} by the masked queries. "
    )
    return (
        said
        + _depending(base, _decided(masked, metric, "depends on the wording"))
        + (
            "Without human queries, you can mostly trust a difference that holds in all wordings. If one depends on "
            "the wording, label about forty queries of your users: ragbench golden audit --human shows what they "
            "confirm."
        )
    )


def _decided(results: Mapping[str, Any], metric: str, decision: str) -> list[Mapping[str, Any]]:
    """The comparisons with the first system that have this verdict."""
    return [one for one in results["comparisons"] if one["metric"] == metric and one["decision"] == decision]


def _better(results: Mapping[str, Any], metric: str) -> list[str]:
    return [one["candidate"] for one in _decided(results, metric, "better")]


def _depending(base: str, comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The wordings with the largest gain and the largest loss of each system; empty if nothing depends on them."""
    if not comparisons:
        return ""
    found = []
    for one in comparisons:
        parts = sorted(one["wordings"]["parts"], key=lambda part: -part["difference"])
        ends = (f"{fraction(part['difference'], signed=True)} for {part['wording']}" for part in (parts[0], parts[-1]))
        found.append(f"{one['candidate']} {', '.join(ends)}")
    return f"On the masked queries, the difference to {base} depends on the wording: {'; '.join(found)}. "


def _best(results: Mapping[str, Any], metric: str) -> str:
    return str(max(results["arms"], key=lambda arm: arm["metrics"][metric]["mean"])["name"])


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
