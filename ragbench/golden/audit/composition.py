"""The composition of a set: types, lengths, languages and grades, and the models that took part in writing it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ragbench.core.brief import brief
from ragbench.core.goldens import GoldenSet
from ragbench.golden.audit.findings import Finding
from ragbench.models.llm.connect import family

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
LANGUAGE_KEYS = ("language", "lang")
DOMINANT = 0.6
FEW_QUERIES = 50
LONG_WORDS = 25


@brief
@dataclass(frozen=True)
class Mix:
    """Counts of a set.

    Attributes:
        queries: number of queries.
        types: queries by type; ``""`` where none is recorded.
        words: words per query: mean, and quantiles as ``p0`` to ``p100``.
        languages: queries by recorded language (metadata ``language``); empty where none is recorded.
        grades: judged spans by grade.
        units: independent groups: source documents, or queries where no source is recorded.
        findings: notes and warnings about the composition.
    """

    queries: int
    types: dict[str, int]
    words: dict[str, float]
    languages: dict[str, int]
    grades: dict[int, int]
    units: int
    findings: tuple[Finding, ...]


def mix(golden: GoldenSet) -> Mix:
    """Count."""
    types = Counter(item.type for item in golden)
    lengths = np.array([len(item.text.split()) for item in golden])
    quantiles = np.quantile(lengths, QUANTILES, method="inverted_cdf")
    words = {"mean": round(float(lengths.mean()), 2)} | {
        f"p{round(100 * share)}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)
    }
    languages = Counter(
        language
        for item in golden
        if (language := next((str(item.metadata[k]) for k in LANGUAGE_KEYS if k in item.metadata), ""))
    )
    grades = Counter(e.grade for item in golden for e in item.evidence)
    units = len({item.unit for item in golden})
    return Mix(
        queries=len(golden),
        types=dict(sorted(types.items())),
        words=words,
        languages=dict(sorted(languages.items())),
        grades=dict(sorted(grades.items())),
        units=units,
        findings=tuple(_findings(len(golden), types, words, units)),
    )


def _findings(queries: int, types: "Counter[str]", words: dict[str, float], units: int) -> list[Finding]:
    found = []
    if units < FEW_QUERIES:
        found.append(
            Finding(
                "warning",
                "few-queries",
                f"{queries} queries from {units} independent sources: only large differences stand out from chance",
                "add queries from other documents, or read the intervals before the means",
            )
        )
    name, count = types.most_common(1)[0]
    if name and len(types) > 1 and count > DOMINANT * queries:
        found.append(
            Finding(
                "note",
                "one-type",
                f"{count / queries:.0%} of the queries have type {name!r}: they dominate the means",
                "read the scores by type, or bring the mix closer to what users ask",
            )
        )
    if words["p50"] > LONG_WORDS:
        found.append(
            Finding(
                "warning",
                "long-queries",
                f"half of the queries have {words['p50']:.0f} words or more; real queries are mostly shorter",
                "give seed queries of your users, so that length and style follow theirs",
            )
        )
    return found


@brief
@dataclass(frozen=True)
class Circularity:
    """The models that took part in making the set.

    Attributes:
        models: model by role.
        families: family by role; None if the name reveals none.
        shared: families with more than one role, with those roles.
        findings: what to do about it.
    """

    models: dict[str, str]
    families: dict[str, str | None]
    shared: dict[str, tuple[str, ...]]
    findings: tuple[Finding, ...]


def circularity(models: Mapping[str, str]) -> Circularity:
    """Compare the model families of the roles.

    Args:
        models: model by role (``writer``, ``judge``, ``reranker``, or any other); ``none`` for no model.
    """
    named = {role: model for role, model in sorted(models.items()) if model.strip().lower() not in ("", "none")}
    families = {role: family(model) for role, model in named.items()}
    by_family: dict[str, list[str]] = {}
    for role, known in families.items():
        # Two roles share a model of unknown family if its name is the same.
        by_family.setdefault(known or f"model {named[role]}", []).append(role)
    shared = {known: tuple(roles) for known, roles in sorted(by_family.items()) if len(roles) > 1}
    findings = [
        Finding(
            "warning",
            "circular",
            f"{' and '.join(roles)} are of one family ({known}): they share blind spots, and what one writes "
            "the other likes",
            "let another family judge or write a part of the set, and check whether the order of the systems stays",
        )
        for known, roles in shared.items()
    ]
    unknown = [role for role, known in families.items() if known is None]
    if unknown and len(named) > 1:
        findings.append(
            Finding(
                "note",
                "family-unknown",
                "no family is known for " + ", ".join(f"{role} ({named[role]})" for role in unknown),
                "check whether it descends from another role's model",
            )
        )
    return Circularity(named, families, shared, tuple(findings))


def models_of(golden: GoldenSet) -> dict[str, str]:
    """Return the models that the set's metadata names as ``writer``, ``judge`` and ``reconsider``."""
    found: dict[str, str] = {}
    for item in golden:
        provenance = item.metadata.get("provenance")
        places = [item.metadata, provenance] if isinstance(provenance, Mapping) else [item.metadata]
        for place in places:
            for key, role in (
                ("writer", "writer"),
                ("model", "writer"),
                ("judge", "judge"),
                ("reconsider", "reconsider"),
            ):
                value = place.get(key)
                if isinstance(value, str) and value:
                    found.setdefault(role, value)
    return found
