"""Components of variance: how much of a score's variation comes from documents, queries, runs and the judge."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Components:
    """Where the variance of a score comes from: the parts add up to the variance of one value of one query.

    Attributes:
        document: between documents; None if every query has a document of its own, and ``query`` holds both.
        query: between the queries of a document.
        run: shared by all queries of a run; None for one run.
        run_query: from run to run, of each query on its own; None for one run.
        judge: between judgements of the same answer; None if each was judged once.
        negative: names of the parts whose estimate was below 0 and was set to 0.
        runs, judgements: numbers of runs, and of judgements of each.
        queries, documents: numbers of queries with a value in every run and judgement, and of their documents.
    """

    document: float | None
    query: float
    run: float | None
    run_query: float | None
    judge: float | None
    negative: tuple[str, ...]
    runs: int
    judgements: int
    queries: int
    documents: int

    @property
    def total(self) -> float:
        """Variance of one value."""
        return sum(self.parts.values())

    @property
    def parts(self) -> dict[str, float]:
        """The variances that could be estimated, by name."""
        names = ("document", "query", "run", "run_query", "judge")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def shares(self) -> dict[str, float]:
        """Share of each part in the variance of one value; empty if nothing varies."""
        return {name: value / self.total for name, value in self.parts.items()} if self.total > 0 else {}

    def reliability(self, runs: int = 1, judgements: int = 1) -> float | None:
        """Correlation between the query scores of two evaluations with so many runs and judgements of each.

        It is None if nothing varies.

        Source: Brennan 2001, Generalizability Theory, chapter 4.
        """
        noise = ((self.run_query or 0.0) + (self.judge or 0.0) / judgements) / runs
        stable = (self.document or 0.0) + self.query
        return stable / (stable + noise) if stable + noise > 0 else None
