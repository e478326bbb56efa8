"""What a judged metric keeps of its statements: the entry of a query in ``Column.details``, and so in details.jsonl.

Judges of any kind write this form, and reports read it.
"""

from collections.abc import Sequence
from typing import Literal, TypedDict

Verdict = Literal["supported", "contradicted", "not found"]
VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "not found")
Text = Literal["answer", "reference", "sources"]


class Claim(TypedDict):
    """One statement and what came of it. JSON values only; every key is always there.

    Keys:
        text: the statement, as the judge worded it, so that it stands alone.
        start, end: the characters of the text in ``of`` that it rests on, ``end`` exclusive; both None where the
            place is not found. Two statements may share a place.
        verdict: of all sources together; with repeats the most frequent, and of equally frequent ones the
            one that speaks least for the statement (contradicted before not found before supported).
        supported_by: ids of the sources that support it by themselves, best source first. It may be empty for a
            supported statement: several sources only together say it, or the judge does not tell which.
        contradicted_by: ids of the sources that contradict it.
        reason: the judge's, of the first judgement; empty where it gives none.
        verdicts: one per judgement, in their order; a single one without repeats.
    """

    text: str
    start: int | None
    end: int | None
    verdict: Verdict
    supported_by: list[str]
    contradicted_by: list[str]
    reason: str
    verdicts: list[Verdict]


class Claims(TypedDict):
    """The statements of one text, in its order.

    Keys:
        of: the text that was split: what ``start`` and ``end`` of the statements count in.
        against: what the statements were held against. Against ``sources``, the ids in ``supported_by`` are
            ``Source.id``; against an answer or a reference they are that word itself.
        statements: see `Claim`.
        repeats: how many judgements there are.
        flips: share of the statements whose verdict is not the same in all judgements; None with one judgement.
    """

    of: Text
    against: Text
    statements: list[Claim]
    repeats: int
    flips: float | None


def claims(statements: Sequence[Claim], *, of: Text, against: Text) -> Claims:
    """The details of one text; repeats and flips are counted from the statements.

    Raises:
        ValueError: statements of one text were judged unequally often.
    """
    counts = {len(one["verdicts"]) for one in statements}
    if len(counts) > 1:
        raise ValueError(f"statements of one text were judged unequally often: {sorted(counts)}")
    repeats = counts.pop() if counts else 0
    flips = None
    if repeats > 1:
        flips = sum(len(set(one["verdicts"])) > 1 for one in statements) / len(statements)
    return Claims(of=of, against=against, statements=list(statements), repeats=repeats, flips=flips)


def most_frequent(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that most judgements give; of equally frequent ones the one that speaks least for the statement."""
    cautious: tuple[Verdict, ...] = ("contradicted", "not found", "supported")
    return max(cautious, key=lambda verdict: (verdicts.count(verdict), -cautious.index(verdict)))
