"""What is shown of golden sets: the copy without masked text, and reviews by annotators."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ragbench.core.ledger import first_ten, issue_lines
from ragbench.golden.annotators.agreement import JudgeAgreement
from ragbench.golden.annotators.review import VERSION, AppliedReview, ReviewSample
from ragbench.golden.masked_corpus import CORPUS, GOLDEN, Without, WithoutMasked


def without_json(without: WithoutMasked, out: Path | None) -> dict[str, Any]:
    """The numbers of documents and queries, the files in the folder that was written, and the issue log.

    For a set in several wordings, the first four are in ``wordings``, by wording.
    """

    def of_copy(wording: str, copy: Without) -> dict[str, Any]:
        return {
            "documents": len(copy.corpus),
            "queries": len(copy.golden),
            "corpus": None if out is None else str(out / wording / CORPUS),
            "golden": None if out is None else str(out / wording / GOLDEN),
        }

    each = {wording: of_copy(wording, copy) for wording, copy in without.copies.items()}
    return {
        "version": VERSION,
        **(each[""] if list(each) == [""] else {"wordings": each}),
        "ledger": without.ledger.rows(),
    }


def without_lines(without: WithoutMasked, out: Path | None) -> Iterator[str]:
    """What was skipped or lost, and what was written."""
    yield from issue_lines(without.ledger.entries, items=10)
    for wording, copy in without.copies.items():
        of = f"{wording}: " if wording else ""
        found = f"{of}{len(copy.corpus)} documents without masked text"
        if out is None:
            yield f"{found}, {len(copy.golden)} queries; name a folder to write with --out"
        else:
            yield f"{found} written to {out / wording / CORPUS}"
            yield f"{of}{len(copy.golden)} queries written to {out / wording / GOLDEN}"


def sample_json(sample: ReviewSample) -> dict[str, Any]:
    """The counts of a sample for annotators."""
    return {
        "version": VERSION,
        "queries": len(sample.items),
        "of": sample.of,
        "types": sample.types,
        "judge": sample.judge,
    }


def sample_lines(sample: ReviewSample) -> list[str]:
    """The counts of a sample, and which columns annotators fill in."""
    return [
        f"types  {_counts(sample.types)}",
        f"judge  {_counts(sample.judge)} (not shown in the table)",
        "fill in: decision (accept, edit or reject), edited_text, grade (0 to 3 or blank), comment",
    ]


def review_lines(applied: AppliedReview) -> list[str]:
    """The decisions, and how far the judge agrees with them."""
    reviewed = applied.reviewed
    lines = [f"decisions  {_counts(reviewed.counts)}"]
    if applied.undecided:
        undecided = first_ten(applied.undecided)
        lines.append(f"{len(applied.undecided)} rows have no decision and stay as they are: {undecided}")
    if reviewed.recovered:
        recovered = first_ten(reviewed.recovered)
        lines.append(f"{len(reviewed.recovered)} queries that the judge rejected are in the set now: {recovered}")
    return [*lines, *_agreement(applied.agreement), *(f"note: {reason}" for reason in applied.agreement.untold)]


def _agreement(found: JudgeAgreement) -> Iterator[str]:
    if found.standing is not None:
        share = found.standing
        yield (
            f"accepted unchanged: {share.count} of {share.n} reviewed queries of the set, "
            f"{share.count / share.n:.0%} [{share.low:.0%}, {share.high:.0%}]"
        )
    for name, kappa in (("edits count as not valid", found.kappa), ("edits count as valid", found.lenient)):
        if kappa is not None:
            value = f"{kappa.value:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]"
            shown = "undefined" if kappa.value != kappa.value else value
            yield f"annotator and judge, {name}: kappa {shown}, the same on {kappa.observed:.0%} of {kappa.n}"
    rate = found.judge_rate
    if rate is not None and rate.value is not None:
        yield (
            f"the judge accepted {rate.reported:.0%} of {rate.n} drafts; corrected for its errors (it accepts "
            f"{rate.sensitivity:.0%} of the valid and rejects {rate.specificity:.0%} of the other drafts), "
            f"{rate.value:.0%} are valid [{rate.low:.0%}, {rate.high:.0%}]"
        )
    estimate = found.people_rate
    if estimate is not None and estimate.low is not None and estimate.high is not None:
        yield (
            f"annotators would accept {estimate.value:.0%} [{estimate.low:.0%}, {estimate.high:.0%}] of these drafts: "
            f"the prediction-powered estimate from {estimate.people} decisions and the judge's verdicts on the other "
            f"{estimate.machine}; from the decisions alone {estimate.people_value:.0%} "
            f"[{estimate.people_low:.0%}, {estimate.people_high:.0%}]"
        )


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count}" for name, count in counts.items())
