"""What ``ragbench demo`` prints, in 80 columns."""

import json
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragbench.core.evaluations import Estimate
from ragbench.core.scores import headline
from ragbench.render.numbers import with_interval

WIDTH = 80
INDENT = 3
EXAMPLE = 60
"""About so many characters the query has that is shown."""
SHOWN = 140
CERTAIN = 0.05


class DemoReport:
    """Prints the steps as they happen and the leaderboards at the end; with ``shown=False`` nothing."""

    def __init__(self, *, shown: bool) -> None:
        self.console = Console(width=WIDTH, highlight=False, quiet=not shown)

    def heading(self, text: str) -> None:
        """The title of a part."""
        self.console.print(Text(f"\n{text}", style="bold"))

    def command(self, words: Sequence[str]) -> None:
        """A command as it is typed, broken where it is too long."""
        self._lines(command_lines(words), style="cyan")

    def example(self, folder: Path) -> None:
        """How many queries came, and the first short one."""
        rows = [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").split("\n") if line]
        row = min(rows, key=lambda row: abs(len(row["text"]) - EXAMPLE))
        self._wrapped(f'{len(rows)} queries, such as "{row["text"]}" (from {row["source"]})', INDENT)

    def findings(self, findings: Sequence[Mapping[str, str]]) -> None:
        """Warnings and errors of an audit, without the ends of long lists."""
        for found in findings:
            if found["severity"] != "note":
                message = textwrap.shorten(found["message"], SHOWN, placeholder=" ...")
                self._wrapped(f"{found['severity']}: {message}", INDENT, style="yellow")

    def leaderboards(self, written: Mapping[str, Any], masked: Mapping[str, Any]) -> None:
        """Both results side by side, and what the second can tell."""
        metric = headline(list(written["arms"][0]["metrics"]))
        table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0))
        table.add_column("retriever")
        for name, results in (("human queries", written), ("masked sentences", masked)):
            count = results["arms"][0]["metrics"][metric]["n"]
            table.add_column(f"{count} {name}", justify="right")
        best = [_best(results, metric) for results in (written, masked)]
        for arm, other in zip(written["arms"], masked["arms"], strict=True):
            cells = [
                Text(with_interval(Estimate(**one["metrics"][metric])), style="bold" if one["name"] == top else "")
                for one, top in zip((arm, other), best, strict=True)
            ]
            table.add_row(Text(arm["name"]), *cells)
        self.heading(f"{metric}, mean [95% interval]")
        self.console.print(table)
        self.console.print()
        self._wrapped(verdict(written, masked, metric))

    def end(self, printed: Path, page: Path) -> None:
        """Where to look further."""
        self._lines(["", f"Everything these commands printed: {printed}", f"The page: {page}"])

    def _wrapped(self, text: str, indent: int = 0, style: str = "") -> None:
        blanks = " " * indent
        self._lines(textwrap.wrap(text, WIDTH, initial_indent=blanks, subsequent_indent=blanks), style)

    def _lines(self, lines: Sequence[str], style: str = "") -> None:
        self.console.print(Text("\n".join(lines), style=style), soft_wrap=True)


def command_lines(words: Sequence[str]) -> list[str]:
    """``$ ragbench ...`` broken before options, with backslashes, so that lines fit 80 columns where words allow."""
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
    """How far the masked sentences agree with the human queries, and how far to trust such a set."""
    ours, theirs = _better(written, metric), _better(masked, metric)
    base = written["arms"][0]["name"]
    both = [name for name in ours if name in theirs]
    said = f"Both sets say that {_and(both)} beat{'s' if len(both) == 1 else ''} {base}. " if both else ""
    first, second = _best(written, metric), _best(masked, metric)
    said += (
        f"Both have {first} first."
        if first == second
        else f"They disagree on the best: {first} by the human queries, {second} by the masked sentences."
    )
    return said + (
        " A set without people's queries helps to choose between retrievers where people ask in words of their own; "
        "how good the choice is for them it cannot tell, and some forty real queries should check it "
        "(ragbench golden audit --human)."
    )


def _better(results: Mapping[str, Any], metric: str) -> list[str]:
    """Arms that beat the first one beyond chance."""
    return [
        found["candidate"]
        for found in results["comparisons"]
        if found["metric"] == metric and found["p_adjusted"] < CERTAIN and (found["difference"]["mean"] or 0) > 0
    ]


def _best(results: Mapping[str, Any], metric: str) -> str:
    return str(max(results["arms"], key=lambda arm: arm["metrics"][metric]["mean"])["name"])


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
