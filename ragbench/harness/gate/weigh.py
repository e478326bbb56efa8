"""An interval against a bound: the one place where a rule is decided."""

from ragbench.harness.gate.result import Outcome

ROUNDING = 1e-12


def weigh(low: float | None, high: float | None, bound: float, *, at_least: bool) -> tuple[Outcome, float | None]:
    """The outcome, and how far the end that decides is from turning it.

    With a floor: pass if ``low >= bound``, fail if ``high < bound``, else
    inconclusive. With a ceiling the other way about. A plain number is an
    interval of length 0.

    Returns:
        The outcome; and the room, which for an inconclusive rule is below 0: what lacks for a pass.
    """
    if low is None or high is None:
        return "inconclusive", None
    to_pass = low - bound if at_least else bound - high
    to_fail = bound - high if at_least else low - bound
    if to_pass >= -ROUNDING:
        return "pass", max(to_pass, 0.0)
    if to_fail > ROUNDING:
        return "fail", to_fail
    return "inconclusive", to_pass
