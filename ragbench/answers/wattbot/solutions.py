"""Write ``wattbot_solutions.csv``, with a row for every question."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragbench.answers.wattbot.inputs import Question
from ragbench.answers.wattbot.score.sheet import BLANK
from ragbench.answers.wattbot.search import PageChunk
from ragbench.core.brief import brief
from ragbench.io.files import write_text
from ragbench.models.llm.base import Answer

COLUMNS = ("id", "question", "answer", "answer_value", "answer_unit", "ref_id", "ref_url", "supporting_materials",
           "explanation")  # fmt: skip
UNABLE = "Unable to answer with confidence based on the provided documents."


@brief
@dataclass(frozen=True)
class Solution:
    """The answer to one question. ``answer_value`` is ``is_blank`` if there is none."""

    question: Question
    answer: str = UNABLE
    answer_value: str = BLANK
    ref_id: tuple[str, ...] = ()
    supporting_materials: str = BLANK
    explanation: str = BLANK

    @property
    def is_blank(self) -> bool:
        """Whether the question is unanswered."""
        return self.answer_value == BLANK


def answered(question: Question, answer: Answer, shown: Sequence[PageChunk]) -> tuple[Solution, tuple[str, str] | None]:
    """Read the reply of the first phase.

    Returns:
        The solution, and a code and a reason if something was skipped.
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
    """Add the reply of the second phase to a solution. If it is empty, the first phase's answer stays."""
    value = answer.value
    if not isinstance(value, dict):
        code = "no-answer" if answer.unanswered else "unusable-answer"
        return solution, (code, f"without an explanation: {answer.failure}")
    materials, explanation = (
        " ".join(value[name].split()) or BLANK for name in ("supporting_materials", "explanation")
    )
    return replace(solution, supporting_materials=materials, explanation=explanation), None


def write_solutions(solutions: Sequence[Solution], urls: Mapping[str, str], path: Path) -> None:
    """Write the submission. ``ref_url`` comes from the metadata.

    Cells are written as the competition requires, formulas included: the file is for programs.

    Args:
        solutions: one per row.
        urls: address by document id.
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
