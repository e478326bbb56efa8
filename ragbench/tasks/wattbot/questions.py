"""The questions to answer."""

from pathlib import Path
from typing import NamedTuple

from ragbench.core.errors import InputError
from ragbench.tasks.wattbot.score.sheet import BLANK, ID, QUESTION, UNIT, check_ids, read_columns


class Question(NamedTuple):
    """One question; ``unit`` is what its value is to be given in, ``is_blank`` for none."""

    id: str
    text: str
    unit: str


def read_questions(path: Path) -> list[Question]:
    """Read a questions file, ``train_QA.csv`` or ``test_Q.csv``; answers in it are not looked at.

    Raises:
        InputError: no table, no column ``id`` or ``question``, an id that is empty or occurs twice, or an empty
            question.
    """
    columns = read_columns(path, (ID, QUESTION))
    check_ids(path, columns[ID])
    units = columns.get(UNIT, [""] * len(columns[ID]))
    found = [
        Question(id_, " ".join(text.split()), unit.strip() or BLANK)
        for id_, text, unit in zip(columns[ID], columns[QUESTION], units, strict=True)
    ]
    for question in found:
        if not question.text:
            raise InputError(f"{path}: question {question.id!r} is empty; write it, or remove the row")
    return found
