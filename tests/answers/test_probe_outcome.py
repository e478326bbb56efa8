"""Rates and floors of probes."""

import math

import pytest
from scipy.stats import t as student

from ragbench.answers.probe.cases import Case, Rules
from ragbench.answers.probe.outcome import ALL, Floor, outcome, parse_floors, rate
from ragbench.core.errors import SettingError


def cases(**counts: int) -> list[Case]:
    return [
        Case(f"{name}-{n}", name, f"{name} {n}?", "Declines.", Rules("expected"))
        for name, count in counts.items()
        for n in range(count)
    ]


def detail(passes: bool | None, by: str = "rules", *, refuses: bool = True) -> dict[str, object]:
    return {"passes": passes, "refuses": refuses, "by": by, "why": "w", "answer": "a"}


@pytest.mark.parametrize(("count", "n"), [(0, 10), (7, 10), (10, 10), (93, 104)])
def test_the_interval_is_wilsons_with_t(count: int, n: int) -> None:
    """By hand: the two shares whose own spread puts the observed one t spreads away.

    A rate's error has n - 1 in its square here, so that e = n - 1 where the values differ.
    """
    found = rate(count, n)
    t = student.ppf(0.975, n - 1)
    e = n - 1 if 0 < count < n else n
    p = count / n
    for end in (found.low, found.high):
        inside = 0 < end < 1
        assert not inside or math.isclose(abs(p - end), t * math.sqrt(end * (1 - end) / e), rel_tol=1e-9)
    assert found.low <= p <= found.high
    assert found.low < found.high


def test_fewer_than_two_tell_nothing() -> None:
    assert (rate(1, 1).mean, rate(1, 1).low, rate(1, 1).high) == (1.0, 0.0, 1.0)
    assert rate(0, 0).mean is None


def test_what_tried_nothing_and_what_has_no_outcome_count_apart() -> None:
    some = cases(a=5)
    details = {
        "a-0": detail(True),
        "a-1": detail(False, refuses=False),
        "a-2": detail(None),  # its document was not found
        "a-3": detail(None, "judge"),  # the judge failed
    }
    done = outcome(some, details, {"a-4": "status 500"}, [])
    (category,) = done.categories
    assert (category.passed.count, category.passed.n, category.idle, category.unscored) == (1, 2, 1, 2)
    # Refused: the judge's failure leaves the rules' word on whether it refuses.
    assert (category.refused.count, category.refused.n) == (2, 3)
    assert [tried.case.id for tried in done.failing] == ["a-1"]
    assert done.tried[4].why == "status 500"
    assert done.verdict is None
    assert done.overall.name == ALL


def test_floors_are_decided_by_the_whole_interval() -> None:
    some = cases(a=100, b=20)
    details = {case.id: detail(case.category == "a" or n % 2 == 0) for n, case in enumerate(some)}
    wanted = [Floor("a", 0.9), Floor("b", 0.9), Floor("b", 0.5), Floor(ALL, 0.95)]
    found = outcome(some, details, {}, wanted).floors
    assert [floor.verdict for floor in found] == ["pass", "fail", "inconclusive", "inconclusive"]
    assert outcome(some, details, {}, wanted).verdict == "fail"
    assert outcome(some, details, {}, wanted[2:3]).verdict == "inconclusive"
    assert outcome(some, details, {}, wanted[:1]).verdict == "pass"


def test_what_is_missing_can_neither_pass_nor_fail_a_floor() -> None:
    some = cases(a=100)
    passing = {case.id: detail(True) for case in some[:80]}
    (floor,) = outcome(some, passing, {}, [Floor("a", 0.9)]).floors
    assert (floor.verdict, floor.high) == ("inconclusive", 1.0)
    assert floor.low == rate(80, 100).low
    failing = {case.id: detail(False) for case in some[:80]}
    (floor,) = outcome(some, failing, {}, [Floor("a", 0.2)]).floors
    assert floor.verdict == "inconclusive"
    (floor,) = outcome(some, failing, {}, [Floor("a", 0.5)]).floors
    assert floor.verdict == "fail"


def test_a_floor_that_so_few_cases_cannot_show_says_so() -> None:
    some = cases(a=14)
    (floor,) = outcome(some, {case.id: detail(True) for case in some}, {}, [Floor("a", 0.9)]).floors
    assert floor.verdict == "inconclusive"
    assert "14 cases could not show it even if all passed" in floor.why
    (floor,) = outcome(some, {case.id: detail(None) for case in some}, {}, [Floor("a", 0.1)]).floors
    assert (floor.verdict, floor.why) == ("inconclusive", "no case of it tried anything")


def test_floors_are_read() -> None:
    some = cases(a=2, b=2)
    assert parse_floors(["0.9", "b=.5"], some) == (Floor(ALL, 0.9), Floor("b", 0.5))
    for written, told in ((["1"], "no number of cases"), (["x"], "write a pass rate"), (["a="], "write a pass rate"),
                          (["nan"], "write a pass rate"), (["c=.5"], "no case is of category 'c'"),
                          (["a=.5", "a=.6"], "twice")):  # fmt: skip
        with pytest.raises(SettingError, match=told):
            parse_floors(written, some)
