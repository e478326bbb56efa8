"""Writer, judge and reranker of one model family favour each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from ragbench.core.goldens import GoldenSet
from ragbench.golden.audit.findings import Finding
from ragbench.models.llm.family import family


@dataclass(frozen=True)
class Circularity:
    """Which models had a hand in the set.

    Attributes:
        models: model by role.
        families: family by role; None where the name tells none.
        shared: families that more than one role belongs to, with those roles.
        findings: what to do about it.
    """

    models: dict[str, str]
    families: dict[str, str | None]
    shared: dict[str, tuple[str, ...]]
    findings: tuple[Finding, ...]


def circularity(models: Mapping[str, str]) -> Circularity:
    """Compare the families of the roles.

    Args:
        models: model by role: ``writer``, ``judge``, ``reranker``, or any other; ``none`` for no model.
    """
    named = {role: model for role, model in sorted(models.items()) if model.strip().lower() not in ("", "none")}
    families = {role: family(model) for role, model in named.items()}
    by_family: dict[str, list[str]] = {}
    for role, known in families.items():
        # Without a family, two roles still share the model if its name is the same.
        by_family.setdefault(known or f"model {named[role]}", []).append(role)
    shared = {known: tuple(roles) for known, roles in sorted(by_family.items()) if len(roles) > 1}
    findings = [
        Finding(
            "warning",
            "circular",
            f"{' and '.join(roles)} are of one family ({known}): they share their blind spots, and what one writes "
            "the other likes",
            "let another family judge or write a part of the set, and see whether the order of the arms stays",
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
                "see for yourself whether it descends from another role's model",
            )
        )
    return Circularity(named, families, shared, tuple(findings))


def models_of(golden: GoldenSet) -> dict[str, str]:
    """Models that the set's own metadata names: ``writer``, ``judge``, ``reconsider``, where they are recorded."""
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
