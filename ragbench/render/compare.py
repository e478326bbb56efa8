"""A comparison on a terminal, as Markdown, and as the documented JSON object (docs/guides/compare.md)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ragbench.comparison.compare import FEWEST, Compared, SliceVerdict
from ragbench.comparison.examples import Example, Placed
from ragbench.comparison.origin import CLASSES, ClassName, Origin
from ragbench.comparison.overlap import Overlap
from ragbench.comparison.verdict import is_test
from ragbench.core.fingerprint import plain
from ragbench.core.foreign import excerpt
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Block, Line, markdown, notes_block, terminal
from ragbench.render.holes import holes_blocks
from ragbench.render.human import human_blocks, human_phrase, sheet_json
from ragbench.render.leaderboard import leaderboard_block, leaderboard_json
from ragbench.render.numbers import PColumns, counted, fraction, interval, outcomes, p_value, with_interval
from ragbench.render.outcome import OUTCOMES
from ragbench.render.posterior import posterior_blocks
from ragbench.render.repeats import components_json, variance_blocks
from ragbench.render.with_masked import masked_blocks, masked_json, masked_sentences
from ragbench.render.wordings import wording_blocks, wording_claim, wording_phrase

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "max-t": "max-t"}
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


def compare_tables(compared: Compared) -> "RenderableType":
    """The verdicts first, then everything they are based on."""
    return terminal(compare_blocks(compared))


def compare_markdown(compared: Compared) -> str:
    """The same for a pull request."""
    return markdown("Comparison", compare_blocks(compared))


def compare_blocks(compared: Compared) -> list[Block]:
    """Verdicts and the test behind them, notes, and the tables of `difference_blocks`."""
    metric = compared.settings.metrics[0]
    verdicts = _ordered(compared.verdicts, metric)
    claims = tuple(
        Line(text, OUTCOMES[verdict.decision][1] or "strong")
        for text, verdict in zip(verdict_sentences(compared), verdicts, strict=True)
    )
    return [
        Block(lines=(*claims, *masked_sentences(compared.with_masked, metric), f"Test: {compared.choice}")),
        *notes_block(notes(compared)),
        *difference_blocks(compared),
    ]


def verdict_sentences(compared: Compared) -> list[str]:
    """A sentence for each system on the first metric."""
    return sentences(compared.verdicts, compared.settings.metrics[0], compared.settings.correction)


def difference_blocks(compared: Compared) -> list[Block]:
    """Differences, ranks, slices, the origin of the difference, and examples, in this order."""
    found = list[Block]()
    for metric in compared.settings.metrics:
        found += [_differences(compared, metric), *_simultaneous(compared, metric)]
        found += human_blocks(compared.verdicts, metric)
        found += masked_blocks(compared.with_masked, metric, _each_pair(compared))
        found += posterior_blocks(compared.posteriors, metric, _each_pair(compared))
        found += wording_blocks(compared.verdicts, metric, lambda verdict: _pair_name(verdict, compared))
    primary = compared.settings.metrics[0]
    found += variance_blocks({name: {primary: one} for name, one in compared.variance.items()}, primary)
    if compared.leaderboard is not None:
        found.append(leaderboard_block(compared.leaderboard))
    found += holes_blocks(compared.holes)
    found += _slices(compared)
    for start in range(0, len(compared.origins), SYSTEMS_PER_TABLE):
        found.append(_origin(compared.origins[start : start + SYSTEMS_PER_TABLE]))
    found += _overlaps(compared.overlaps)
    for each in compared.examples:
        for kind, chosen in (("gains", each.gains), ("losses", each.losses)):
            if chosen:
                title = f"Largest {kind} of {each.candidate} against {each.baseline}, {each.metric}"
                ranked = any(side.top for one in chosen for side in (one.baseline, one.candidate))
                key = (f"{RELEVANT} relevant; the first five items of each ranking",) if ranked else ()
                found.append(Block(title, lines=key))
                found += [_example(example) for example in chosen]
    return found


def notes(compared: Compared) -> list[str]:
    """Every note once; a note that not all verdicts share names its system and metric."""
    lines = list(compared.notes)
    owners: dict[str, list[Verdict]] = {}
    for verdict in compared.verdicts:
        for note in verdict.notes if is_test(verdict) else ():
            owners.setdefault(note, []).append(verdict)
    tested = [verdict for verdict in compared.verdicts if is_test(verdict)]
    for note, verdicts in owners.items():
        whose = "" if len(verdicts) == len(tested) else ", ".join(_whose(verdict, compared) for verdict in verdicts)
        lines.append(f"{whose}: {note}" if whose else note)
    return lines


def _whose(verdict: Verdict, compared: Compared) -> str:
    name = _pair_name(verdict, compared)
    return name if len(compared.settings.metrics) == 1 else f"{name}, {verdict.metric}"


def _pair_name(verdict: Verdict, compared: Compared) -> str:
    if _each_pair(compared):
        return f"{verdict.candidate} - {verdict.baseline}"
    return verdict.candidate


def _each_pair(compared: Compared) -> bool:
    return compared.settings.all_pairs and len(compared.systems) > 2


def _differences(compared: Compared, metric: str) -> Block:
    verdicts = [verdict for verdict in compared.verdicts if verdict.metric == metric]
    share = f"{compared.settings.confidence:.0%}" if verdicts else ""
    pairs = _each_pair(compared)
    mean = next((verdict.baseline_mean for verdict in verdicts if verdict.baseline_mean is not None), None)
    to = "between systems" if pairs else f"to {compared.baseline} ({fraction(mean)})"
    correction = compared.settings.correction
    p = PColumns(correction, comparisons(compared.verdicts))
    rows = tuple(
        (
            _pair_name(verdict, compared),
            interval(verdict),
            "-" if verdict.d_z is None else f"{verdict.d_z:+.2f}",
            "-" if verdict.cliffs_delta is None else f"{verdict.cliffs_delta:+.2f}",
            *p.cells(verdict),
            "-" if verdict.difference is None else outcomes(verdict),
        )
        for verdict in verdicts
    )
    title = f"{metric}: difference {to}, mean [{share} interval]{p.title}"
    head = ("system", "difference", "d_z", "delta", *p.head, "win/tie/loss")
    return Block(title, head, rows, p.lines(verdicts))


def _simultaneous(compared: Compared, metric: str) -> list[Block]:
    """Intervals of several comparisons that hold together, beside those of single ones; empty if there are none."""
    verdicts = [verdict for verdict in compared.verdicts if verdict.metric == metric]
    if all(verdict.simultaneous_low is None for verdict in verdicts):
        return []
    share = f"{compared.settings.confidence:.0%}"
    rows = tuple(
        (_pair_name(verdict, compared), interval(verdict), _range(verdict.simultaneous_low, verdict.simultaneous_high))
        for verdict in verdicts
    )
    family = comparisons(compared.verdicts)
    every = "both" if family == 2 else f"all {family}"
    title = f"{metric}: simultaneous intervals; with {share} confidence, {every} differences lie within theirs"
    return [Block(title, ("system", f"single {share}", f"simultaneous {share}"), rows)]


def _range(low: float | None, high: float | None) -> str:
    """An interval without its middle: ``[+.012, +.160]``; ``-`` if there is none."""
    if low is None or high is None:
        return "-"
    return f"[{fraction(low, signed=True)}, {fraction(high, signed=True)}]"


def _slices(compared: Compared) -> list[Block]:
    p = slice_p(compared)
    found = []
    for by in compared.settings.by:
        for name in dict.fromkeys(one.verdict.candidate for one in compared.slices):
            cut = [
                one
                for one in compared.slices
                if one.verdict.candidate == name and one.verdict.slice.startswith(f"{by}=")
            ]
            title = f"By {by}: {name} against {compared.baseline}, {compared.settings.metrics[0]}"
            found.append(_cut(cut, by, title + p.title, p))
    return found


def slice_p(compared: Compared) -> PColumns:
    """The columns of p-values of slices, which are corrected together."""
    correction = "holm" if compared.settings.correction == "max-t" else compared.settings.correction
    return PColumns.of([one.verdict for one in compared.slices if one.tested], correction)


def _cut(cut: Sequence[SliceVerdict], by: str, title: str, p: PColumns) -> Block:
    """The slices of one cut; of many, the ones that add most, and a line about the rest."""
    large = [one for one in cut if one.tested]
    small = [one for one in cut if not one.tested and one.verdict.n]
    empty = [one for one in cut if not one.verdict.n]
    shown = sorted(large, key=lambda one: -abs(one.adds))[:MOST_SLICES] if len(large) > MOST_SLICES else large
    lines = []
    if len(shown) < len(large):
        rest = sum(one.adds for one in large) - sum(one.adds for one in shown)
        lines.append(
            f"{len(large) - len(shown)} more slices add {fraction(rest, signed=True)} together; --json lists them"
        )
    few = len(small) <= MOST_SLICES
    if small:
        together = sum(one.adds for one in small)
        lines.append(
            f"{counted(len(small), 'slice')} with fewer than {FEWEST} queries "
            f"({sum(one.verdict.n for one in small)} queries) {'is' if len(small) == 1 else 'are'} not tested"
            + ("" if few else f"; together they add {fraction(together, signed=True)}")
        )
    if empty:
        labels = ", ".join(one.verdict.slice.removeprefix(f"{by}=") for one in empty[:5])
        lines.append(f"slices without any value: {labels}" + (f" and {len(empty) - 5} more" if len(empty) > 5 else ""))
    rows = tuple(
        (
            one.verdict.slice.removeprefix(f"{by}="),
            str(one.verdict.n),
            interval(one.verdict),
            fraction(one.adds, signed=True),
            *p.cells(one.verdict),
            outcomes(one.verdict),
        )
        for one in (*shown, *(small if few else ()))
    )
    head = (by, "queries", "difference", "adds", *p.head, "win/tie/loss")
    return Block(title, head, rows, (*p.lines([one.verdict for one in shown]), *lines))


def _origin(origins: Sequence[Origin]) -> Block:
    """What each class of queries adds to the difference; one column for each system."""
    first = origins[0]
    within = "in the ranking" if first.cut is None else f"in the top {first.cut}"
    candidate = first.candidate if len(origins) == 1 else "the candidate"
    rows = []
    for i, name in enumerate(CLASSES):
        parts = [origin.parts[i] for origin in origins]
        if any(part.queries for part in parts):
            meaning = MEANING[name].format(candidate=candidate, baseline=first.baseline)
            rows.append((meaning, *(f"{fraction(p.adds, signed=True)} ({p.queries})" for p in parts)))
    rows.append(("finding, total", *(fraction(origin.finding, signed=True) for origin in origins)))
    rows.append(("ranking, total", *(fraction(origin.ranking, signed=True) for origin in origins)))
    lines = [
        f"{origin.candidate} has {origin.candidate_items} of {origin.candidate_relevant} relevant items {within}, and "
        f"{origin.baseline} has {origin.baseline_items} of {origin.baseline_relevant}; for "
        f"{counted(origin.never, 'query')}, neither retrieves any down to rank {origin.depth}"
        for origin in origins
    ]
    title = f"Where the difference in {first.metric} comes from (queries), by what is found {within}"
    return Block(title, ("queries where", *(origin.candidate for origin in origins)), tuple(rows), tuple(lines))


def _overlaps(overlaps: Sequence[Overlap]) -> list[Block]:
    """How much the rankings of each system differ from the baseline's."""
    if not overlaps:
        return []
    first = overlaps[0]
    title = (
        f"Similarity to the rankings of {first.baseline}: rank-biased overlap (p = {fraction(first.p)}), "
        "mean [95% interval]; 1 means equal"
    )
    head = ("system", "overlap", f"same top {first.top}")
    rows = tuple((one.candidate, with_interval(one.rbo), f"{one.same_top} of {one.queries}") for one in overlaps)
    return [Block(title, head, rows)]


