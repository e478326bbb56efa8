"""Whatever a notebook has of evaluated systems, as comparisons, gates and plans take them."""

from collections.abc import Iterable
from pathlib import Path

from ragbench.answers.scoring import AnswerEvaluation
from ragbench.answers.wattbot.score.parts import Scored
from ragbench.answers.wattbot.score.summary import scored_run
from ragbench.api.checked import checked
from ragbench.comparison.references import read_references
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Evaluation
from ragbench.core.scored import ScoredRun

System = Evaluation | AnswerEvaluation | Scored | ScoredRun | Path | str
"""An evaluation (all of its arms), scored answers, a scored submission, or ``"FOLDER"`` or ``"FOLDER::ARM"``."""
SYSTEM = (
    'an evaluation, one of evaluation.scored, scored answers, or a folder as "FOLDER" or "FOLDER::ARM"; several are '
    "given one by one (*evaluation.scored)"
)


@checked(reference='a folder, as "FOLDER" or "FOLDER::ARM"')
def load_run(reference: Path | str) -> tuple[ScoredRun, ...]:
    """The systems in a folder that ``ragbench eval`` or ``ragbench score`` wrote; ``"FOLDER::ARM"`` is one of them.

    Raises:
        InputError: it cannot be read, or has no such arm.
    """
    return read_references([str(reference)])


def systems(given: Iterable[System]) -> tuple[ScoredRun, ...]:
    """Every system in what is given, in its order.

    Raises:
        InputError: a reference cannot be read, or two systems have one name.
    """
    given = list(given)
    references = [str(one) for one in given if isinstance(one, str | Path)]
    read = {reference: read_references([reference]) for reference in references}
    found: list[ScoredRun] = []
    for one in given:
        if isinstance(one, str | Path):
            found += read[str(one)]
        elif isinstance(one, Evaluation):
            found += one.scored
        else:
            found.append(one if isinstance(one, ScoredRun) else _single(one))
    names = [run.name for run in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"two systems are called {twice[0]!r}; name arms of folders as FOLDER::ARM, or give the run another name "
            "(dataclasses.replace(run, name=...))"
        )
    return tuple(found)


def one_system(given: System) -> ScoredRun:
    """The one system of it.

    Raises:
        InputError: it has several.
    """
    found = systems([given])
    if len(found) != 1:
        listed = ", ".join(run.name for run in found)
        raise InputError(f"one system is wanted and this has {len(found)}: {listed}; take one of evaluation.scored")
    return found[0]


def _single(given: AnswerEvaluation | Scored) -> ScoredRun:
    return given.scored if isinstance(given, AnswerEvaluation) else scored_run(given)
