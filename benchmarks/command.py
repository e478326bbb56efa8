"""The command line that all benchmarks share."""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Options, Section
from benchmarks.machine import machine, versions

MODULES = {
    "quality": "quality",
    "scoring": "scoring_targets",
    "overhead": "overhead",
    "embedding": "embedding",
    "startup": "startup",
    "commands": "commands",
    "experiments": "experiments",
    "million": "million",
    "simple_golden": "simple_golden",
    "gpu": "gpu",
    "llm_client": "llm_client",
    "faults": "faults",
    "answers": "answers",
    "masked_cost": "masked_cost",
    "validity": "validity",
    "wording_rule": "wording_rule",
    "few_labels": "few_labels",
    "statistics": "significance",
    "unequal": "unequal",
    "repeats": "repeats",
    "one_comparison": "one_comparison",
    "several": "several",
    "leaderboards": "leaderboards",
    "bayesian": "bayesian",
    "gate": "gate",
    "gate_rules": "gate_rules",
    "judge_threshold": "judge_threshold",
    "human_labels": "human_labels",
    "next_labels": "next_labels",
    "holes": "holes",
    "power": "power",
    "repeat_plans": "repeat_plans",
    "spreads": "spreads",
    "wattbot": "wattbot",
    "ab": "ab",
    "live_queries": "live_queries",
    "online": "online",
    "grounding": "grounding",
    "report": "report",
    "fuzzing": "fuzzing",
}
"""Module by name, in the order of the report."""
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SCHEMA_VERSION = 1


def main(arguments: Sequence[str] | None = None, *, only: str = "") -> int:
    """Run benchmarks, print their tables, and write the figures if asked; 1 if a target was missed.

    Args:
        arguments: of the command line.
        only: the one benchmark of this call; empty lets the user name them.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks{'.' + MODULES[only] if only else ''}",
        description="Measure ragbench beside its peers. Without a name, everything is measured (some twenty minutes).",
    )
    if not only:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(MODULES)}")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder of the public collections (default ../shared/data)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures to this file; other sections in it stay"
    )
    parser.add_argument("--small", action="store_true", help="a fraction of the work, to see that it runs")
    given = parser.parse_args(arguments)
    names = [only] if only else list(dict.fromkeys(given.names)) or list(MODULES)
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(MODULES)}")
    options = Options(given.data, given.small, lambda text: print(text, file=sys.stderr, flush=True))
    sections = []
    for name in names:
        options.say(f"{name} ...")
        section: Section = importlib.import_module(f"benchmarks.{MODULES[name]}").run(options)
        if given.small:
            section = without_targets(section)
        show(section)
        sections.append(section)
        if given.json:  # after each, so that what is done survives an interrupt
            write(given.json, sections)
    return int(any(figure.met is False for section in sections for figure in section.figures))


def show(section: Section) -> None:
    """Print a section: as a table where rich is installed, else as plain lines."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print(f"\n{section.title}")
        for figure in section.figures:
            print(" | ".join(cells(figure)))
        return
    table = Table(title=section.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for figure in section.figures:
        style = {True: "green", False: "red", None: ""}[figure.met]
        *most, verdict, peer = cells(figure)
        table.add_row(*most, f"[{style}]{verdict}[/]" if style else verdict, peer)
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print()
    console.print(table)
    for figure in section.figures:
        if figure.reason:
            console.print(f"{figure.what}, {figure.measure}: {figure.reason}", style="dim", highlight=False)


def without_targets(section: Section) -> Section:
    """The section with nothing to reach: figures of small runs mean nothing."""
    return replace(section, figures=tuple(replace(figure, target="", met=None) for figure in section.figures))


COLUMNS = ("case", "measure", "ragbench", "target", "result", "for comparison")


def cells(figure: Figure) -> tuple[str, ...]:
    """One line of a table."""
    return (figure.what, figure.measure, figure.shown, figure.target, figure.verdict, figure.peer)


def write(path: Path, sections: Sequence[Section]) -> None:
    """Write sections with the machine, the versions and the day.

    A file that exists keeps its other sections. The new ones then say when and where they were measured.

    Raises:
        SystemExit: the file exists and cannot be read, or is of another version.
    """
    here = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": versions()}
    report = dict(read(path)) if path.exists() else {"schema_version": SCHEMA_VERSION, **here, "sections": []}
    found = {section["name"]: section for section in report["sections"]}
    found |= {section.name: section.to_json() | {"measured": here} for section in sections}
    report["sections"] = [found[name] for name in MODULES if name in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Mapping[str, Any]:
    """One report.

    Raises:
        SystemExit: it cannot be read, or is of another version.
    """
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{path} cannot be read: {error}")
    if found.get("schema_version") != SCHEMA_VERSION:
        sys.exit(f"{path} is of version {found.get('schema_version')}, not {SCHEMA_VERSION}: measure again")
    return found
