"""Numbers as text: the same digits on every surface."""

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import Verdict


def fraction(value: float | None, *, signed: bool = False) -> str:
    """Three decimals without a leading zero: ``.676``, ``1.000``, ``+.041``; ``-`` for None.

    Larger values have fewer decimals: ``2.35``, ``18.4``, ``1,234.0``.
    """
    if value is None:
        return "-"
    if abs(value) >= 1.0005:
        digits = 1 if abs(value) >= 9.995 else 2
        return f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def p_value(p: float) -> str:
    """``.034``, or ``<.001``."""
    return "<.001" if p < 0.001 else fraction(p)


def with_interval(value: Estimate, *, signed: bool = False) -> str:
    """``.676 [.631, .719]``; ``.676`` without an interval; ``1.000 (no width)`` if both ends are equal."""
    mean = fraction(value.mean, signed=signed)
    if value.low is None or value.high is None:
        return mean
    if value.low == value.high:
        # This happens not only if all values are equal, but also if the sums of all resampling units are.
        return f"{mean} (no width)"
    return f"{mean} [{fraction(value.low, signed=signed)}, {fraction(value.high, signed=signed)}]"


def interval(verdict: Verdict) -> str:
    """The difference of a verdict with its interval: ``+.086 [+.035, +.138]``."""
    return with_interval(Estimate(verdict.difference, verdict.low, verdict.high, verdict.n), signed=True)


def counted(count: float, one: str, many: str = "") -> str:
    """``1 call``, ``1,200 calls``, ``3 queries``; ``many`` is needed only for irregular plurals."""
    if count != 1:
        one = many or (f"{one[:-1]}ies" if one.endswith("y") else f"{one}s")
    return f"{count:,.0f} {one}"
