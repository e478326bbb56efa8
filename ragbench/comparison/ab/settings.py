"""The settings of an A/B test, and the column names that it looks for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from ragbench.comparison.ab.outcomes import Guardrail, Outcome, number, parse_guardrail, parse_outcome
from ragbench.core.errors import SettingError
from ragbench.core.options import named, option, option_group
from ragbench.stats.online.sequential import HORIZON

UNITS = ("user_id", "unit_id", "visitor_id", "customer_id", "session_id")
VARIANTS = ("variant_id", "variant", "group", "arm")
CONVERTED, ORDER_VALUE = "converted", "order_value"
OUTCOMES = (
    Outcome(CONVERTED),
    Outcome(ORDER_VALUE, label="revenue per unit"),
    Outcome(ORDER_VALUE, CONVERTED, "ratio", label="average order value"),
)
"""The outcomes that are looked for. The last one needs a conversion in every variant."""
TIMES = ("timestamp", "time", "event_time", "date")
MOST_LOOKS = 200
ROWS = "row"
"""The unit that makes every row one unit."""


def parse_split(text: str) -> dict[str, float]:
    """Read ``control=50,treatment=50``.

    Raises:
        SettingError: a part has no ``=``, or a share is no number.
    """
    found = {}
    for part in filter(None, text.split(",")):
        name, is_named, weight = part.rpartition("=")
        if not is_named:
            raise SettingError(f"is {text!r}; write it as control=50,treatment=50", option="split")
        found[name.strip()] = number(weight.strip(), named("split"))
    return found


def parse_looks(text: str) -> tuple[float, ...]:
    """Read ``5`` as five equal looks, and ``25%,50%,100%`` or ``.25,.5,1`` as shares.

    Raises:
        SettingError: a part is no number of at least 0, or there are too many looks.
    """
    parts = [number(part.strip(), named("looks")) for part in filter(None, text.split(","))]
    if len(parts) == 1 and "%" not in text:
        if not (parts[0].is_integer() and 1 <= parts[0] <= MOST_LOOKS):
            raise SettingError(
                f"is {text!r}; give a number from 1 to {MOST_LOOKS}, or shares such as 25%,50%,100%", option="looks"
            )
        return tuple((at + 1) / int(parts[0]) for at in range(int(parts[0])))
    return tuple(parts)


def parse_looked(text: str) -> tuple[int, ...]:
    """Read ``4000,9000``.

    Raises:
        SettingError: a part is no whole number.
    """
    parts = [part.strip() for part in filter(None, text.split(","))]
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts):
        raise SettingError(f"is {text!r}; write the units of each earlier look, for example 4000,9000", option="looked")
    return tuple(map(int, parts))


def _effect(text: str) -> float | None:
    return number(text, f"{named('effect')} is a share of the control such as 2% or 0.02") if text else None


def _max_mixed(text: str) -> float:
    return number(text, named("max_mixed"))


@option_group
class AbSettings:
    """How an A/B test is analysed.

    Raises:
        SettingError: a value out of its range. `measured` and `watched` raise it for an outcome or guardrail that
            cannot be read.
    """

    unit: str = option(
        "Column of the unit, or 'row' where every row is a unit.", default="", section="Columns", unset=UNITS[0]
    )
    variant: str = option("Column of the variant.", default="", section="Columns", unset=VARIANTS[0])
    outcomes: Sequence[str | Outcome] = option(
        "COLUMN or A/B, with :any, :sum, :mean or :lower; the first one decides. With two runs: a metric.", default=(),
        section="Verdict", flag="--outcome", unset=", ".join(outcome.name for outcome in OUTCOMES),
    )  # fmt: skip
    guardrails: Sequence[str | Guardrail] = option(
        "COLUMN:max_increase=5% or COLUMN:max_decrease=0.01. With two runs: p50, p95, p99 or cost.", default=(),
        section="Verdict", flag="--guardrail",
    )  # fmt: skip
    before: Sequence[str] | Mapping[str, str] = option(
        "Column of values from before the experiment, for CUPED: COLUMN for all outcomes, or OUTCOME=COLUMN.",
        default=(), section="Columns",
    )  # fmt: skip
    time: str = option("Column of the time, for the rate of arrival.", default="", section="Columns", unset=TIMES[0])
    control: str = option("Name of the control.", default="", section="Verdict", unset="found by its name")
    split: Mapping[str, float] | None = option(
        "Promised shares of the variants: control=50,treatment=50.", default=None, section="Verdict", unset="equal",
        parse=parse_split,
    )  # fmt: skip
    effect: float | None = option(
        "Smallest effect that matters on the first outcome, as a share of the control: 2%.", default=None,
        section="Verdict", parse=_effect,
    )  # fmt: skip
    final: bool = option("This is the only look, so the one-look tests decide.", default=False, section="Verdict")
    over_time: bool = option("Also estimate by day, and for all units so far.", default=False, section="Output")
    horizon: int | None = option(
        "Units at which the any-look tests are sharpest; fix it before the experiment.", default=None,
        section="Verdict", unset=f"the planned units, else {HORIZON:,}",
    )  # fmt: skip
    planned: int | None = option("Units that the experiment will have in all.", default=None, section="Looks")
    looks: Sequence[float] | None = option(
        "Planned looks: their number, or shares of the planned units such as 25%,50%,100%. Then the looks decide.",
        default=None, section="Looks", unset="any look", parse=parse_looks,
    )  # fmt: skip
    looked: Sequence[int] = option(
        "Units at each earlier look, 4000,9000, if they differ from the plan.", default=(), section="Looks",
        unset="as planned", parse=parse_looked,
    )  # fmt: skip
    spending: Literal["obf", "pocock"] = option(
        "How the error rate is spent: obf almost all at the end, pocock evenly.", default="obf", section="Looks"
    )
    alpha: float = option("Error rate of the verdict.", default=0.05, section="Verdict")
    power: float = option("Chance of finding the effect, for planning.", default=0.8, section="Verdict")
    srm_alpha: float = option("The split is broken if its p-value is below this.", default=0.001, section="Verdict")
    max_mixed: float = option(
        "Largest share of units that may be seen in two variants.", default=0.01, section="Verdict", unset="1%",
        parse=_max_mixed,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("srm_alpha", self.srm_alpha)):
            if not 0 < value < 0.5:
                raise SettingError(f"is {value}; it must lie between 0 and 0.5", option=name)
        if not 0.5 <= self.power < 1:
            raise SettingError(f"is {self.power}; it must lie between 0.5 and 1", option="power")
        if self.planned is not None and self.planned < 1:
            raise SettingError(f"is {self.planned}; it must be at least 1 unit", option="planned")
        self._check_looks()
        if self.horizon is not None and self.horizon < 1:
            raise SettingError(f"is {self.horizon}; it must be at least 1 unit", option="horizon")
        if self.effect is not None and not self.effect > 0:
            raise SettingError("must be above 0, for example 2%", option="effect")
        if self.effect is not None and self.effect >= 1:
            raise SettingError(
                f"is {self.effect:g}, which is {self.effect:,.0%} of the control; it must be below 100%: for 10%, "
                "write 0.10",
                option="effect",
            )
        if not 0 <= self.max_mixed <= 1:
            raise SettingError(f"is {self.max_mixed:.0%}; it must lie between 0% and 100%", option="max_mixed")
        if any(weight <= 0 for weight in self.weights.values()):
            raise SettingError("needs shares above 0, for example control=50,treatment=50", option="split")

    def _check_looks(self) -> None:
        if self.looks is None:
            if self.looked:
                raise SettingError(f"needs {named('looks')}, the planned looks", option="looked")
            return
        if self.planned is None:
            raise SettingError(f"needs {named('planned')}, the units that the experiment will have", option="looks")
        shares = list(self.looks)
        if not shares or shares != sorted(set(shares)) or shares[0] <= 0 or shares[-1] != 1:
            raise SettingError("must be rising shares of the planned units that end with 100%", option="looks")
        if list(self.looked) != sorted(set(self.looked)) or any(units < 1 for units in self.looked):
            raise SettingError("must be rising numbers of units, for example 4000,9000", option="looked")

    @property
    def one_look(self) -> bool:
        """Whether the one-look tests decide."""
        return self.final and self.looks is None

    @property
    def sharpest(self) -> int:
        """Units at which the any-look tests are sharpest."""
        return self.horizon or self.planned or HORIZON

    @cached_property
    def measured(self) -> tuple[Outcome, ...]:
        """The outcomes. The first one decides; with none, `OUTCOMES` are looked for."""
        found = tuple(parse_outcome(one) if isinstance(one, str) else one for one in self.outcomes)
        names = [outcome.name for outcome in found]
        if len(set(names)) < len(names):
            raise SettingError(f"names an outcome twice: {', '.join(names)}", option="outcomes")
        return found

    @cached_property
    def watched(self) -> tuple[Guardrail, ...]:
        """The guardrails: outcomes that must not get worse."""
        return tuple(parse_guardrail(one) if isinstance(one, str) else one for one in self.guardrails)

    @property
    def columns_before(self) -> dict[str, str]:
        """Pre-period column by outcome name; the key ``""`` stands for all outcomes."""
        if isinstance(self.before, Mapping):
            return dict(self.before)
        parts = [(text, *text.partition("=")) for text in self.before]
        return {name if is_named else "": column if is_named else text for text, name, is_named, column in parts}

    @property
    def weights(self) -> Mapping[str, float]:
        """Promised share by variant; empty where all shares are equal."""
        return self.split or {}
