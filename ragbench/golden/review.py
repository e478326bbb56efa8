"""The review of drafts: each gets the opinions of the stages that see it, in order."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import takewhile

from ragbench.core.errors import InputError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.spool import Drafts, Opinions, chosen, kept_like
from ragbench.golden.stages.base import ReviewContext, Stage

BLOCK = 2048
"""Drafts that a stage reviews at once, where it may."""
Stages = Sequence[tuple[str, Stage]]
"""Stages and their names, in order."""


def stages_of_arrivals(stages: Stages) -> int:
    """Count the first stages that can review each draft as soon as it is written, because they look at it alone and ask
    no model.
    """
    return sum(1 for _ in takewhile(lambda named: named[1].alone and named[1].role is None, stages))


async def review(
    drafts: Sequence[Draft], stages: Stages, context: ReviewContext, *, standing: list[str | None] | None = None,
    begin: int = 0, end: int | None = None,
) -> Sequence[Draft]:  # fmt: skip
    """Review the drafts: each gets the opinions of the stages that saw it, in order.

    A rejection is final, unless a later stage reviews it again (`Stage.overrules`).

    Args:
        drafts: the drafts.
        stages: all stages.
        context: the inputs of the stages.
        standing: the stage whose rejection of each draft stands, or None, changed in place. By default it is read from
            the drafts.
        begin: place of the first stage to ask.
        end: place behind the last one; None asks all.

    Raises:
        InputError: a stage did not give one opinion per draft.
    """
    standing = [draft.rejected_by for draft in drafts] if standing is None else standing
    for at, (name, stage) in list(enumerate(stages))[begin:end]:
        overruled = {later.overrules for _, later in stages[at:]}
        open_ = array("Q", (row for row, by in enumerate(standing) if by is None or by in overruled))
        if open_:
            opinions = await _opinions(name, stage, chosen(drafts, open_), context)
            drafts = kept_like(drafts, _reviewed(drafts, open_, opinions, stage.overrules, standing))
    return drafts


async def _opinions(name: str, stage: Stage, drafts: Sequence[Draft], context: ReviewContext) -> Sequence[Opinion]:
    """The opinions of a stage. Drafts in a spool are read in blocks where the stage reviews each of them alone."""
    if not (stage.alone and isinstance(drafts, Drafts)):
        return _checked(name, drafts, await stage.review(drafts, context))
    found = Opinions(len(drafts))
    for start in range(0, len(drafts), BLOCK):
        block = list(drafts[start : start + BLOCK])
        for at, opinion in enumerate(_checked(name, block, await stage.review(block, context)), start):
            found.put(at, opinion)
    return found


def _checked(name: str, drafts: Sequence[Draft], opinions: Sequence[Opinion]) -> Sequence[Opinion]:
    if len(opinions) != len(drafts):
        raise InputError(f"stage {name!r} gave {len(opinions)} opinions on {len(drafts)} drafts")
    return opinions


def _reviewed(
    drafts: Sequence[Draft], open_: Sequence[int], opinions: Sequence[Opinion], overrules: str | None,
    standing: list[str | None],
) -> Iterator[Draft]:  # fmt: skip
    """All drafts, with the opinions on the open ones. Whose rejection stands is noted by row."""
    given = zip(open_, opinions, strict=True)
    next_, opinion = next(given, (-1, None))
    for row, draft in enumerate(drafts):
        if row == next_ and opinion is not None:
            draft = draft.reviewed(opinion, overrules)
            standing[row] = draft.rejected_by
            next_, opinion = next(given, (-1, None))
        yield draft
