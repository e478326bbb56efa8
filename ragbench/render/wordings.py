"""Differences by wording, for golden sets that ask in several wordings."""

from collections.abc import Callable, Sequence

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import CONSISTENT, PREDICTED, AcrossWordings, Verdict, WordingDifference
from ragbench.render.blocks import Block
from ragbench.render.numbers import fraction, interval, with_interval

SYSTEMS = 3
"""Systems per table."""
LEVEL = f"{PREDICTED:.0%}"
MEANING = (
    f"further wording: the {LEVEL} prediction interval of the difference in one more wording, and the chance that it "
    f"has the same sign. How your users ask is one more wording. Better or worse needs a chance of {CONSISTENT:.0%}."
)


def wording_blocks(verdicts: Sequence[Verdict], metric: str, name: Callable[[Verdict], str]) -> list[Block]:
    """Tables of the differences by wording, for up to three comparisons each; none for queries in one wording.

    Args:
        verdicts: verdicts on any metrics.
        metric: the metric to show.
        name: the name of a comparison.
    """
    found = [(one, one.wordings) for one in verdicts if one.metric == metric and one.wordings is not None]
    return [_table(found[at : at + SYSTEMS], metric, name) for at in range(0, len(found), SYSTEMS)]


def _table(
    found: Sequence[tuple[Verdict, AcrossWordings]], metric: str, name: Callable[[Verdict], str]
) -> Block:  # fmt: skip
    wordings = list(dict.fromkeys(part.wording for _, across in found for part in across.parts))
    rows = [(wording, *(_part(across, wording) for _, across in found)) for wording in wordings]
    rows.append(("all", *(interval(verdict) for verdict, _ in found)))
    rows.append(("further wording", *(_further(across) for _, across in found)))
    title = f"{metric} by wording: mean difference [{found[0][0].confidence:.0%} interval]"
    return Block(title, ("wording", *(name(verdict) for verdict, _ in found)), tuple(rows), (MEANING,))


def _part(across: AcrossWordings, wording: str) -> str:
    found = [Estimate(one.difference, one.low, one.high, one.n) for one in across.parts if one.wording == wording]
    return with_interval(found[0], signed=True) if found else "-"


def _further(across: AcrossWordings) -> str:
    ends = f"[{fraction(across.low, signed=True)}, {fraction(across.high, signed=True)}]"
    return f"{ends}, {across.same_sign:.0%}"


def wording_claim(verdict: Verdict, across: AcrossWordings) -> str:
    """Where the candidate is better and where it is worse: ``Whether dense is better than bm25 depends on ...``."""
    up, down = ("better", "worse") if verdict.direction == "higher" else ("worse", "better")
    if verdict.direction == "none":
        up, down = "higher", "lower"
    ordered = sorted(across.parts, key=lambda part: -part.difference)
    above = [part for part in ordered if part.difference > 0]
    below = [part for part in reversed(ordered) if part.difference <= 0]
    where = "; ".join(f"{word} for {_listed(parts)}" for word, parts in ((up, above), (down, below)) if parts)
    what = "Whether" if above and below else "How much"
    claim = f"{verdict.candidate} is {up if above else down} than {verdict.baseline}"
    return f"{what} {claim} depends on the wording ({where})"


def _listed(parts: Sequence[WordingDifference]) -> str:
    return ", ".join(f"{part.wording} {fraction(part.difference, signed=True)}" for part in parts)


def wording_phrase(verdict: Verdict) -> str:
    """How far a verdict holds in a further wording, to follow its sentence; empty for queries in one wording."""
    across = verdict.wordings
    if across is None:
        return ""
    ends = f"[{fraction(across.low, signed=True)}, {fraction(across.high, signed=True)}]"
    same = f"the same sign has a chance of {across.same_sign:.0%}"
    if verdict.decision == "no difference shown" and verdict.p_adjusted < 1 - verdict.confidence:
        return f" It is significant in these wordings, but may not hold in a further one, {ends}: {same}."
    return f" In a further wording, expect {ends}; {same}."
