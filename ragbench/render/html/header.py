"""The strip at the top of the page: what was evaluated, when and by which metric, and whether the first system wins."""

from collections.abc import Mapping
from dataclasses import dataclass

from ragbench.core.verdicts import Leaderboard, Place, Verdict
from ragbench.io.inputs import found
from ragbench.render.html.inputs import Evaluated, ReportData
from ragbench.render.html.sections import estimate, failed, ranked
from ragbench.render.numbers import counted, fraction, interval, with_interval

DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "none": "neither high nor low is better"}


@dataclass(frozen=True)
class Header:
    """The strip.

    Attributes:
        winner: name of the system with the best mean; empty for a metric without direction.
        standing: how certain its place is, one sentence.
        kind: ``better`` where the place is certain, ``open`` where it is not, ``single`` without a comparison.
        facts: names and values.
    """

    winner: str
    standing: str
    kind: str
    facts: tuple[tuple[str, str], ...]


def header(data: ReportData) -> Header:
    """Describe the evaluation, and compare the system with the best mean with the next one."""
    order = ranked(data)
    first = order[0]
    value = f"{data.metric} {with_interval(estimate(data.arms[first], data.metric))}"
    if data.runs[0].scores.direction(data.metric) == "none":
        return Header("", f"{data.metric} does not rank the systems: {DIRECTIONS['none']}.", "single", _facts(data))
    if data.compared is None:
        return Header(first, f"is the only system: {value}.", "single", _facts(data))
    board = data.compared.leaderboard
    place = None if board is None else board.place(first)
    if board is not None and place is not None:
        kind, sentence = _among(board, place)
    else:
        kind, sentence = _of_two(data.compared.verdicts, order)
    return Header(first, f"is first with {value}. {sentence}", kind, _facts(data))


def _among(board: Leaderboard, best: Place) -> tuple[str, str]:
    """Compare the best of three or more systems with the others, by the groups of the leaderboard."""
    others = [place for place in board.places if place.system != best.system]
    second = others[0]
    ahead = fraction(abs(best.mean - second.mean))
    same = [place.system for place in others if set(place.letters) & set(best.letters)]
    if not same:
        return "better", f"It is better than the runner-up, {second.system}, by {ahead}."
    if same == [second.system]:
        return "open", f"It is not distinguishable from the runner-up, {second.system} ({ahead} behind)."
    return "open", f"It is not distinguishable from {_listed(same)}."


def _listed(names: list[str]) -> str:
    *most, last = names if len(names) <= 3 else [*names[:3], counted(len(names) - 3, "other")]
    return f"{', '.join(most)} and {last}" if most else last


def _of_two(verdicts: tuple[Verdict, ...], order: list[str]) -> tuple[str, str]:
    """Compare the best of two systems with the other one by their verdict."""
    first, second = order[0], order[1]
    one = next((v for v in verdicts if {v.candidate, v.baseline} == {first, second}), None)
    if one is None or one.difference is None or one.decision == "not comparable":
        return "open", f"It is not comparable with the runner-up, {second}."
    difference = f"{one.candidate} minus {one.baseline}: {interval(one)}"
    if one.decision == ("worse" if first == one.baseline else "better"):
        return "better", f"It is better than the runner-up, {second} ({difference})."
    if one.decision == "depends on the wording":
        return "open", f"Whether it is better than the runner-up, {second}, depends on the wording ({difference})."
    return "open", f"It is not distinguishable from the runner-up, {second} ({difference})."


def _facts(data: ReportData) -> tuple[tuple[str, str], ...]:
    manifest = data.folders[0].manifest
    known = manifest.get("golden", {})
    name = known.get("name") if isinstance(known, Mapping) else None
    systems = counted(len(data.runs), "system")
    if errors := failed(data):
        systems += f", {len(errors)} did not run"
    facts = [
        ("Golden set", f"{name or '-'}, {counted(len(data.runs[0].queries), 'query')}"),
        *_corpus(data.folders),
        ("Metric", f"{data.metric}, {DIRECTIONS[data.runs[0].scores.direction(data.metric)]}"),
        ("Systems", systems),
    ]
    days = sorted({str(one.manifest["finished"])[:10] for one in data.folders if one.manifest.get("finished")})
    if days:
        facts.append(("Evaluated", days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"))
    return tuple(facts)


def _corpus(folders: tuple[Evaluated, ...]) -> list[tuple[str, str]]:
    """Describe the corpora that were searched; nothing for answers and for run files alone."""
    said = dict.fromkeys(_searched(one) for one in folders if isinstance(one.manifest.get("chunks"), dict))
    return [("Corpus", "; ".join(said))] if said else []


def _searched(one: Evaluated) -> str:
    chunks = one.manifest["chunks"]
    size = counted(chunks["documents"], "document")
    if chunks["chunks"] != chunks["documents"]:
        size += f" in {counted(chunks['chunks'], 'chunk')}"
    corpus = found(one.manifest, "corpus", one.folder)
    return size if corpus is None else f"{corpus.path.name}, {size}"