def _example(example: Example) -> Block:
    kind = f" ({example.type})" if example.type else ""
    relevant = ", ".join(
        f"{excerpt(item, LONGEST)} (grade {label})" for item, label in list(example.relevant.items())[:5]
    )
    more = f" and {len(example.relevant) - 5} more" if len(example.relevant) > 5 else ""
    sides = (example.baseline, example.candidate)
    head = ["rank"]
    for side in sides:
        first = "none relevant" if side.first_relevant is None else f"first relevant at {side.first_relevant}"
        head.append(f"{side.name} {fraction(side.value)}, {side.failure or first}")
    depth = max(len(side.top) for side in sides)
    rows = tuple((str(i + 1), *(_placed(side.top[i : i + 1]) for side in sides)) for i in range(depth))
    text = f": {excerpt(example.text, LONGEST)}" if example.text else ""
    lines = (f"relevant: {relevant}{more}",) if relevant else ()
    title = f"{fraction(example.difference, signed=True)}  {example.query_id}{kind}{text}"
    return Block(title, tuple(head), rows, lines, align="l" * len(head), level=3)


def _placed(item: Sequence[Placed]) -> str:
    if not item:
        return "-"
    name = excerpt(item[0].item, LONGEST)
    return f"{name} {RELEVANT}" if (item[0].label or 0) > 0 else name


