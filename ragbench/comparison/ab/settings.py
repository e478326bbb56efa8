"""What an analysis is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragbench.comparison.ab.outcomes import Guardrail, Outcome
from ragbench.core.errors import SettingError
from ragbench.stats.online.sequential import HORIZON

UNITS = ("user_id", "unit_id", "visitor_id", "customer_id", "session_id")
VARIANTS = ("variant_id", "variant", "group", "arm")
OUTCOMES = ("converted", "order_value")
TIMES = ("timestamp", "time", "event_time", "date")
ROWS = "row"
"""As the unit: every row is one."""


@dataclass(frozen=True, kw_only=True)
class AbSettings:
    """Columns and levels.

    Attributes:
        unit: column of the unit, or ``row``; empty looks for `UNITS`.
        variant: column of the variant; empty looks for `VARIANTS`.
        outcomes: the first one decides; empty looks for `OUTCOMES`.
        guardrails: what must not get worse.
        before: pre-period column by outcome name; the key ``""`` is for all outcomes.
        time: column of the time; empty looks for `TIMES`.
        control: name of the control; empty finds it by its name.
        split: weights by variant; empty is equal.
        alpha: error rate of the verdict.
        srm_alpha: below this p-value the split is broken.
        power: chance of finding the effect that is planned for.
        effect: smallest relative effect of interest on the first outcome; None where nobody said.
        horizon: units at which the always-valid sequence is tightest.
        final: this is the only look: the fixed-sample tests decide.
        over_time: also estimate by the day on which units were first seen.
        most_mixed: share of units in two variants above which the file is refused.
    """

    unit: str = ""
    variant: str = ""
    outcomes: tuple[Outcome, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    time: str = ""
    control: str = ""
    split: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.05
    srm_alpha: float = 0.001
    power: float = 0.8
    effect: float | None = None
    horizon: int = HORIZON
    final: bool = False
    over_time: bool = False
    most_mixed: float = 0.01

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("srm-alpha", self.srm_alpha)):
            if not 0 < value < 0.5:
                raise SettingError(f"--{name} must lie between 0 and 0.5, not {value}")
        if not 0.5 <= self.power < 1:
            raise SettingError(f"--power must lie between 0.5 and 1, not {self.power}")
        if self.horizon < 1:
            raise SettingError(f"--horizon must be at least 1 unit, not {self.horizon}")
        if self.effect is not None and not self.effect > 0:
            raise SettingError("--effect must be above 0, for example 2%")
        if not 0 <= self.most_mixed <= 1:
            raise SettingError(f"--max-mixed must lie between 0% and 100%, not {self.most_mixed:.0%}")
        if any(weight <= 0 for weight in self.split.values()):
            raise SettingError("--split needs weights above 0, for example control=50,treatment=50")
        named = [outcome.name for outcome in self.outcomes]
        if len(set(named)) < len(named):
            raise SettingError(f"--outcome names one twice: {', '.join(named)}")
