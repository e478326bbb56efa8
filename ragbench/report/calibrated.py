"""Rates that are corrected for the errors of their judge, in plain words and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict

from ragbench.core.fingerprint import plain
from ragbench.harness.calibrated_rate import CalibratedRate
from ragbench.harness.results import Estimate
from ragbench.report.compare_sentences import counted
from ragbench.report.tables import fraction, with_interval


def calibrated_lines(rate: CalibratedRate) -> list[str]:
    """What the judge says, and what people would say."""
    found = rate.corrected
    way = "<=" if rate.lower_is_better else ">="
    judge = f" by {rate.judge}" if rate.judge else ""
    lines = [
        f"{rate.column}{judge} {way} {rate.threshold:.3g}: {with_interval(rate.reported)} of "
        f"{counted(rate.reported.n, 'answer')}"
    ]
    if found.value is None or found.low is None or found.high is None:
        lines.append(
            f"  corrected: not possible; on {rate.labels['name']} sensitivity {fraction(found.sensitivity)} + "
            f"specificity {fraction(found.specificity)} is at most 1"
        )
    else:
        value = Estimate(found.value, found.low, found.high, found.n)
        lines.append(
            f"  corrected: {with_interval(value)} (sensitivity {fraction(found.sensitivity)}, specificity "
            f"{fraction(found.specificity)} on {rate.labels['name']}; right where the judge errs here as it did there)"
        )
    powered = rate.powered
    if powered is not None:
        value = Estimate(powered.value, powered.low, powered.high, powered.people)
        alone = Estimate(powered.people_value, powered.people_low, powered.people_high, powered.people)
        lines.append(
            f"  from {powered.people} of these answers that people labelled: {with_interval(value)} (labels alone: "
            f"{with_interval(alone)}; right where those were drawn at random)"
        )
    if rate.unproven:
        lines.append(f"  warning: {rate.unproven}")
    if rate.unscored:
        lines.append(f"  {counted(rate.unscored, 'answer')} without a score: in none of these figures")
    return lines


def calibrated_json(rate: CalibratedRate) -> Mapping[str, object]:
    """The object; rounding is for people only."""
    found = plain(asdict(rate))
    assert isinstance(found, dict)
    return found
