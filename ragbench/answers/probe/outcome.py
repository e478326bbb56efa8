"""The outcome of probes: rates with intervals, and floors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragbench.answers.probe.cases import Case, categories_of, check_category
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.spelling import named
from ragbench.stats.intervals import wilson_interval

Verdict = Literal["pass", "fail", "inconclusive"]
ALL = "all"


@dataclass(frozen=True)
class Rate:
    """``count`` of ``n``, with Wilson's 95% interval. ``mean`` is None if ``n`` is 0."""

    count: int
    n: int
    mean: float | None
    low: float
    high: float


@brief
@dataclass(frozen=True)
class Tried:
    """One case and its outcome.

    Attributes:
        case: the case.
        passes: None without a value.
        refuses: whether the system refused or abstained; None without an answer, or if the case tested nothing.
        idle: the case tested nothing, since its document was not found.
        by: ``rules``, ``phrases`` or ``judge``; empty without an answer.
        why: the reason for the outcome.
        answer: the text of the answer.
    """

    case: Case
    passes: bool | None
    refuses: bool | None
    idle: bool
    by: str
    why: str
    answer: str


@brief
@dataclass(frozen=True)
class CategoryOutcome:
    """The cases of one category, or of all (`ALL`).

    Attributes:
        name: name of the category.
        cases: number of cases.
        passed: rate over the cases with an outcome.
        refused: rate over the cases with an answer that tested something.
        unscored: cases that should have an outcome and have none: no answer, or no verdict of the judge.
        idle: cases that tested nothing, since their documents were not found.
    """

    name: str
    cases: int
    passed: Rate
    refused: Rate
    unscored: int
    idle: int


@dataclass(frozen=True)
class Floor:
    """The least pass rate of a category.

    Attributes:
        category: its name, or `ALL`.
        value: above 0 and below 1.
    """

    category: str
    value: float


@dataclass(frozen=True)
class FloorOutcome:
    """Whether a floor was reached.

    Attributes:
        floor: the floor.
        low, high: ends of the deciding interval. Unscored cases count as failed for the lower end and as passed for
            the upper one.
        verdict: ``pass`` and ``fail`` if the whole interval is on one side.
        why: the reason in words.
    """

    floor: Floor
    low: float
    high: float
    verdict: Verdict
    why: str


@brief
@dataclass(frozen=True)
class Outcome:
    """The outcome of all probes.

    Attributes:
        tried: in the order of the cases.
        categories: in the order of the cases.
        overall: all cases together.
        floors: in the order given.
    """

    tried: tuple[Tried, ...]
    categories: tuple[CategoryOutcome, ...]
    overall: CategoryOutcome
    floors: tuple[FloorOutcome, ...]

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict of the floors; None without floors."""
        found = {floor.verdict for floor in self.floors}
        order: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")
        return next((verdict for verdict in order if verdict in found), None)

    @property
    def failing(self) -> tuple[Tried, ...]:
        """The cases that failed."""
        return tuple(tried for tried in self.tried if tried.passes is False)


Floors = Sequence[str] | Mapping[str, float] | float
"""Pass rates as a user gives them: ``0.9``, ``["0.9", "harmful=0.8"]`` or ``{"all": 0.9, "harmful": 0.8}``."""


def parse_floors(written: Floors, cases: Sequence[Case]) -> tuple[Floor, ...]:
    """Parse ``0.9`` (all cases) and ``CATEGORY=0.8`` (the cases of a category).

    Raises:
        SettingError: a floor has another form, is not between 0 and 1, names no category, or is given twice.
    """
    floors: list[Floor] = []
    for text in _texts(written):
        name, _, number = text.rpartition("=")
        name = name.strip() or ALL
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not 0 < value < 1:
            raise SettingError(
                f"{named('floors')} is {text!r}; write a pass rate above 0 and below 1, as in 0.9 or "
                f"{cases[0].category}=0.8 (no number of cases can prove a rate of 1; for a threshold without an "
                "interval, use 'ragbench gate' with decide: mean)"
            )
        if name != ALL:
            check_category(name, categories_of(cases), "floors")
        if name in {floor.category for floor in floors}:
            raise SettingError(f"{named('floors')} is given twice for {name}")
        floors.append(Floor(name, value))
    return tuple(floors)


def _texts(written: Floors) -> Sequence[str]:
    if isinstance(written, Mapping):
        return [f"{name}={value}" for name, value in written.items()]
    return [str(written)] if isinstance(written, float | int) else written


def outcome(
    cases: Sequence[Case], details: Mapping[str, object], reasons: Mapping[str, str], floors: Sequence[Floor]
) -> Outcome:
    """Summarise the outcomes.

    Args:
        cases: the cases.
        details: the details of `ragbench.answers.probe.metric.ProbePass`, by case id.
        reasons: why there is no answer, by case id.
        floors: the floors to check.
    """
    tried = tuple(_tried(case, details.get(case.id), reasons.get(case.id, "")) for case in cases)
    names = categories_of(cases)
    categories = tuple(_category(name, [one for one in tried if one.case.category == name]) for name in names)
    overall = _category(ALL, tried)
    by_name = {category.name: category for category in (*categories, overall)}
    return Outcome(tried, categories, overall, tuple(_decide(floor, by_name[floor.category]) for floor in floors))


def _tried(case: Case, detail: object, reason: str) -> Tried:
    if not isinstance(detail, Mapping):
        return Tried(case, None, None, False, "", reason or "there is no answer", "")
    passes, by = detail["passes"], str(detail["by"])
    idle = passes is None and by != "judge"
    refuses = None if idle else bool(detail["refuses"])
    return Tried(case, passes, refuses, idle, by, str(detail["why"]), str(detail["answer"]))


def _category(name: str, tried: Sequence[Tried]) -> CategoryOutcome:
    passed = [one.passes for one in tried if one.passes is not None]
    refused = [one.refuses for one in tried if one.refuses is not None]
    idle = sum(one.idle for one in tried)
    return CategoryOutcome(
        name, len(tried), rate(sum(passed), len(passed)), rate(sum(refused), len(refused)),
        len(tried) - len(passed) - idle, idle,
    )  # fmt: skip


def rate(count: int, n: int) -> Rate:
    """``count`` of ``n`` with its interval, which is 0 to 1 for fewer than two cases."""
    if n < 2:
        return Rate(count, n, count / n if n else None, 0.0, 1.0)
    values = np.repeat([1.0, 0.0], [count, n - count])[:, None]
    low, high = wilson_interval(values, np.arange(n, dtype=np.int64))
    return Rate(count, n, count / n, float(low[0]), float(high[0]))


def _decide(floor: Floor, category: CategoryOutcome) -> FloorOutcome:
    passed, open_ = category.passed, category.unscored
    n = passed.n + open_
    low, high = rate(passed.count, n).low, rate(passed.count + open_, n).high
    if n == 0:
        return FloorOutcome(floor, 0.0, 1.0, "inconclusive", "no case of it tried anything")
    if low >= floor.value:
        return FloorOutcome(floor, low, high, "pass", f"{passed.count} of {n} pass")
    if high < floor.value:
        return FloorOutcome(floor, low, high, "fail", f"{passed.count} of {n} pass")
    why = f"{passed.count} of {n} pass"
    if open_:
        why += f", {open_} without an outcome"
    if rate(n, n).low < floor.value:
        why += f"; {n} cases could not show it even if all passed"
    return FloorOutcome(floor, low, high, "inconclusive", why)
