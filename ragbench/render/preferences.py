"""The preferences of a judge between two systems: on a terminal, as Markdown, as JSON, and their folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.preferences import Preference, Preferences
from ragbench.comparison.compare import Compared
from ragbench.core.context import generator
from ragbench.core.evaluations import SCHEMA_VERSION, Estimate
from ragbench.core.fingerprint import plain
from ragbench.core.foreign import excerpt
from ragbench.core.ledger import issue_lines
from ragbench.core.scored import ScoredRun
from ragbench.io.checksums import with_checksums
from ragbench.io.files import replacing, write_json, write_json_lines, write_text
from ragbench.io.scored_runs import LEDGER, QUERIES, RESULTS, SCORES, check_scores_folder, data_files, write_queries
from ragbench.render.answers import SUMMARY, model_block
from ragbench.render.blocks import Block, Line, markdown, notes_block, terminal
from ragbench.render.compare import compare_json, difference_blocks, notes, verdict_sentences
from ragbench.render.numbers import with_interval
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import estimates

if TYPE_CHECKING:
    from rich.console import RenderableType

HABITS = ("same in both orders", "chose the first", "chose the longer")
PAIRS = "pairs.jsonl"
RESAMPLES = 1000
"""Unused by the intervals of values from 0 to 1, which are Wilson's."""
LONGEST = 240
"""Characters of reasons in an example."""


def preference_tables(
    found: Preferences, compared: Compared, totals: Mapping[str, Mapping[str, object]], *, examples: int
) -> "RenderableType":
    """What the judge took, the verdicts, and what they are based on."""
    return terminal([*model_block(totals, "judge"), *preference_blocks(found, compared, examples=examples)])


def preference_markdown(found: Preferences, compared: Compared, *, examples: int) -> str:
    """The same for a pull request."""
    title = f"Preferences: {found.candidate.name} against {found.baseline.name}"
    return markdown(title, preference_blocks(found, compared, examples=examples))


def preference_blocks(found: Preferences, compared: Compared, *, examples: int) -> list[Block]:
    """Verdicts, notes, the counts of each rubric with the habits of the judge, differences and examples."""
    said = verdict_sentences(compared)
    if all(one.same_run for one in compared.verdicts):
        # Ties everywhere give both systems the same values, but they are not the same run.
        said = ["Every pair is a tie: the judge prefers neither system."]
    verdicts = tuple(Line(text, "strong") for text in said)
    head = ("rubric", found.baseline.name, "tie", found.candidate.name, *HABITS)
    meaning = (
        "An answer is preferred if the judge prefers it in both orders; everything else is a tie.",
        "chose the first: share of the judge's decided verdicts for the answer that it saw first; .5 without a bias.",
    )
    rows = tuple(
        (
            one.rubric.name,
            str(one.count(-1)),
            str(one.count(0)),
            str(one.count(1)),
            with_interval(one.consistent),
            with_interval(one.first),
            with_interval(one.longer),
        )
        for one in found.by_rubric
    )
    return [
        Block(lines=(*verdicts, Line(f"Test: {compared.choice}"))),
        *notes_block([*_notes(found), *notes(compared)]),
        *difference_blocks(compared),
        *_examples(found, examples),
        Block("Preferred answers, and the habits of the judge", head, rows, meaning, main=True),
    ]


def _notes(found: Preferences) -> list[str]:
    lines = [f"warning: {warning}" for warning in found.warnings]
    if found.stopped:
        lines.append(f"warning: this comparison is incomplete: {found.stopped}")
    for one in found.by_rubric:
        name, first = one.rubric.name, one.first
        if _off(first, 0.5):
            lines.append(
                f"warning: {name}: the judge has a position bias: it chose the first answer in {with_interval(first)} "
                "of its decided verdicts. Pairs that depend on the order are ties"
            )
        if _off(one.longer, 0.5) and (one.longer.mean or 0) > 0.5:
            lines.append(
                f"{name}: the longer answer is preferred in {with_interval(one.longer)} of the decided pairs; that may "
                "be merit, or a liking for long answers"
            )
        lines += [
            f"{name}: {count} {what}"
            for why, what in (
                ("identical", "pairs have the same text twice: a tie, not judged"),
                ("failed", "pairs have one failed answer, which loses"),
            )
            if (count := sum(choice.why == why for choice in one.choices))
        ]
    return [*lines, *found.notes, *issue_lines(found.ledger.entries)]


def _off(value: Estimate, other: float) -> bool:
    """Whether an interval excludes a value."""
    return value.low is not None and value.high is not None and not value.low <= other <= value.high


