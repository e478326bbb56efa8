"""``wattbot_solutions.csv``: a row for every question."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragbench.answers.wattbot.inputs import Question
from ragbench.answers.wattbot.score.sheet import BLANK
from ragbench.answers.wattbot.search import PageChunk
from ragbench.io.files import write_text
from ragbench.models.llm.base import Answer

COLUMNS = ("id", "question", "answer", "answer_value", "answer_unit", "ref_id", "ref_url", "supporting_materials",
           "explanation")  # fmt: skip
UNABLE = "Unable to answer with confidence based on the provided documents."


@dataclass(frozen=True)
class Solution:
    """The answer to one question; ``answer_value`` is ``is_blank`` where there is none."""

    question: Question
    answer: str = UNABLE
    answer_value: str = BLANK
    ref_id: tuple[str, ...] = ()
    supporting_materials: str = BLANK
    explanation: str = BLANK

    @property
    def is_blank(self) -> bool:
        """Whether the question is left unanswered."""
        return self.answer_value == BLANK


def answered(question: Question, answer: Answer, shown: Sequence[PageChunk]) -> tuple[Solution, tuple[str, str] | None]:
    """What the first phase gave.

    Returns:
        The solution, and a code and a reason if something had to be left out of it.
    """
    value = answer.value
    if not isinstance(value, dict):
        code = "no-answer" if answer.unanswered else "unusable-answer"
        return Solution(question), (code, f"left blank: {answer.failure}")
    if value["is_blank"] or value["answer_value"].strip().casefold() in ("", BLANK):
        return Solution(question), None
    there = {chunk.document_id.casefold(): chunk.document_id for chunk in shown}
    given = dict.fromkeys(ref.strip() for ref in value["ref_id"] if ref.strip())
    refs = tuple(dict.fromkeys(there[ref.casefold()] for ref in given if ref.casefold() in there))
    unknown = [ref for ref in given if ref.casefold() not in there]
    solution = Solution(question, " ".join(value["answer"].split()), value["answer_value"].strip(), refs)
    return solution, ("unknown-document", f"cites what it was not shown: {', '.join(unknown)}") if unknown else None


def explained(solution: Solution, answer: Answer) -> tuple[Solution, tuple[str, str] | None]:
    """A solution with what the second phase gave; the first phase's answer stays where that is nothing."""
    value = answer.value
    if not isinstance(value, dict):
        code = "no-answer" if answer.unanswered else "unusable-answer"
        return solution, (code, f"without an explanation: {answer.failure}")
    materials, explanation = (
        " ".join(value[name].split()) or BLANK for name in ("supporting_materials", "explanation")
    )
    return replace(solution, supporting_materials=materials, explanation=explanation), None


def write_solutions(solutions: Sequence[Solution], urls: Mapping[str, str], path: Path) -> None:
    """Write the submission; ``ref_url`` is taken from the metadata.

    The cells stand as they are meant for the competition, formulas included: it is a file for programs.

    Args:
        solutions: a row each.
        urls: address of each document by its id.
        path: the file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in solutions:
        question = one.question
        writer.writerow([
            question.id, question.text, one.answer, one.answer_value, question.unit,
            _listed(one.ref_id), _listed([urls[ref] for ref in one.ref_id]), one.supporting_materials, one.explanation,
        ])  # fmt: skip
    write_text(path, text.getvalue())


def _listed(items: Sequence[str]) -> str:
    return "[" + ",".join(f"'{item}'" for item in items) + "]" if items else BLANK