def compare_json(compared: Compared) -> dict[str, object]:
    """The JSON object of a comparison."""
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": compared.baseline,
        "systems": list(compared.systems),
        "queries": len(compared.queries),
        "sentences": verdict_sentences(compared),
        "choice": compared.choice,
        "verdicts": [plain(asdict(verdict)) for verdict in compared.verdicts],
        "variance": {name: components_json(one) for name, one in compared.variance.items()},
        "leaderboard": leaderboard_json(compared.leaderboard),
        "posteriors": [asdict(one) for one in compared.posteriors],
        "with_masked": [masked_json(one) for one in compared.with_masked],
        "slices": [{**asdict(one.verdict), "adds": one.adds, "tested": one.tested} for one in compared.slices],
        "origins": [_origin_json(asdict(origin)) for origin in compared.origins],
        "overlaps": [plain(asdict(one)) for one in compared.overlaps],
        "examples": [plain(asdict(each)) for each in compared.examples],
        "holes": [plain(asdict(one)) for one in compared.holes],
        "label_sheet": None if compared.label_sheet is None else sheet_json(compared.label_sheet),
        "notes": notes(compared),
        "settings": plain(asdict(compared.settings)),
    }


def _origin_json(origin: dict[str, object]) -> dict[str, object]:
    parts = origin["parts"]
    assert isinstance(parts, tuple)
    return {**origin, "parts": [part._asdict() for part in parts]}


