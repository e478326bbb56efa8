"""A comparison for the terminal, as Markdown, and as the documented JSON object (docs/guides/compare.md)."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.comparison.compare import FEWEST, Compared, SliceVerdict
from ragbench.comparison.examples import Example, Placed
from ragbench.comparison.origin import CLASSES, ClassName, Origin
from ragbench.comparison.verdict import is_test
from ragbench.core.fingerprint import plain
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Block
from ragbench.render.compare_sentences import CORRECTIONS, comparisons, counted, interval, sentences
from ragbench.render.evaluation import escaped, table
from ragbench.render.tables import fraction, one_line, p_value

MOST_SLICES = 12
SYSTEMS_PER_TABLE = 3
LONGEST = 300
RELEVANT = "*"

MEANING: dict[ClassName, str] = {
    "found": "only {candidate} finds anything",
    "lost": "only {baseline} finds anything",
    "more": "{candidate} finds more",
    "fewer": "{candidate} finds fewer",
    "higher": "equally many, ranked better",
    "lower": "equally many, ranked worse",
    "same": "equally many, no difference",
    "missed": "neither finds anything",
}


def blocks(compared: Compared) -> list[Block]:
    """Differences, slices, origin and examples, in this order."""
    found = [_differences(compared, metric) for metric in compared.settings.metrics]
    found += _slices(compared)
    for start in range(0, len(compared.origins), SYSTEMS_PER_TABLE):
        found.append(_origin(compared.origins[start : start + SYSTEMS_PER_TABLE]))
    for each in compared.examples:
        for kind, chosen in (("gains", each.gains), ("losses", each.losses)):
            if chosen:
                title = f"Largest {kind} of {each.candidate} against {each.baseline}, {each.metric}"
                ranked = any(side.top for one in chosen for side in (one.baseline, one.candidate))
                key = (f"{RELEVANT} relevant; the first five items of each ranking",) if ranked else ()
                found.append(Block(title, lines=key))
                found += [_example(example) for example in chosen]
    return found


def to_know(compared: Compared) -> list[str]:
    """Every note, once; those of a single verdict with its system and metric."""
    lines = list(compared.notes)
    notes: dict[str, list[Verdict]] = {}
    for verdict in compared.verdicts:
        for note in verdict.notes if is_test(verdict) else ():
            notes.setdefault(note, []).append(verdict)
    tested = [verdict for verdict in compared.verdicts if is_test(verdict)]
    for note, verdicts in notes.items():
        whose = "" if len(verdicts) == len(tested) else ", ".join(_whose(verdict, compared) for verdict in verdicts)
        lines.append(f"{whose}: {note}" if whose else note)
    return lines


def _whose(verdict: Verdict, compared: Compared) -> str:
    name = _pair_name(verdict, compared)
    return name if len(compared.settings.metrics) == 1 else f"{name}, {verdict.metric}"


def _pair_name(verdict: Verdict, compared: Compared) -> str:
    if compared.settings.correction == "tukey" and len(compared.systems) > 2:
        return f"{verdict.candidate} - {verdict.baseline}"
    return verdict.candidate


def _differences(compared: Compared, metric: str) -> Block:
    verdicts = [verdict for verdict in compared.verdicts if verdict.metric == metric]
    share = f"{compared.settings.confidence:.0%}" if verdicts else ""
    pairs = compared.settings.correction == "tukey" and len(compared.systems) > 2
    mean = next((verdict.baseline_mean for verdict in verdicts if verdict.baseline_mean is not None), None)
    to = "between systems" if pairs else f"to {compared.baseline} ({fraction(mean)})"
    p = _p_title(compared.settings.correction, comparisons(compared.verdicts, metric, compared.settings.correction))
    rows = tuple(
        (
            _pair_name(verdict, compared),
            interval(verdict),
            "-" if verdict.d_z is None else f"{verdict.d_z:+.2f}",
            "-" if verdict.cliffs_delta is None else f"{verdict.cliffs_delta:+.2f}",
            "-" if verdict.difference is None else p_value(verdict.p_adjusted),
            "-" if verdict.difference is None else f"{verdict.wins}/{verdict.ties}/{verdict.losses}",
        )
        for verdict in verdicts
    )
    title = f"{metric}: difference {to}, mean [{share} interval]{p}"
    return Block(title, ("system", "difference", "d_z", "delta", "p", "win/tie/loss"), rows)


def _p_title(correction: str, tests: int) -> str:
    if tests < 2 or correction == "none":
        return ""
    return f"; p by {CORRECTIONS[correction]} over {tests}, intervals uncorrected"


def _slices(compared: Compared) -> list[Block]:
    tested = sum(one.tested for one in compared.slices)
    correction = "holm" if compared.settings.correction == "tukey" else compared.settings.correction
    found = []
    for by in compared.settings.by:
        for name in dict.fromkeys(one.verdict.candidate for one in compared.slices):
            cut = [
                one
                for one in compared.slices
                if one.verdict.candidate == name and one.verdict.slice.startswith(f"{by}=")
            ]
            title = f"By {by}: {name} against {compared.baseline}, {compared.settings.metrics[0]}"
            found.append(_cut(cut, by, title + _p_title(correction, tested)))
    return found


def _cut(cut: Sequence[SliceVerdict], by: str, title: str) -> Block:
    """The slices of one cut; where there are many, the largest, and the rest in one line."""
    large = [one for one in cut if one.tested]
    small = [one for one in cut if not one.tested and one.verdict.n]
    empty = [one for one in cut if not one.verdict.n]
    shown = sorted(large, key=lambda one: -abs(one.adds))[:MOST_SLICES] if len(large) > MOST_SLICES else large
    lines = []
    if len(shown) < len(large):
        rest = sum(one.adds for one in large) - sum(one.adds for one in shown)
        lines.append(
            f"{len(large) - len(shown)} more slices add {fraction(rest, signed=True)} together; --json has them"
        )
    few = len(small) <= MOST_SLICES
    if small:
        together = sum(one.adds for one in small)
        lines.append(
            f"{counted(len(small), 'slice')} with fewer than {FEWEST} queries "
            f"({sum(one.verdict.n for one in small)} queries) not tested"
            + ("" if few else f"; together they add {fraction(together, signed=True)}")
        )
    if empty:
        labels = ", ".join(one.verdict.slice.removeprefix(f"{by}=") for one in empty[:5])
        lines.append(f"no query with a value: {labels}" + (f" and {len(empty) - 5} more" if len(empty) > 5 else ""))
    rows = tuple(
        (
            one.verdict.slice.removeprefix(f"{by}="),
            str(one.verdict.n),
            interval(one.verdict),
            fraction(one.adds, signed=True),
            p_value(one.verdict.p_adjusted) if one.tested else "-",
            f"{one.verdict.wins}/{one.verdict.ties}/{one.verdict.losses}",
        )
        for one in (*shown, *(small if few else ()))
    )
    return Block(title, (by, "queries", "difference", "adds", "p", "win/tie/loss"), rows, tuple(lines))


def _origin(origins: Sequence[Origin]) -> Block:
    """What each class of queries adds, a column for each system."""
    first = origins[0]
    within = "in the ranking" if first.cut is None else f"in the top {first.cut}"
    candidate = first.candidate if len(origins) == 1 else "the other"
    rows = []
    for i, name in enumerate(CLASSES):
        parts = [origin.parts[i] for origin in origins]
        if any(part.queries for part in parts):
            meaning = MEANING[name].format(candidate=candidate, baseline=first.baseline)
            rows.append((meaning, *(f"{fraction(p.adds, signed=True)} ({p.queries})" for p in parts)))
    rows.append(("finding, in all", *(fraction(origin.finding, signed=True) for origin in origins)))
    rows.append(("ranking, in all", *(fraction(origin.ranking, signed=True) for origin in origins)))
    lines = [
        f"{origin.candidate}: {origin.candidate_items} of {origin.candidate_relevant} relevant items {within}, "
        f"{origin.baseline} {origin.baseline_items} of {origin.baseline_relevant}; {counted(origin.never, 'query')} "
        f"where neither retrieves any down to rank {origin.depth}"
        for origin in origins
    ]
    title = f"Where the difference in {first.metric} comes from (queries), by what is found {within}"
    return Block(title, ("queries where", *(origin.candidate for origin in origins)), tuple(rows), tuple(lines))


def _example(example: Example) -> Block:
    kind = f" ({example.type})" if example.type else ""
    relevant = ", ".join(
        f"{one_line(item, LONGEST)} (grade {label})" for item, label in list(example.relevant.items())[:5]
    )
    more = f" and {len(example.relevant) - 5} more" if len(example.relevant) > 5 else ""
    sides = (example.baseline, example.candidate)
    head = ["rank"]
    for side in sides:
        first = "none relevant" if side.first_relevant is None else f"first relevant at {side.first_relevant}"
        head.append(f"{side.name} {fraction(side.value)}, {side.failure or first}")
    depth = max(len(side.top) for side in sides)
    rows = tuple((str(i + 1), *(_placed(side.top[i : i + 1]) for side in sides)) for i in range(depth))
    text = f": {one_line(example.text, LONGEST)}" if example.text else ""
    lines = (f"relevant: {relevant}{more}",) if relevant else ()
    title = f"{fraction(example.difference, signed=True)}  {example.query_id}{kind}{text}"
    return Block(title, tuple(head), rows, lines, texts=True)


def _placed(item: Sequence[Placed]) -> str:
    if not item:
        return "-"
    name = one_line(item[0].item, LONGEST)
    return f"{name} {RELEVANT}" if (item[0].label or 0) > 0 else name


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
        "origins": [_origin_json(asdict(origin)) for origin in compared.origins],
        "examples": [plain(asdict(each)) for each in compared.examples],
        "notes": to_know(compared),
        "settings": plain(asdict(compared.settings)),
    }


def _origin_json(origin: dict[str, object]) -> dict[str, object]:
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
