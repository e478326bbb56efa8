"""The metrics of answers that are computed if none is named."""

from statistics import median

from ragbench.answers.metrics._cells import references
from ragbench.answers.scoring import with_reference
from ragbench.core.answers import AnswerSet
from ragbench.core.goldens import GoldenSet
from ragbench.core.spelling import given

USUAL = ("token_f1", "abstention")
SHORT = 8
"""The most words, in the median, of answers and references that are names, numbers and the like. Longer ones are free
text, in which a right answer hardly ever has the words of the reference."""


def usual_metrics(answers: AnswerSet, golden: GoldenSet) -> tuple[tuple[str, ...], str]:
    """The metrics, and a note if ``exact_match`` is not among them because answers or references are free text."""
    said = [len(item.answer.split()) for item in answers if item.answer and not item.abstained]
    by_id = {item.query_id: item for item in answers}
    full = [with_reference(item, by_id[item.id]) if item.id in by_id else item for item in golden]
    expected = [len(text.split()) for item in full for text in references(item)[:1]]
    if not (said and expected):
        return USUAL, ""
    longer, what = max((median(said), "answers"), (median(expected), "references"))
    if longer <= SHORT:
        return ("exact_match", *USUAL), ""
    return USUAL, (
        f"exact_match is skipped: the {what} are free text ({longer:g} words in the median); "
        f"{given('metrics', 'exact_match')} computes it"
    )