def sentence(verdict: Verdict, correction: str = "", family: int = 1) -> str:
    """What a verdict says, with its numbers.

    Args:
        verdict: on all queries.
        correction: the method that its p-value was corrected by.
        family: how many tests it was corrected for.
    """
    if verdict.decision == "not comparable":
        return f"{verdict.candidate} cannot be compared with {verdict.baseline}: {'; '.join(verdict.notes)}."
    if verdict.same_run:
        return f"{verdict.candidate} is the same run as {verdict.baseline}: nothing differs, p = 1."
    how = f" ({CORRECTIONS[correction]}, {family} comparisons)" if family > 1 and correction != "none" else ""
    queries = counted(verdict.n, verdict.item) + (
        f" from {counted(verdict.clusters, 'document')}{_worth(verdict)}" if verdict.clusters < verdict.n else ""
    )
    numbers = f"{verdict.metric} {interval(verdict)}, {_p(verdict.p_adjusted)}{how}; {queries}{human_phrase(verdict)}."
    return f"{_claim(verdict)}: {numbers}{_alone(verdict)}{_matters(verdict)}{wording_phrase(verdict)}"


UNEVEN = 0.9
"""Below this ratio of effective to actual documents, a sentence names both numbers."""


def _worth(verdict: Verdict) -> str:
    effective = verdict.effective_clusters
    return f" (which count as {effective:.1f})" if effective < UNEVEN * verdict.clusters else ""


def _claim(verdict: Verdict) -> str:
    if verdict.decision == "equivalent":
        return (
            f"{verdict.candidate} and {verdict.baseline} are equivalent within {fraction(verdict.margin)} "
            f"({_p(verdict.p_equivalence_adjusted or 0.0)} of two one-sided tests)"
        )
    if verdict.decision in ("better", "worse"):
        return f"{verdict.candidate} is {verdict.decision} than {verdict.baseline}"
    if verdict.decision == "different":
        more = "more" if (verdict.difference or 0.0) > 0 else "less"
        return f"{verdict.candidate} has {more} {verdict.metric} than {verdict.baseline}, neither better nor worse"
    if verdict.decision == "depends on the wording" and verdict.wordings is not None:
        return wording_claim(verdict, verdict.wordings)
    return f"No difference shown between {verdict.candidate} and {verdict.baseline}"


def _alone(verdict: Verdict) -> str:
    """Why an interval may exclude 0 although no difference is shown: p is corrected, the interval is not."""
    alpha = 1 - verdict.confidence
    if verdict.decision != "no difference shown" or verdict.p >= alpha or verdict.p_adjusted < alpha:
        return ""
    return f" As a single comparison it would be significant ({_p(verdict.p)}); as one of several it is not."


def _matters(verdict: Verdict) -> str:
    """Whether the difference is larger than the margin, if there is one."""
    if verdict.margin is None or verdict.low is None or verdict.high is None:
        return ""
    margin = fraction(verdict.margin)
    if verdict.decision in ("better", "worse", "different"):
        sure = verdict.low > verdict.margin or verdict.high < -verdict.margin
        return f" It is more than {margin}." if sure else f" Whether it is more than {margin} is open."
    if verdict.decision == "equivalent":
        return ""
    return f" It is also not shown that they differ by less than {margin}."


def _p(p: float) -> str:
    text = p_value(p)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def comparisons(verdicts: Sequence[Verdict]) -> int:
    """How many comparisons the p-values of a table are corrected for."""
    return sum(is_test(verdict) for verdict in verdicts)


def sentences(verdicts: Sequence[Verdict], metric: str, correction: str) -> list[str]:
    """A sentence for each verdict on the metric; verdicts on systems that cannot be compared come last."""
    tested = comparisons(verdicts)
    return [sentence(verdict, correction, tested) for verdict in _ordered(verdicts, metric)]


def _ordered(verdicts: Sequence[Verdict], metric: str) -> list[Verdict]:
    """The verdicts on a metric, those on systems that cannot be compared last."""
    chosen = [verdict for verdict in verdicts if verdict.metric == metric]
    return sorted(chosen, key=lambda verdict: verdict.decision == "not comparable")
