"""Numbers as text: the same digits on every surface."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragbench.comparison.verdict import is_test
from ragbench.core.evaluations import Estimate
from ragbench.core.spelling import named
from ragbench.core.verdicts import Verdict

CORRECTION_COLUMNS = {"holm": "Holm", "bh": "BH", "max-t": "max-t"}
CLOSE = "~"
CLOSE_KEY = f"{CLOSE} test and interval disagree about zero (they are computed in different ways); the test decides"


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


def units(resampling: Mapping[str, object]) -> str:
    """``172 source documents``: what intervals resample, as a manifest has it."""
    return counted(int(str(resampling["clusters"])), str(resampling["unit"]))


def outcomes(verdict: Verdict, slash: str = "/") -> str:
    """``29/115/52``: wins, ties and losses."""
    return slash.join(map(str, (verdict.wins, verdict.ties, verdict.losses)))


@dataclass(frozen=True)
class PColumns:
    """The p-values in a table of verdicts.

    An interval stands beside the p-value of the same comparison, which is not corrected
    either. Where p is corrected for several comparisons, that is a column of its own.

    Attributes:
        correction: ``holm``, ``bh``, ``max-t`` or ``none``.
        tests: how many comparisons it is for.
    """

    correction: str
    tests: int

    @classmethod
    def of(cls, verdicts: Sequence[Verdict], correction: str = "holm") -> "PColumns":
        """The columns of verdicts that are corrected together."""
        return cls(correction, sum(is_test(one) for one in verdicts))

    @property
    def head(self) -> tuple[str, ...]:
        """``p``, and the name of the correction if there is one."""
        return ("p", CORRECTION_COLUMNS[self.correction]) if self._corrected else ("p",)

    @property
    def title(self) -> str:
        """What the columns are, to end a title with."""
        if not self._corrected:
            return ""
        name = CORRECTION_COLUMNS[self.correction]
        return f"; interval and p uncorrected, {name}: p corrected for {self.tests} comparisons"

    def cells(self, verdict: Verdict) -> tuple[str, ...]:
        """The p-values of a verdict; ``-`` where nothing was tested."""
        if verdict.difference is None or verdict.test == "none":
            return ("-",) * len(self.head)
        p = p_value(verdict.p) + (CLOSE if verdict.disagrees else "")
        return (p, p_value(verdict.p_adjusted)) if self._corrected else (p,)

    def lines(self, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
        """The key to `CLOSE`, if a verdict has it."""
        return (CLOSE_KEY,) if any(CLOSE in "".join(self.cells(one)) for one in verdicts) else ()

    @property
    def _corrected(self) -> bool:
        return self.tests > 1 and self.correction != "none"


def model_lines(totals: Mapping[str, Mapping[str, object]], role: str = "") -> Iterator[str]:
    """Calls and cost of a run, a line for each model, and where the prices come from.

    Args:
        totals: as `ragbench.models.llm.roles.Models.totals` counts them.
        role: what the models do, before their names.
    """
    for name, done in totals.items():
        cost = done["cost"]
        shown = f"cost {cost:.4f}" if isinstance(cost, float) else f"cost not known ({named('prices')})"
        yield f"{role} {name}: {done['calls']} calls, {done['from_cache']} from the cache, {shown}".strip()
    sources = dict.fromkeys(str(done["prices"]) for done in totals.values() if done.get("prices"))
    if sources:
        yield f"prices: {'; '.join(sources)}"
