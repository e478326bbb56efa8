"""``docs/concepts/benchmarks.md`` from the figures: ``python -m benchmarks.document``.

Several files may be given, for example one of a machine with a GPU; a later
file's section takes the place of an earlier one's of the same name.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT
from benchmarks.command import COLUMNS, MODULES, read
from benchmarks.figures import Figure, Section

RESULTS = ROOT / "benchmarks" / "results.json"
DOCUMENT = ROOT / "docs" / "concepts" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

`python -m benchmarks.document` writes this page from `benchmarks/results.json`; do not edit it. To measure on your own
machine, put the public collections into `../shared/data`, or name their folder with `--data`:

```
make benchmark
python -m benchmarks quality --data DIR
python -m benchmarks --json benchmarks/results.json && python -m benchmarks.document
```

To repeat one section, name it, as in `python -m benchmarks quality --json benchmarks/results.json`. The others stay.
"""


def render(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page.

    Args:
        reports: objects that ``python -m benchmarks --json`` wrote.
    """
    home = reports[0]
    chosen: dict[str, tuple[Section, Mapping[str, Any]]] = {}
    for report in reports:
        for found in report["sections"]:
            section = Section.from_json(found)
            chosen[section.name] = section, found.get("measured", report)
    ordered = [chosen[name] for name in MODULES if name in chosen]
    parts = [INTRODUCTION, place("Machine", home), summary([section for section, _ in ordered])]
    for section, measured in ordered:
        elsewhere = place("Measured on another machine", measured) if measured["machine"] != home["machine"] else ""
        before, tables = section_text(section)
        parts.append(before + (elsewhere + "\n" if elsewhere else "") + tables)
    return "\n".join(parts)


def place(title: str, report: Mapping[str, Any]) -> str:
    """Machine, day and versions, in two lines."""
    machine = dict(report["machine"])
    known = [machine["processor"], f"{machine['cores']} cores", f"{machine['memory']} of memory"]
    if "gpu" in machine:
        known.append(machine["gpu"])
    known += [machine["system"], f"Python {machine['python']}"]
    libraries = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return f"**{title}** ({report['date']}): {', '.join(known)}.\n{libraries}.\n"


def summary(sections: Sequence[Section]) -> str:
    """How many targets are met, every miss, and what else a reader must know."""
    asked = [(section, figure) for section in sections for figure in section.figures if figure.met is not None]
    missed = [(section, figure) for section, figure in asked if not figure.met]
    lines = [f"**{len(asked) - len(missed)} of {len(asked)} targets are met.**", ""]
    lines += ["These are missed:", ""] if missed else []
    for section, figure in missed:
        shown = f"{figure.shown}, and the target is {figure.target}. {sentence(figure.reason)}"
        lines.append(f"- {section.title}, {figure.what}, {figure.measure}: {shown}".rstrip())
    others = [(section, f.reason) for section in sections for f in section.figures if f.reason and f.met is None]
    lines += ["", "Other figures that need a remark:", ""] if others else []
    lines += dict.fromkeys(f"- {section.title}: {sentence(reason)}" for section, reason in others)
    return "\n".join(lines) + "\n"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop; empty if it is empty."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def section_text(section: Section) -> tuple[str, str]:
    """A section up to its tables, and its tables."""
    aimed = [figure for figure in section.figures if figure.target or figure.peer]
    others = [figure for figure in section.figures if figure not in aimed]
    tables = ""
    if aimed:
        rows = [
            (f.what, f.measure, f.shown, f.target, f"**{f.verdict}**" if f.met is False else f.verdict, f.peer)
            for f in aimed
        ]
        tables += table(COLUMNS, rows)
    if others:
        tables += pivot(section.figures if {f.measure for f in others} & {f.measure for f in aimed} else others)
    notes = [f"{f.what}, {f.measure}: {sentence(f.reason)}\n" for f in section.figures if f.reason and f.met is None]
    return f"## {section.title}\n\n{section.how}\n\n", tables + "\n".join(notes)


def pivot(figures: Sequence[Figure]) -> str:
    """A row for each case, and a column for each measure."""
    measures = list(dict.fromkeys(figure.measure for figure in figures))
    cell = {(figure.what, figure.measure): figure.shown for figure in figures}
    rows = [
        (what, *(cell.get((what, measure), "") for measure in measures))
        for what in dict.fromkeys(figure.what for figure in figures)
    ]
    return table((COLUMNS[0], *measures), rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table and an empty line."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/concepts/benchmarks.md out of measured figures.")
    parser.add_argument("files", nargs="*", type=Path, default=[RESULTS], metavar="FILE")
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(render([read(path) for path in given.files]), encoding="utf-8")
    print(given.out)


if __name__ == "__main__":
    main()
