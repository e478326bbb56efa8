"""Differences by wording, for golden sets that ask in several wordings."""

from collections.abc import Callable, Sequence

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import PREDICTED, SMALL, TRIFLE, AcrossWordings, Verdict, WordingDifference
from ragbench.render.blocks import Block
from ragbench.render.numbers import fraction, interval, with_interval

SYSTEMS = 3
"""Systems per table."""
LEVEL = f"{PREDICTED:.0%}"
MEANING = (
    f"further wording: the {LEVEL} prediction interval of the difference in one more wording, and the chance that it "
    "has the same sign. How your users ask is one more wording. Better or worse needs a significant difference of at "
    f"least {SMALL:g} standard deviations of single differences (d_z), and no wording may show more than {TRIFLE:g} of "
    "them with the other sign."
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
    shown = [part for part in ordered if part.p < 1 - verdict.confidence]
    above = [part for part in shown if part.difference > 0]
    below = [part for part in reversed(shown) if part.difference < 0]
    rest = [part for part in ordered if part not in shown]
    parts = ((up, above), (down, below), ("no difference shown", rest))
    where = "; ".join(f"{word} for {_listed(those)}" for word, those in parts if those)
    what = "How much" if bool(above) != bool(below) else "Whether"
    claim = f"{verdict.candidate} is {down if below and not above else up} than {verdict.baseline}"
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
    expected = f" In a further wording, expect {ends}; {same}."
    if verdict.decision != "no difference shown" or verdict.p_adjusted >= 1 - verdict.confidence:
        return expected
    if across.contradicting:
        return f" It is significant over all queries, but {' and '.join(across.contradicting)} contradict it.{expected}"
    size = f"{abs(verdict.d_z or 0.0):.2f}".lstrip("0")
    return (
        f" It is significant, but small: {size} standard deviations of single differences. On queries that were "
        f"written from documents, less than {SMALL:g} is no claim about queries of users.{expected}"
    )
