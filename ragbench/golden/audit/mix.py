"""What a set is made of: types, lengths, languages, grades."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ragbench.core.goldens import GoldenSet
from ragbench.golden.audit.findings import Finding

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
LANGUAGE_KEYS = ("language", "lang")
DOMINANT = 0.6
FEW_QUERIES = 50
LONG_WORDS = 25


@dataclass(frozen=True)
class Mix:
    """Counts of a set.

    Attributes:
        queries: how many there are.
        types: queries by type; ``""`` where none is recorded.
        words: words per query: mean, and quantiles as ``p0`` to ``p100``.
        languages: queries by recorded language (metadata ``language``); empty where none is recorded.
        grades: judged spans by grade.
        units: independent groups: source documents, or queries where no source is recorded.
        findings: what to know about it.
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
                f"{queries} queries from {units} independent sources: only large differences can be told from chance",
                "add queries from further documents, or read the intervals before the means",
            )
        )
    name, count = types.most_common(1)[0]
    if name and len(types) > 1 and count > DOMINANT * queries:
        found.append(
            Finding(
                "note",
                "one-type",
                f"{count / queries:.0%} of the queries are of type {name!r}: the means are mostly theirs",
                "look at the types apart, or bring the mix near to what users ask",
            )
        )
    if words["p50"] > LONG_WORDS:
        found.append(
            Finding(
                "warning",
                "long-queries",
                f"half of the queries have {words['p50']:.0f} words or more; what people type is mostly shorter",
                "use seed queries of your users, so that length and style follow theirs",
            )
        )
    return found
