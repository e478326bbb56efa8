"""A leaderboard of several systems: their ranks with uncertainty, and groups of similar ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """The place of one system.

    Attributes:
        system: its name.
        mean: mean over the queries that all systems have a value for.
        rank: rank by the mean, 1 for the best; equal means share the better rank.
        low, high: first and last rank that it may have; the intervals of all systems hold together.
        low_alone, high_alone: the same for this system alone.
        best: share of bootstrap samples of documents in which it has the best mean.
        letters: its groups. Two systems share a letter exactly if they are not significantly different.
    """

    system: str
    mean: float
    rank: int
    low: int
    high: int
    low_alone: int
    high_alone: int
    best: float
    letters: str


@dataclass(frozen=True)
class Gain:
    """The gain of the best system over the baseline, which is too large as measured because the best was chosen.

    Attributes:
        system: the system with the best mean.
        baseline: the system to compare with.
        measured: how much better its mean is; above 0, also if lower values are better.
        corrected: median-unbiased estimate of the true gain, given that the system was chosen for its mean.
        low, high: interval of the true gain.
    """

    system: str
    baseline: str
    measured: float
    corrected: float
    low: float
    high: float


@dataclass(frozen=True)
class Leaderboard:
    """Three or more systems in one metric, the best mean first.

    Attributes:
        metric: metric name.
        places: the systems.
        n: number of queries (or of documents, if queries are averaged within them) with a value of every system.
        clusters: number of independent units (source documents).
        confidence: confidence of the ranks; pairs are tested at the level 1 - confidence.
        test: the tests behind ranks and letters: ``max-t`` or ``holm``, over all pairs.
        gain: the gain of the best system over the baseline, corrected for choosing the best; None if the baseline is
            the best, or if too few queries differ.
    """

    metric: str
    places: tuple[Place, ...]
    n: int
    clusters: int
    confidence: float
    test: str = "max-t"
    gain: Gain | None = None

    def place(self, system: str) -> Place | None:
        """The place of a system; None if it has none."""
        return next((place for place in self.places if place.system == system), None)
