"""The wordings of queries that are written from documents, from paraphrases to copies and from short to long.

No single wording decides between retrievers as the queries of users do. Sentences of low overlap favour dense
retrieval, and clauses that the document repeats favour lexical retrieval. A set therefore asks in several wordings, and
a difference counts if it does not depend on them.

A masked query is a part of its document that fits its wording. A language model is asked for a wording and may ignore
it, so the wording of its queries is measured (`measured_wording`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.options import pairs
from ragbench.core.spelling import given, named

WRITER, CLAUSE_WRITER = "masked-sentence", "masked-clause"
"""Names of the writers of whole sentences and of clauses, and the types of their queries."""


@dataclass(frozen=True)
class Wording:
    """One wording.

    Attributes:
        name: its name.
        target: the overlap that a clause comes near; None for a whole sentence.
        most: whether the sentence is the one of most overlap rather than of least.
        masked: which part of a document is masked, for cards.
        written: what is measured of a model's query in this wording, for cards.
        asked: what a model is asked to write.
    """

    name: str
    target: float | None = None
    most: bool = False
    masked: str = ""
    written: str = ""
    asked: str = ""


MOST_SHORT = 8
"""Most words of a model's query that counts as short."""
COPIED = 0.5
"""Overlap from which on a model's query of more words counts as a sentence rather than a paraphrase."""
WORDINGS: Mapping[str, Wording] = {
    one.name: one
    for one in (
        Wording(
            "paraphrase",
            masked="the sentence with the lowest overlap",
            written=f"more than {MOST_SHORT} words, overlap below .5",
            asked=(
                "a whole sentence or question of ten words or more that avoids the passage's terms. Write synonyms and "
                "everyday words instead, and only those names and numbers that the query needs"
            ),
        ),
        Wording(
            "sentence",
            most=True,
            masked="the sentence with the highest overlap",
            written=f"more than {MOST_SHORT} words, overlap of .5 or more",
            asked="a whole sentence or question of ten words or more in the passage's own terms",
        ),
        Wording(
            "short-paraphrase",
            0.3,
            masked="a clause with an overlap of about .3",
            written=f"at most {MOST_SHORT} words, overlap below .4",
            asked="two to seven words that avoid the passage's terms; synonyms and everyday words instead",
        ),
        Wording(
            "short-mixed",
            0.5,
            masked="a clause with an overlap of about .5",
            written=f"at most {MOST_SHORT} words, overlap of .4 to .6",
            asked="two to seven words, half of them the passage's own terms and half other words for its terms",
        ),
        Wording(
            "short-copy",
            0.7,
            masked="a clause with an overlap of about .7",
            written=f"at most {MOST_SHORT} words, overlap above .6",
            asked="two to seven words, all of them the passage's own terms",
        ),
    )
}
"""The wordings by name, in the order of sets and cards."""
TOLERANCE = 0.1
"""How far the overlap of a clause may be from its target."""
FEWEST, MOST = 3, 12
"""Words of a clause."""


def measured_wording(words: int, overlap: float) -> str:
    """The wording of a model's query.

    Args:
        words: how many words it has.
        overlap: the share of its words that its document has (`ragbench.golden.measured`).

    Examples:
        >>> measured_wording(5, 0.62), measured_wording(14, 0.31)
        ('short-copy', 'paraphrase')
    """
    if words > MOST_SHORT:
        return "sentence" if overlap >= COPIED else "paraphrase"
    gaps = {one.name: abs(one.target - overlap) for one in WORDINGS.values() if one.target is not None}
    return min(gaps, key=gaps.__getitem__)


class WordingReport(NamedTuple):
    """What was written in one wording. Means are NaN where there is no query.

    Attributes:
        wanted, written: queries.
        share: share of the queries that was wanted.
        words: mean number of words.
        overlap: mean overlap with the document.
        lead: mean lead (`ragbench.golden.lead`); of masked queries, the mean over those that the documents can give.
    """

    wanted: int
    written: int
    share: float
    words: float
    overlap: float
    lead: float


