"""A comparison for the terminal, as Markdown, and as the documented JSON object (docs/compare.md)."""

from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.core.fingerprint import plain
from ragbench.harness.compare.compare import Compared
from ragbench.report.compare_blocks import Block, blocks, to_know
from ragbench.report.compare_sentences import sentences
from ragbench.report.markdown import escaped, table

SCHEMA_VERSION = 1
"""Of the JSON object; raised when a key changes its meaning or goes."""


def verdict_sentences(compared: Compared) -> list[str]:
    """The first metric, a sentence for each system."""
    return sentences(compared.verdicts, compared.settings.metrics[0], compared.settings.correction)


def compare_tables(compared: Compared) -> RenderableType:
    """The verdicts first, then everything they rest on."""
    parts: list[RenderableType] = [Text(line, style="bold") for line in verdict_sentences(compared)]
    parts.append(Text(f"Test: {compared.choice}"))
    parts += [Text(f"note: {line}", style="yellow") for line in to_know(compared)]
    for block in blocks(compared):
        parts += [Text(), *_rich(block)]
    return Group(*parts)


def compare_markdown(compared: Compared) -> str:
    """The same for a pull request."""
    parts = ["# Comparison", "\n".join(f"- **{escaped(line)}**" for line in verdict_sentences(compared))]
    parts.append(f"Test: {escaped(compared.choice)}")
    notes = to_know(compared)
    if notes:
        parts.append("\n".join(f"- {escaped(line)}" for line in notes))
    for block in blocks(compared):
        parts.append(f"{'###' if block.texts else '##'} {escaped(block.title)}")
        if block.rows:
            parts.append(table(block.head, block.rows))
        if block.lines:
            parts.append("\n".join(escaped(line) + "  " for line in block.lines).rstrip())
    return "\n\n".join(parts) + "\n"


def compare_json(compared: Compared) -> dict[str, object]:
    """The whole object."""
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": compared.baseline,
        "systems": list(compared.systems),
        "queries": len(compared.queries),
        "sentences": verdict_sentences(compared),
        "choice": compared.choice,
        "verdicts": [plain(asdict(verdict)) for verdict in compared.verdicts],
        "slices": [{**asdict(one.verdict), "adds": one.adds, "tested": one.tested} for one in compared.slices],
        "origins": [_origin(asdict(origin)) for origin in compared.origins],
        "examples": [plain(asdict(each)) for each in compared.examples],
        "notes": to_know(compared),
        "settings": plain(asdict(compared.settings)),
    }


def _origin(origin: dict[str, object]) -> dict[str, object]:
    parts = origin["parts"]
    assert isinstance(parts, tuple)
    return {**origin, "parts": [part._asdict() for part in parts]}


def _rich(block: Block) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(block.title, style="bold")]
    if block.rows:
        shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for i, name in enumerate(block.head):
            figures = i > 0 and not block.texts
            # Names fold where the terminal is narrow, figures never break.
            shown.add_column(
                Text(name), justify="right" if figures else "left", overflow="fold", no_wrap=figures and len(name) < 13
            )
        for row in block.rows:
            shown.add_row(*(Text(cell) for cell in row))
        parts.append(shown)
    return [*parts, *(Text(line) for line in block.lines)]