def _examples(found: Preferences, count: int) -> list[Block]:
    """The first decided pairs of each rubric, with the reasons that the judge gave first."""
    lines = []
    texts = dict(zip(found.baseline.queries.ids, found.baseline.queries.texts, strict=True))
    for one in found.by_rubric:
        decided = [choice for choice in one.choices if choice.value and choice.reasons]
        for choice in decided[:count]:
            winner = found.candidate.name if choice.value == 1 else found.baseline.name
            lines += [
                Line(f"{choice.query_id}, {one.rubric.name}: {winner}. {excerpt(texts[choice.query_id], LONGEST)}"),
                Line(excerpt(choice.reasons[0], LONGEST), "quiet", indent=2),
            ]
    return [Block("Examples", lines=tuple(lines))] if lines else []


def preference_json(found: Preferences, compared: Compared) -> dict[str, object]:
    """The JSON object of ``ragbench prefer`` (docs/guides/preferences.md)."""
    shown = plain({
        "schema_version": SCHEMA_VERSION,
        "baseline": found.baseline.name,
        "candidate": found.candidate.name,
        "rubrics": [_rubric_json(one) for one in found.by_rubric],
        "warnings": list(found.warnings),
        "notes": [*_notes(found), *notes(compared)],
        "stopped": found.stopped,
        "comparison": compare_json(compared),
        "ledger": found.ledger.to_dict(),
    })  # fmt: skip
    assert isinstance(shown, dict)
    return shown


def _rubric_json(one: Preference) -> dict[str, object]:
    whys = [choice.why for choice in one.choices]
    return {
        "name": one.rubric.name,
        "fingerprint": one.rubric.fingerprint,
        "preferred": {"baseline": one.count(-1), "tie": one.count(0), "candidate": one.count(1)},
        "pairs": {why: whys.count(why) for why in sorted(set(whys))},
        "consistent": asdict(one.consistent),
        "first": asdict(one.first),
        "longer": asdict(one.longer),
    }


def write_preferences(found: Preferences, compared: Compared, folder: Path, *, examples: int) -> None:
    """Write all files; the same preferences give the same bytes. `compare` and `gate` read the folder.

    Raises:
        SettingError, InputError: as `ragbench.io.scored_runs.check_scores_folder`.
    """
    import pandas as pd

    check_scores_folder(folder)
    (folder / RESULTS).unlink(missing_ok=True)
    frames = []
    for system in (found.baseline, found.candidate):
        frame = pd.DataFrame(system.scores.values, columns=list(system.scores.metrics))
        frame.insert(0, "query_id", list(system.scores.query_ids))
        frame.insert(0, "arm", system.name)
        frames.append(frame)
    with replacing(folder / SCORES) as path:
        pd.concat(frames, ignore_index=True).to_parquet(path, index=False)
    write_queries(found.baseline.queries, folder / QUERIES)
    write_json_lines(folder / PAIRS, pair_rows(found))
    write_json_lines(folder / LEDGER, found.ledger.rows())
    write_text(folder / SUMMARY, preference_markdown(found, compared, examples=examples))
    # The results come last: a folder that has them is complete.
    content = {
        **preference_json(found, compared),
        "arms": [_arm(found.baseline), _arm(found.candidate)],
        "comparisons": [],
        "manifest": {**found.candidate.manifest, "complete": not found.stopped},
    }
    whole = with_checksums(content, folder, [*data_files(folder), PAIRS])
    write_json(folder / RESULTS, whole, indent=1)


def _arm(system: ScoredRun) -> dict[str, object]:
    clusters = cluster_index(system.queries.units)
    return {
        "name": system.name,
        "status": "ok",
        "metrics": {
            name: asdict(value)
            for name, value in estimates(system.scores, clusters, generator(0, "bootstrap"), RESAMPLES).items()
        },
        "latency_ms": {},
        "failed_queries": system.failed,
    }


def pair_rows(found: Preferences) -> Iterator[dict[str, object]]:
    """A row for each pair and rubric: the preferred system, and what the judge said in both orders."""
    for one in found.by_rubric:
        for choice in one.choices:
            yield {
                "query_id": choice.query_id,
                "rubric": one.rubric.name,
                "preferred": _preferred(choice.value, (found.baseline.name, found.candidate.name)),
                "why": choice.why,
                "said": list(choice.said),
                "reasons": list(choice.reasons),
            }


def _preferred(value: int | None, names: Sequence[str]) -> str | None:
    return None if value is None else {-1: names[0], 0: "tie", 1: names[1]}[value]
