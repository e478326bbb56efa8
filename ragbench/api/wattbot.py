"""WattBot submissions."""

from pathlib import Path
from typing import Literal

from ragbench.answers.wattbot.inputs import read_metadata
from ragbench.answers.wattbot.score.lesson import read_lesson_frame, score_lesson
from ragbench.answers.wattbot.score.parts import Scored
from ragbench.answers.wattbot.score.sheet import read_sheet
from ragbench.answers.wattbot.score.strict import score_strict
from ragbench.api.checked import checked


@checked("wattbot.score")
def score(
    truth: Path | str,
    predictions: Path | str,
    *,
    compat: Literal["strict", "lesson"] = "strict",
    metadata: Path | str | None = None,
) -> Scored:
    """The WattBot score of a submission, row by row: .75 value, .15 references, .10 blank or not.

    Args:
        truth: ``train_QA.csv``.
        predictions: ``wattbot_solutions.csv``.
        compat: ``"lesson"`` for the arithmetic of the published lesson script.
        metadata: ``metadata.csv``, to tell references to unknown documents; strict rules only.

    Raises:
        InputError: a file cannot be read, or ids are duplicated or unknown.

    Examples:
        >>> truth = "datasets/energy_ai/train_QA.csv"
        >>> scored = rb.wattbot.score(truth, truth)
        >>> len(scored), float(scored.parts.mean())
        (46, 1.0)
    """
    name = Path(predictions).name
    if compat == "lesson":
        return score_lesson(read_lesson_frame(Path(truth)), read_lesson_frame(Path(predictions)), (str(truth), name))
    known = None if metadata is None else read_metadata(Path(metadata)).urls
    return score_strict(read_sheet(Path(truth)), read_sheet(Path(predictions), name), documents=known)
