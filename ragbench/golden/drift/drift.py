"""Compare current queries with those of a reference: what differs, how much, and whether chance explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate, estimate
from ragbench.core.ledger import Ledger
from ragbench.core.search_log import SearchLog
from ragbench.core.shown import Shown
from ragbench.golden.drift import aspects
from ragbench.golden.drift.aspects import Aspect
from ragbench.golden.drift.queries import Both, Rows
from ragbench.golden.drift.reweigh import Weights
from ragbench.golden.drift.topics import describe, group, merged, nearest, words_of_stems
from ragbench.golden.overlap import ContentWords
from ragbench.golden.personal_data import personal_data
from ragbench.stats.intervals import mean_interval
from ragbench.stats.two_samples import Permuted, permute_clusters

Vectors = npt.NDArray[np.float32]
NEAR = 0.5
"""Cosine from which two queries are near."""
FEWEST_SEARCHES = 5
"""Least number of searches of a topic that is compared."""
NEW = 20.0
"""How many times as large as before the share of a new topic is, if most of its queries have a near one."""
GROWN = 2.0
"""How many times the share of a topic must have grown, or fallen, to be named."""
OUTCOMES = ("drift", "no drift shown")


@brief
@dataclass(frozen=True)
class Compared:
    """One aspect of two sets of queries.

    Attributes:
        name: what is compared: types, lengths, languages, words, meaning or topics.
        measure: the statistic, in words.
        value: its value; 0 if the sets do not differ.
        by_chance: the value that chance alone exceeds in 5% of random splits of the same queries.
        p: p-value of this aspect alone.
        p_adjusted: p-value that is corrected for all aspects.
        shares: by class, such as a type, its share in the reference and now; empty if there are no classes.
    """

    name: str
    measure: str
    value: float
    by_chance: float
    p: float
    p_adjusted: float
    shares: Mapping[str, tuple[float, float]]


@brief
@dataclass(frozen=True)
class Topic:
    """A topic whose share grew or fell.

    Attributes:
        name: its distinctive words.
        examples: its most frequent texts.
        reference, current: its share among the searches.
        searches: its current searches.
        new: whether it grew, and most of its current searches have no near query in the reference or its share was less
            than a twentieth of what it is now.
        p: p-value, corrected for all topics and aspects.
    """

    name: str
    examples: tuple[str, ...]
    reference: float
    current: float
    searches: int
    new: bool
    p: float


@brief
@dataclass(frozen=True)
class Drift(Shown):
    """The comparison of current queries with a reference.

    Attributes:
        reference, current: names of the two sets.
        searches: searches of the reference and current ones, without repetitions in a session.
        sessions: numbers of sessions; of a golden set, of source documents.
        has_sessions: whether the current queries have sessions.
        repeated: searches that repeat a text of their session, and do not count.
        outcome: ``drift``, or ``no drift shown``.
        p: p-value of the hypothesis that the queries do not differ, corrected for all aspects.
        alpha: the level of the decision.
        permutations: number of permutations.
        aspects: what was compared.
        near: cosine from which two queries are near.
        covered: share of the current searches with a near query in the reference.
        topics: topics whose share changed, new ones first.
        uncovered: the most frequent current texts without a near query in the reference, with their searches.
        weights: what a reweighted golden set says of systems; None if there is no evaluation.
        ledger: queries that were skipped.
    """

    reference: str
    current: str
    searches: tuple[int, int]
    sessions: tuple[int, int]
    has_sessions: bool
    repeated: int
    outcome: str
    p: float
    alpha: float
    permutations: int
    aspects: tuple[Compared, ...]
    near: float
    covered: Estimate
    topics: tuple[Topic, ...]
    uncovered: tuple[tuple[str, int], ...]
    weights: Weights | None
    ledger: Ledger

    @property
    def drifted(self) -> bool:
        """Whether drift is shown."""
        return self.outcome == OUTCOMES[0]


def drift(
    reference: SearchLog,
    current: SearchLog,
    both: Both,
    vectors: Vectors,
    *,
    language: str = "english",
    near: float = NEAR,
    alpha: float = 0.05,
    permutations: int = 1_999,
    seed: int = 0,
) -> Drift:
    """Compare current queries with those of a reference.

    Args:
        reference: the reference.
        current: the current queries.
        both: the same as columns.
        vectors: (t, d) vectors of the distinct texts, of unit length.
        language: Snowball language of the words.
        near: cosine from which two queries are near.
        alpha: level of the decision.
        permutations: number of permutations.
        seed: seed of all draws.

    Raises:
        InputError: one of the sets has fewer than two sessions.
    """
    sessions = int(both.reference.sum()), int((~both.reference).sum())
    for log, count in zip((reference, current), sessions, strict=True):
        if count < 2:
            raise InputError(f"{log.name}: all queries are of one session; at least two are needed to compare")
    compared = compare_aspects(both, vectors, language=language, near=near, seed=seed)
    rng = generator(seed, "drift", "permutations")
    features = [one.features for one in compared.aspects]
    permuted = permute_clusters(features, both.sizes, both.reference, rng, permutations=permutations)
    far = nearest(vectors, vectors[both.in_reference > 0]) < near
    covered = (~far[both.text])[~both.of_reference].astype(np.float64)
    _, clusters = np.unique(both.session[~both.of_reference], return_inverse=True)
    low, high, _ = mean_interval(covered[:, None], clusters, generator(seed, "drift", "covered"), levels=True)
    outcome = OUTCOMES[0] if permuted.p_overall <= alpha else OUTCOMES[1]
    found = _changed(both, compared, permuted, far, vectors, near, alpha, language)
    return Drift(
        reference=reference.name,
        current=current.name,
        searches=(int(both.of_reference.sum()), int((~both.of_reference).sum())),
        sessions=sessions,
        has_sessions=both.has_sessions,
        repeated=both.repeated,
        outcome=outcome,
        p=permuted.p_overall,
        alpha=alpha,
        permutations=permutations,
        aspects=tuple(_compared(both, one, at, permuted) for at, one in enumerate(compared.aspects)),
        near=near,
        covered=estimate(float(covered.mean()), float(low[0]), float(high[0]), len(covered)),
        topics=found,
        uncovered=_uncovered(both, far),
        weights=None,
        ledger=reference.ledger + current.ledger,
    )


@dataclass(frozen=True, eq=False)
class Aspects:
    """What is compared, and the topics behind the last aspect.

    Attributes:
        aspects: types, lengths, languages, words, meaning and topics.
        content: content words of the texts.
        topic: (t,) topic of each text.
        weights: (topics,) what a difference of each share is multiplied by; 0 for a topic that does not count.
    """

    aspects: tuple[Aspect, ...]
    content: ContentWords
    topic: Rows
    weights: npt.NDArray[np.float64]


def compare_aspects(
    both: Both, vectors: Vectors, *, language: str = "english", near: float = NEAR, seed: int = 0
) -> Aspects:
    """Find what is compared. It does not depend on which of the sessions are the reference.

    A topic counts if it has at least five searches. The differences of shares are standardised; one over the sessions
    of the smaller set is added to the variances, because a few queries of rare topics would decide otherwise.

    Args:
        both: the queries.
        vectors: (t, d) vectors of the distinct texts, of unit length.
        language: Snowball language of the words.
        near: cosine from which two queries are near.
        seed: seed of all draws.
    """
    content = ContentWords.of(both.texts, language)
    frequency = both.in_reference + both.in_current
    topic = group(vectors, frequency, near)
    searches = np.bincount(topic, weights=frequency)
    share = searches / searches.sum()
    weights = np.zeros(len(searches))
    enough = (searches >= FEWEST_SEARCHES) & (share < 1)
    least = 1 / min(both.reference.sum(), (~both.reference).sum())
    weights[enough] = 1 / np.sqrt(share[enough] * (1 - share[enough]) + least)
    found = (
        aspects.types(both),
        aspects.lengths(both),
        aspects.languages(both),
        aspects.words(both, content),
        aspects.meaning(both, vectors, generator(seed, "drift", "frequencies")),
        aspects.topics(both, topic, weights),
    )
    return Aspects(found, content, topic, weights)


def _compared(both: Both, one: Aspect, at: int, permuted: Permuted) -> Compared:
    shares = zip(*(side.tolist() for side in aspects.shares_of(both, one)), strict=True) if one.classes else ()
    by_chance = float(np.quantile(permuted.null[:, at], 0.95, method="inverted_cdf"))
    return Compared(
        one.name, one.measure, float(permuted.observed[at]), by_chance, float(permuted.p[at]),
        float(permuted.p_adjusted[at]), dict(zip(one.classes, shares, strict=True)),
    )  # fmt: skip


def _changed(
    both: Both,
    compared: Aspects,
    permuted: Permuted,
    far: npt.NDArray[np.bool_],
    vectors: Vectors,
    near: float,
    alpha: float,
    language: str,
) -> tuple[Topic, ...]:
    """Topics whose share changed, by the largest difference of each permutation. Similar ones are shown as one."""
    content, topic, weights = compared.content, compared.topic, compared.weights
    shares = np.stack(aspects.shares_of(both, compared.aspects[-1]), axis=1)
    own = np.round(np.abs(shares[:, 0] - shares[:, 1]) * weights, 9)
    null = np.sort(permuted.null[:, -1])
    p = (1 + len(null) - np.searchsorted(null, own, side="left")) / (1 + len(null))
    adjusted = np.array([permuted.adjusted(value) if value <= alpha else 1.0 for value in p.tolist()])
    times = np.divide(
        shares.max(axis=1), shares.min(axis=1), out=np.full(len(shares), np.inf), where=shares.min(axis=1) > 0
    )
    named = np.flatnonzero((adjusted <= alpha) & (weights > 0) & (times >= GROWN))
    frequency = (both.in_reference + both.in_current).astype(np.float32)
    centres = [(vectors * frequency[:, None])[topic == at].sum(axis=0) for at in named.tolist()]
    grew = shares[named, 1] > shares[named, 0]
    found = []
    stem_words = words_of_stems(both.texts, content, language) if len(named) else []
    for side in (True, False):
        own_side = np.flatnonzero(grew == side)
        for joined in merged([centres[at] for at in own_side.tolist()], near):
            chosen = named[own_side[joined]]
            members = np.flatnonzero(np.isin(topic, chosen))
            public = np.array([row for row in members.tolist() if not personal_data(both.texts[row])], dtype=np.int64)
            if len(public):
                before, now = shares[chosen].sum(axis=0).tolist()
                searches = both.in_current[members]
                lonely = searches[far[members]].sum() > searches.sum() / 2
                name, examples = describe(both, public, content, stem_words)
                new = side and bool(lonely or before < now / NEW)
                p_least = float(adjusted[chosen].min())
                found.append(Topic(name, examples, before, now, int(searches.sum()), new, p_least))
    return tuple(sorted(found, key=lambda one: (not one.new, -(one.current - one.reference), one.name)))


def _uncovered(both: Both, far: npt.NDArray[np.bool_], most: int = 20) -> tuple[tuple[str, int], ...]:
    """The most frequent current texts without a near query in the reference, without personal data."""
    order = np.lexsort((np.arange(len(far)), -both.in_current))
    rows = [row for row in order.tolist() if far[row] and both.in_current[row] > 0]
    shown = [(both.texts[row], int(both.in_current[row])) for row in rows if not personal_data(both.texts[row])]
    return tuple(shown[:most])


def with_weights(found: Drift, weights: Weights) -> Drift:
    """The same with what a reweighted golden set says."""
    return replace(found, weights=weights)


def names_of(compared: Sequence[Compared], alpha: float) -> list[str]:
    """Names of the aspects that differ at a level, the clearest first."""
    return [one.name for one in sorted(compared, key=lambda one: one.p_adjusted) if one.p_adjusted <= alpha]