def parse_wordings(text: str) -> dict[str, float]:
    """Read wordings with their shares.

    Args:
        text: ``paraphrase,short-copy``, or with shares, ``paraphrase=0.7,short-copy=0.3``.

    Returns:
        Share by wording, summing to 1, in the order of `WORDINGS`.

    Raises:
        SettingError: an unknown wording, one that is named twice, or a share that is not a number above 0.

    Examples:
        >>> parse_wordings("short-copy=3,sentence=1")
        {'sentence': 0.25, 'short-copy': 0.75}
    """
    if "=" in text:
        found = {name: _share(name, value) for name, value in pairs(named("wordings"), text, "NAME=SHARE").items()}
    else:
        names = [name.strip() for name in text.split(",") if name.strip()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SettingError(f"{named('wordings')}: {', '.join(twice)} is named twice")
        found = dict.fromkeys(names, 1.0)
    return shares_of(found)


def _share(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise SettingError(f"{given('wordings', f'{name}={value}')}: a share is a number, such as .3") from None


def shares_of(wordings: Mapping[str, float]) -> dict[str, float]:
    """Check wordings and bring their shares to a sum of 1.

    Raises:
        SettingError: there is none, one is unknown, or a share is not above 0.
    """
    if not wordings:
        raise SettingError(f"{named('wordings')} names none; there are: {', '.join(WORDINGS)}")
    for name, share in wordings.items():
        if name not in WORDINGS:
            known = did_you_mean(name, WORDINGS) or f"; there are: {', '.join(WORDINGS)}"
            raise SettingError(f"{named('wordings')}: no wording {name!r}{known}")
        if not (share > 0 and np.isfinite(share)):
            raise SettingError(f"{named('wordings')}: the share of {name} is {share:g}; it must be above 0")
    total = sum(wordings.values())
    return {name: wordings[name] / total for name in WORDINGS if name in wordings}


class Style(NamedTuple):
    """How queries ask.

    Attributes:
        lead: mean lead (`ragbench.golden.lead`).
        length: mean logarithm of 1 + the number of words.
    """

    lead: float
    length: float


WIDTHS = Style(0.02, 0.4)
"""Widths of the kernel that compares styles, beside the standard errors of the seeds' style."""
KEPT = 0.35
"""Part of each share that no seed shifts. In a set of 150 queries, each of five wordings thus keeps ten queries."""


def shifted(
    shares: Mapping[str, float],
    styles: Mapping[str, Style],
    seeds: Style,
    errors: Style,
    widths: Style = WIDTHS,
    kept: float = KEPT,
) -> dict[str, float]:
    """Shift shares to the wordings whose style is near that of the seed queries.

    A part of each share stays. The rest is weighted by a Gaussian kernel on the differences in lead and length; its
    variances are those of the seeds' means plus the squared widths.

    Args:
        shares: share by wording, summing to 1.
        styles: style by wording; a wording without one keeps only its part.
        seeds: style of the seeds.
        errors: its standard errors.
        widths: widths of the kernel.
        kept: part of each share that stays.

    Returns:
        Share by wording, summing to 1.
    """
    known = [name for name in shares if name in styles]
    if not known:
        return dict(shares)
    gaps = np.array([_distance(styles[name], seeds, errors, widths) for name in known])
    # The nearest has the exponent 0, so that no sum is 0 where all are far away.
    near = np.exp(-(gaps - gaps.min()) / 2) * np.array([shares[name] for name in known])
    near = near / near.sum()
    return {name: kept * share + (float((1 - kept) * near[known.index(name)]) if name in known else 0.0)
            for name, share in shares.items()}  # fmt: skip


def _distance(style: Style, seeds: Style, errors: Style, widths: Style) -> float:
    """Squared distance of a style from that of the seeds, in units of the kernel's variances."""
    parts = zip(style, seeds, errors, widths, strict=True)
    return sum((own - seed) ** 2 / (error**2 + width**2) for own, seed, error, width in parts)


LEAST_QUERIES = 140
"""Queries of each wording, where the corpus has so many documents."""
MOST_MASKED = 0.45
"""Share of the documents that is masked in a larger corpus. An evaluation embeds each masked document once more than
the documents as they are, so this bounds its cost."""


def queries_for(documents: int, wordings: int) -> int:
    """Return how many queries a set has by default.

    One wording asks once about each document. Several ask `LEAST_QUERIES` times each, and about `MOST_MASKED` of the
    documents in all where that is more.
    """
    if wordings == 1:
        return documents
    return max(int(MOST_MASKED * documents), wordings * min(documents, LEAST_QUERIES))


def counts_of(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Divide a number of queries by shares, rounded by largest remainders."""
    exact = np.array([share * total for share in shares.values()])
    counts: npt.NDArray[np.int64] = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    return dict(zip(shares, counts.tolist(), strict=True))
