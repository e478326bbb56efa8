"""A verdict in one sentence."""

from collections.abc import Sequence

from ragbench.comparison.verdict import is_test
from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import Verdict
from ragbench.render.tables import fraction, p_value, with_interval

CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "tukey": "Tukey"}


def interval(verdict: Verdict) -> str:
    """``+.086 [+.035, +.138]``; without brackets where there is no interval."""
    return with_interval(Estimate(verdict.difference, verdict.low, verdict.high, verdict.n), signed=True)


def counted(count: int, what: str) -> str:
    """``1 query``, ``3 queries``."""
    if count == 1:
        return f"1 {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") else f"{count} {what}s"


def sentence(verdict: Verdict, correction: str = "", family: int = 1) -> str:
    """What the verdict says, with its numbers.

    Args:
        verdict: on all queries.
        correction: what its p was corrected by.
        family: how many it was corrected for.
    """
    if verdict.decision == "not comparable":
        return f"{verdict.candidate} cannot be compared with {verdict.baseline}: {'; '.join(verdict.notes)}."
    if verdict.same_run:
        return f"{verdict.candidate} is the same run as {verdict.baseline}: nothing differs, p = 1."
    how = f" ({CORRECTIONS[correction]}, {family} comparisons)" if family > 1 and correction != "none" else ""
    queries = counted(verdict.n, "query") + (
        f" from {counted(verdict.clusters, 'document')}" if verdict.clusters < verdict.n else ""
    )
    numbers = f"{verdict.metric} {interval(verdict)}, {_p(verdict.p_adjusted)}{how}; {queries}."
    return f"{_claim(verdict)}: {numbers}{_alone(verdict)}{_matters(verdict)}"


def _claim(verdict: Verdict) -> str:
    if verdict.decision == "equivalent":
        return (
            f"{verdict.candidate} and {verdict.baseline} are equivalent within {fraction(verdict.margin)} "
            f"({_p(verdict.p_equivalence_adjusted or 0.0)} of two one-sided tests)"
        )
    if verdict.decision in ("better", "worse"):
        return f"{verdict.candidate} is {verdict.decision} than {verdict.baseline}"
    if verdict.decision == "different":
        more = "more" if (verdict.difference or 0.0) > 0 else "less"
        return f"{verdict.candidate} has {more} {verdict.metric} than {verdict.baseline}, neither better nor worse"
    return f"No difference shown between {verdict.candidate} and {verdict.baseline}"


def _alone(verdict: Verdict) -> str:
    """Why an interval may leave out 0 where no difference is shown: it is not corrected, p is."""
    alpha = 1 - verdict.confidence
    if verdict.decision != "no difference shown" or verdict.p >= alpha or verdict.p_adjusted < alpha:
        return ""
    return f" Alone it would count ({_p(verdict.p)}), as one of several it does not."


def _matters(verdict: Verdict) -> str:
    """Whether a shown difference is surely one that matters, where a margin was given."""
    if verdict.margin is None or verdict.low is None or verdict.high is None:
        return ""
    margin = fraction(verdict.margin)
    if verdict.decision in ("better", "worse", "different"):
        sure = verdict.low > verdict.margin or verdict.high < -verdict.margin
        return f" It is more than {margin}." if sure else f" Whether it is more than {margin} is open."
    if verdict.decision == "equivalent":
        return ""
    return f" Nor is it shown that they differ by less than {margin}."


def _p(p: float) -> str:
    text = p_value(p)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def comparisons(verdicts: Sequence[Verdict], metric: str, correction: str) -> int:
    """How many comparisons the p-values of a metric are corrected for: Tukey's test takes each metric by itself."""
    return sum(is_test(verdict) and (correction != "tukey" or verdict.metric == metric) for verdict in verdicts)


def sentences(verdicts: Sequence[Verdict], metric: str, correction: str) -> list[str]:
    """One sentence for each verdict on the metric; those that could not be compared come last."""
    tested = comparisons(verdicts, metric, correction)
    chosen = [verdict for verdict in verdicts if verdict.metric == metric]
    ordered = sorted(chosen, key=lambda verdict: verdict.decision == "not comparable")
    return [sentence(verdict, correction, tested) for verdict in ordered]
