"""Guardrails: test whether a change is within a margin or beyond it."""

import math
from dataclasses import dataclass
from typing import Literal

from ragbench.stats.online.sample import Sample

State = Literal["kept", "broken", "undecided"]


@dataclass(frozen=True)
class WithinMargin:
    """A one-sided test against a margin.

    Attributes:
        state: ``"kept"`` if the worst value of the one-sided interval is within the margin, ``"broken"`` if the best
            one is beyond it, else ``"undecided"``.
        p: p-value of the hypothesis that the change reaches the margin, for one look; small if the guardrail is kept.
        p_broken: p-value of the hypothesis that the change is within the margin, for one look; small if it is broken.
    """

    state: State
    p: float
    p_broken: float


def within_margin(
    control: Sample, challenger: Sample, bound: float, *, relative: bool, upper: bool, reach: float
) -> WithinMargin:
    """Non-inferiority of two independent means.

    A relative bound r tests ``b - (1 + r) a``, and an absolute one ``b - a - bound``. The variance of both is known
    without dividing one mean by another. Without any variance, the means decide.

    Args:
        control: sample of the control, with at least one unit.
        challenger: sample of the challenger, with at least one unit.
        bound: the change at the margin: 0.05 for at most 5% more, -0.05 for at most 5% less.
        relative: whether the bound is a share of the control's mean.
        upper: whether the change must stay below the bound; else above.
        reach: standard errors between the estimate and its one-sided limits: 1.645 for one look at .05, the
            boundary of a sequence for many looks.

    Source: Fieller 1954 for the contrast; Piaggio et al. 2012 for the decision.
    """
    from scipy.stats import norm

    factor = 1 + bound if relative else 1.0
    beyond = challenger.mean - factor * control.mean - (0.0 if relative else bound)
    error = math.hypot(challenger.error, factor * control.error)
    if not upper:
        beyond = -beyond
    if min(control.n, challenger.n) < 2:
        return WithinMargin("undecided", 1.0, 1.0)
    if error == 0:
        return WithinMargin("kept", 0.0, 1.0) if beyond <= 0 else WithinMargin("broken", 1.0, 0.0)
    p, p_broken = float(norm.cdf(beyond / error)), float(norm.sf(beyond / error))
    state: State = "kept" if beyond < -reach * error else "broken" if beyond > reach * error else "undecided"
    return WithinMargin(state, p, p_broken)
