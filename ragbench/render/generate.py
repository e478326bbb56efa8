"""A generated golden set as lines and JSON: the estimate of a dry run, and the result of a run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from ragbench.golden.generate import WRITER, Generated
from ragbench.io.files import json_values
from ragbench.models.llm.costs import Estimate
from ragbench.render.numbers import model_lines

REASON = 58
"""Characters of a reason in the table of rejections."""


def estimates_json(estimates: Mapping[str, Estimate]) -> dict[str, object]:
    """The JSON object of a dry run."""
    return {"version": 1, "roles": {role: vars(estimate) for role, estimate in estimates.items()}}


def estimates_lines(models: Mapping[str, str], estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """Calls, tokens and cost by role, and together."""
    if not estimates:
        yield "no model is called: it costs nothing"
    for role, estimate in estimates.items():
        yield f"{role} ({models[role]}){'' if role == WRITER else ', at most'}:"
        yield from (f"  {line}" for line in estimate.lines(prices=len(estimates) == 1))
    if len(estimates) > 1:
        yield "together, at most:"
        yield from (f"  {line}" for line in sum(estimates.values(), Estimate()).lines())


def generated_json(
    generated: Generated, *, out: Path | None, fingerprint: str, chunks: int,
    totals: Mapping[str, Mapping[str, object]], skipped: list[str],
) -> dict[str, object]:  # fmt: skip
    """The JSON object of a run."""
    return {
        "version": 1, "out": str(out), "fingerprint": fingerprint, "chunks": chunks, "drafted": generated.drafted,
        "accepted": len(generated.accepted),
        "rejected": {stage: {"count": len(why), "reasons": why[:3]} for stage, why in generated.rejections().items()},
        "skipped": dict(sorted(Counter(one.type for one in generated.skipped).items())), "asked_again": generated.again,
        "models": totals, "left_out": skipped, **_wordings_json(generated),
    }  # fmt: skip


def _wordings_json(generated: Generated) -> dict[str, object]:
    """The wordings, the lead of the seeds, and how often a model wrote another wording than it was asked for."""
    worded = generated.worded
    return {
        "wordings": json_values(worded.wordings),
        "seeds": json_values(worded.seeds),
        "relabelled": json_values(worded.relabelled),
    }


def generated_lines(generated: Generated, totals: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """The calls of each model, and how many drafts were accepted and rejected, within 80 columns."""
    yield from model_lines(totals)
    for name, done in totals.items():
        if done["given_up"]:
            yield f"warning: {name} gave no usable answer to {done['given_up']} requests; see the rejections below"
    yield f"drafted   {generated.drafted:>8,}"
    yield f"accepted  {len(generated.accepted):>8,}"
    counts = Counter(str(draft.provenance["wording"]) for draft in generated.accepted)
    for name in generated.worded.wordings:
        yield f"  {name:<17}{counts[name]:>6,}"
    moved = sum(sum(others.values()) for others in generated.worded.relabelled.values())
    if moved:
        yield f"relabelled{moved:>8,}  of those drafted; asked for in another wording"
    if generated.skipped:
        yield f"skipped   {len(generated.skipped):>8,}  by the writer; {generated.again:,} asked of other chunks"
        for type_, count in sorted(Counter(one.type for one in generated.skipped).items()):
            yield f"  {type_:<17}{count:>6,}"
    yield f"rejected  {len(generated.rejected) + len(generated.failed):>8,}"
    for stage, reasons in generated.rejections().items():
        first = " ".join(reasons[0].split())
        yield f"  {stage:<12}{len(reasons):>6,}  {first if len(first) <= REASON else first[: REASON - 3] + '...'}"
