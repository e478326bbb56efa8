"""Check that baseline and candidate were measured on the same data in the same way."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ragbench.core.errors import InputError, RagbenchError, SettingError, did_you_mean
from ragbench.core.scored import ScoredRun
from ragbench.core.spelling import given, named
from ragbench.io.scored_runs import LOAD_KIND
from ragbench.metrics.settings import EvaluationSettings


def is_load(run: ScoredRun) -> bool:
    """Whether the queries of a run are requests of a load test."""
    return run.manifest.get("kind") == LOAD_KIND


def conditions(run: ScoredRun) -> Mapping[str, object]:
    """Return the conditions of a load test (kind of loop, concurrency or rate, timeout); empty for other runs."""
    levels = run.manifest.get("levels")
    found = levels.get(run.name) if isinstance(levels, Mapping) else None
    return found if is_load(run) and isinstance(found, Mapping) else {}


def is_known(run: ScoredRun, percentile: str) -> bool:
    """Whether a percentile was measured. It was not if it falls among failed requests, which count with the timeout."""
    timeout = conditions(run).get("timeout")
    return not isinstance(timeout, int | float) or not run.failed or run.latency_ms[percentile] < timeout * 1000


ALLOW = ("golden", "corpus", "settings")
"""What may be allowed to differ."""
SCORING = ("overlap", "ties", "drop_self")
"""Settings that affect scores. `k` and `metrics` affect them only by the depth of the rankings."""


@dataclass(frozen=True)
class Mismatch:
    """A difference between baseline and candidate: the word that allows it, and a sentence about both sides."""

    what: str
    sentence: str


def check_match(baseline: ScoredRun, candidate: ScoredRun, allow: Collection[str] = ()) -> tuple[str, ...]:
    """Return the differences that were allowed.

    Args:
        baseline: the system to compare with.
        candidate: the system under test.
        allow: any of `ALLOW`.

    Raises:
        SettingError: ``allow`` has an unknown word.
        InputError: something differs that is not allowed; the message lists every mismatch.
    """
    for word in allow:
        if word not in ALLOW:
            raise SettingError(f"{named('allow')} {word!r} is not known{did_you_mean(word, ALLOW)}")
    found = mismatches(baseline.manifest, candidate.manifest) + _loads(baseline, candidate)
    refused = [one for one in found if one.what not in allow]
    if refused:
        lines = [f"{one.sentence}; to compare anyway: {given('allow', one.what)}" for one in refused]
        raise InputError("\n".join(["baseline and candidate do not match", *lines]))
    return tuple(f"allowed: {one.sentence}" for one in found)


def mismatches(baseline: Mapping[str, object], candidate: Mapping[str, object]) -> list[Mismatch]:
    """List all differences of two manifests that make scores incomparable."""
    found = []
    if _print(baseline, "golden") != _print(candidate, "golden"):
        found.append(
            Mismatch(
                "golden",
                f"the golden sets differ: {_side(baseline, 'golden', 'queries')} in the baseline, "
                f"{_side(candidate, 'golden', 'queries')} in the candidate (only queries that both have are compared)",
            )
        )
    unit = str(_part(candidate, "judgements").get("unit", "chunk"))
    if _print(baseline, "chunks") != _print(candidate, "chunks"):
        advice = (
            "if only the chunking changed, measure both with 'ragbench eval --level document', which scores documents"
            if unit == "chunk"
            else "documents are judged, so another chunking of the same corpus can be compared"
        )
        found.append(
            Mismatch(
                "corpus",
                f"the chunks differ, so the corpus or its chunking: {_side(baseline, 'chunks', 'chunks')} in the "
                f"baseline, {_side(candidate, 'chunks', 'chunks')} in the candidate ({advice})",
            )
        )
    ours, theirs = _scoring(baseline), _scoring(candidate)
    changed = [f"{key} {ours.get(key)} against {theirs.get(key)}" for key in ours if ours.get(key) != theirs.get(key)]
    if changed:
        found.append(Mismatch("settings", f"the settings differ (baseline against candidate): {', '.join(changed)}"))
    return found


def _loads(baseline: ScoredRun, candidate: ScoredRun) -> list[Mismatch]:
    """List differences of load, because times under one load say nothing about another."""
    ours, theirs = conditions(baseline), conditions(candidate)
    changed = [
        f"{key} {ours.get(key, 'none')} against {theirs.get(key, 'none')}"
        for key in dict.fromkeys((*ours, *theirs))
        if ours.get(key) != theirs.get(key)
    ]
    return [Mismatch("settings", f"the loads differ (baseline against candidate): {', '.join(changed)}")] * bool(
        changed
    )


def _scoring(manifest: Mapping[str, object]) -> dict[str, object]:
    settings = _part(manifest, "settings")
    found: dict[str, object] = {key: settings.get(key) for key in SCORING}
    known = {f.name for f in fields(EvaluationSettings)}
    lists: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items() if key in known
    }
    try:
        found["depth"] = replace(EvaluationSettings(), **lists).depth
    except (RagbenchError, TypeError, ValueError):
        # The manifest of another version of ragbench: its cut-offs can only be compared as they are.
        found["depth"] = str(settings.get("k"))
    return found


def _part(manifest: Mapping[str, object], name: str) -> Mapping[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, Mapping) else {}


def _print(manifest: Mapping[str, object], name: str) -> object:
    return _part(manifest, name).get("fingerprint")


def _side(manifest: Mapping[str, object], name: str, count: str) -> str:
    part = _part(manifest, name)
    return f"{part.get('count', part.get(count, '?'))} {count}, fingerprint {part.get('fingerprint', 'none')}"
