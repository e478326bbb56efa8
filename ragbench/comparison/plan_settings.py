"""Settings of a plan."""

from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.options import named, option, option_group


@brief
@option_group
class PlanSettings:
    """Settings of a plan.

    Raises:
        SettingError: a value is out of its range; the message lists every fault.
    """

    metric: str = option("Metric of the plan.", default="ndcg@10", section="Plan")
    delta: float | None = option(
        "Difference to detect.", default=None, section="Plan", unset="the next round number below what can be detected"
    )
    margin: float | None = option(
        "Margin of a gate that an equally good candidate must pass.", default=None, section="Plan"
    )
    queries: int | None = option(
        "Number of queries, present or planned.", default=None, section="Plan", unset="the pilot's"
    )
    per_document: float | None = option(
        "Queries per document.", default=None, section="Plan", unset="the pilot's, or 1"
    )
    sd: float | None = option(
        "Standard deviation of the differences, if there is no pilot.", default=None, section="Plan"
    )
    level: float | None = option(
        "Mean of the metric, published or guessed, if there is no pilot.", default=None, section="Plan"
    )
    correlation: float | None = option(
        "Correlation of the values of the two systems, if the level or the rules of a gate are given.",
        default=None,
        section="Plan",
        unset=".5, or .3 for hits, typical of two different systems; with rules .8, typical of two settings of one",
    )
    icc: float | None = option(
        "Intraclass correlation of the differences of one document, 0 to 1.",
        default=None,
        section="Plan",
        unset="the pilot's, or .2 where the level is given",
    )
    power: float = option("Probability of detecting a true difference.", default=0.8, section="Plan")
    alpha: float = option("Level of the test.", default=0.05, section="Plan")
    assurance: float = option(
        "Share of pilots like this one whose plan keeps the power; .5 takes the measured standard deviation as it is.",
        default=0.8,
        section="Plan",
    )
    run_sd: float | None = option(
        "Standard deviation of one query's difference from run to run, for a plan of repeats.", default=None,
        section="Plan", unset="the pilot's, if its systems ran several times",
    )  # fmt: skip
    query_cost: float = option(
        "Cost of one more query with its labels, in runs of one query, for a plan of repeats.", default=20.0,
        section="Plan",
    )  # fmt: skip
    seed: int = option("Seed of the draws for the ranges of the plan.", default=0, section="Plan")

    def __post_init__(self) -> None:
        faults = []
        for name in ("delta", "margin", "sd", "run_sd", "query_cost"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                faults.append(f"{named(name)} is {value:g}; it must be above 0")
        if self.icc is not None and not 0 <= self.icc <= 1:
            faults.append(f"{named('icc')} is {self.icc:g}; it must lie between 0 (independent) and 1 (the same)")
        if self.level is not None and not 0 < self.level < 1:
            faults.append(f"{named('level')} is {self.level:g}; it must lie between 0 and 1: there nothing varies")
        if self.level is not None and self.sd is not None:
            faults.append(f"{named('level')} and {named('sd')} exclude each other: the level gives the deviation")
        if self.correlation is not None and not 0 <= self.correlation < 1:
            faults.append(f"{named('correlation')} is {self.correlation:g}; it must be at least 0 and below 1")
        if self.queries is not None and self.queries < 2:
            faults.append(f"{named('queries')} is {self.queries}; it must be at least 2: one query has no spread")
        if self.per_document is not None and not 1 <= self.per_document < float("inf"):
            faults.append(f"{named('per_document')} is {self.per_document:g}; it must be at least 1")
        for name in ("power", "alpha"):
            if not 0 < getattr(self, name) < 1:
                faults.append(f"{named(name)} is {getattr(self, name):g}; it must lie between 0 and 1")
        if not 0.5 <= self.assurance < 1:
            faults.append(f"{named('assurance')} is {self.assurance:g}; it must lie between 0.5 and 1")
        if self.power <= self.alpha:
            faults.append(f"{named('power')} {self.power:g} is no more than {named('alpha')} {self.alpha:g}")
        if self.seed < 0:
            faults.append(f"{named('seed')} is {self.seed}; it must be at least 0")
        if faults:
            raise SettingError("\n".join(faults))
