"""What a plan is asked."""

from dataclasses import dataclass

from ragbench.core.errors import SettingError


@dataclass(frozen=True)
class PlanSettings:
    """How to plan.

    Attributes:
        metric: what the plan is of, as printed.
        delta: the difference to be shown; None takes the next round one below what can be shown.
        margin: of the gate, for a candidate that is equally good; None to leave it out.
        queries: how many there are or will be; None takes the pilot's.
        per_document: queries of one document; None takes the pilot's, or 1.
        sd: standard deviation of the differences, where there is no pilot.
        icc: how alike differences of one document are; None takes the pilot's.
        power: chance of showing what is there.
        alpha: level of the test.
        seed: of the draws that tell how well the pilot knows.

    Raises:
        SettingError: values out of their range; every fault is listed.
    """

    metric: str = "ndcg@10"
    delta: float | None = None
    margin: float | None = None
    queries: int | None = None
    per_document: float | None = None
    sd: float | None = None
    icc: float | None = None
    power: float = 0.8
    alpha: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        for name, value in (("delta", self.delta), ("margin", self.margin), ("sd", self.sd)):
            if value is not None and not 0 < value < float("inf"):
                faults.append(f"--{name} is {value:g}; it must be above 0")
        if self.icc is not None and not 0 <= self.icc <= 1:
            faults.append(f"--icc is {self.icc:g}; it must lie between 0 (independent) and 1 (the same)")
        if self.queries is not None and self.queries < 2:
            faults.append(f"--queries is {self.queries}; it must be at least 2: one query tells nothing of the spread")
        if self.per_document is not None and not 1 <= self.per_document < float("inf"):
            faults.append(f"--per-document is {self.per_document:g}; it must be at least 1")
        for name, value in (("power", self.power), ("alpha", self.alpha)):
            if not 0 < value < 1:
                faults.append(f"--{name} is {value:g}; it must lie between 0 and 1")
        if self.power <= self.alpha:
            faults.append(f"--power {self.power:g} is no more than chance gives at --alpha {self.alpha:g}")
        if self.seed < 0:
            faults.append(f"--seed is {self.seed}; it must be at least 0")
        if faults:
            raise SettingError("\n".join(faults))
